"""tstats: aggregations over a data model."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stage, always
from podhawk.commands.properties import NO_COLUMN, UNKNOWN, Effect, Resources, Sources, effect
from podhawk.commands.shared.auditmodel import (
    DATASET,
    assignments,
    computed,
    in_expression,
    is_audit,
    native,
    over_events,
)
from podhawk.commands.shared.datasets import Dataset, check_model, dotted, model_rows, split_model
from podhawk.commands.shared.items import Item, item_columns, item_fields, item_volatility, parse_items, render_items
from podhawk.commands.shared.names import listed, shown
from podhawk.commands.shared.parser import parse_bracketed, render_pipeline
from podhawk.commands.stats import Stats, StatsRun
from podhawk.commands.tscollect import collected_file
from podhawk.errors import ContentError
from podhawk.functions.predicates import compile_clause, volatility, with_latest
from podhawk.functions.times import UNITS, snap
from podhawk.lazy import lazy_pattern
from podhawk.rows import Filled, OrderKey, Row, Table
from podhawk.rows.values import as_number
from podhawk.spl.clause import EVERYTHING, Clause, parse_clause
from podhawk.spl.clause import render as render_clause
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import quote, skip_quoted

_FLAGS = ("prestats", "append", "summariesonly", "allow_old_summaries", "include_reduced_buckets", "local")
_OPTIONS = (*_FLAGS, "chunk_size", "fillnull_value")
_MODEL = lazy_pattern(r"datamodel\s*[=:]?\s*(?=[\w\"'])", re.IGNORECASE)
_BY = lazy_pattern(r"(?:by|groupby)(?![\w.:{}*=-])", re.IGNORECASE)
EVENT_TIME = "_event_time"
"""Where the time of an event is kept while `_time` is the start of its span."""
_LENGTHS = {"s": 1, "m": 60, "h": 3600}


class Tstats(Placed, frozen=True):
    """`span` is how `_time` is cut, as written; `fill` stands in for a BY field that a row lacks. The rows are those of
    a data model, or those that `tscollect` kept under the name `namespace`."""

    items: tuple[Item, ...]
    model: str = ""
    where: Clause = EVERYTHING
    by: tuple[str, ...] = ()
    span: str = ""
    fill: str | None = None
    at: Dataset = Dataset("datamodel", "")
    namespace: str = ""


def _parse(cursor: Cursor) -> Tstats:
    at = Dataset("datamodel", "", cursor.at, cursor.source)
    options = cursor.options(_OPTIONS)
    items: tuple[Item, ...] = ()
    while True:  # options may stand between aggregations
        more = parse_items(cursor, ("from", "where", "by", "groupby"))
        given = cursor.options(_OPTIONS)
        items, options = (*items, *more), options | given
        if not more and not given:
            break
    flags = {name: cursor.boolean(options[name], name) for name in _FLAGS if name in options}
    for name in ("prestats", "append"):
        if flags.get(name):
            cursor.fail(f"option {name} is not supported, because it passes partial results to another command")
    cursor.integer(options.get("chunk_size", "0"), "chunk_size")
    if not items:
        cursor.fail("expected an aggregation such as count or values(All_Risk.risk_object)")
    model = namespace = ""
    if cursor.keyword("from"):
        found = cursor.looking_at(_MODEL)
        at = Dataset("datamodel", "", cursor.at, cursor.source)
        if found:
            cursor.at = found.end()
            at = Dataset("datamodel", "", cursor.at, cursor.source)
            model = dotted(cursor, "the name of a data model")
        else:
            namespace = cursor.name("datamodel=NAME, or the name that tscollect was given")
    where: Clause = EVERYTHING
    if cursor.keyword("where"):
        end = _clause_end(cursor)
        where = parse_clause(Cursor(cursor.source, cursor.at, end, cursor.command), parse_bracketed)
        cursor.at = end
        cursor.space()
    by, span = _by(cursor) if cursor.keyword("by", "groupby") else ((), "")
    cursor.finish()
    clash = [item.name for item in items if item.name in by]
    if clash:
        raise cursor.error(f"{clash[0]!r} is both a result and a BY field", cursor.end)
    return Tstats(items, model, where, by, span, options.get("fillnull_value"), at, namespace)


def _clause_end(cursor: Cursor) -> int:
    """Where the clause ends: before `by` outside quotes and parentheses, or at the end."""
    text, at, depth = cursor.source.text, cursor.at, 0
    while at < cursor.end:
        char = text[at]
        if char == '"':
            after = skip_quoted(text, at)
            at = after if after > 0 else cursor.end
            continue
        if char == "\\":
            at += 2
            continue
        depth += {"(": 1, ")": -1}.get(char, 0)
        if not depth and text[at - 1] in ' \t\r\n)"' and _BY.match(text, at, cursor.end):
            return at
        at += 1
    return cursor.end


def _by(cursor: Cursor) -> tuple[tuple[str, ...], str]:
    names: list[str] = []
    span = ""
    while not cursor.done:
        found = cursor.option(("span",))
        if found is not None:
            span = found[1]
            _span(span, cursor)
            cursor.commas()
            continue
        at = cursor.at
        name = cursor.name("a field to group by")
        if "*" in name:
            raise cursor.error(f"wildcards are not allowed in BY: {name}", at)
        names.append(name)
        cursor.commas()
    if not names:
        cursor.fail("expected a field after BY")
    if span and "_time" not in names:
        cursor.fail("span applies to _time; add _time to BY")
    return tuple(dict.fromkeys(names)), span


def _span(text: str, cursor: Cursor | None = None) -> tuple[int, str]:
    """A span as (how many, unit)."""
    found = re.fullmatch(r"(\d*)([A-Za-z]*)", text)
    unit = UNITS.get((found[2] or "s").lower(), "") if found else ""
    count = int(found[1] or 1) if found else 0
    if cursor is not None and (not found or not text or not unit or not count or (count > 1 and unit not in _LENGTHS)):
        cursor.fail(f"span must be a length of time such as 10m, 1h or 1d, not {text!r}")
    return count, unit


def _render(node: Tstats) -> str:
    parts = [f"fillnull_value={quote(node.fill)}"] if node.fill is not None else []
    parts.append(render_items(node.items))
    if node.model:
        parts.append(f"from datamodel={shown(node.model)}")
    if node.namespace:
        parts.append(f"from {shown(node.namespace)}")
    if node.where != EVERYTHING:
        parts.append(f"where {render_clause(node.where, render_pipeline)}")
    if node.by:
        parts.append(f"by {listed(node.by)}")
    if node.span:
        parts.append(f"span={node.span}")
    return " ".join(parts)


def _columns(node: Tstats, columns: Columns) -> Columns:
    made = item_columns(node.items)
    return None if made is None else (*node.by, *made)


def _check(node: Tstats, context: Context) -> None:
    if node.namespace:
        StatsRun(Stats(node.items, node.by), context)
        return
    check_model(node.at, *split_model(node.model))
    StatsRun(Stats(node.items, node.by), context)


def _cut(row: Row, count: int, unit: str, context: Context) -> None:
    time = as_number(row.get("_time"))
    if time is None:
        return
    if unit in _LENGTHS:
        length = count * _LENGTHS[unit]
        row["_time"] = math.floor(time / length) * length
    else:
        row["_time"] = int(snap(time, unit, context.env.zone))


def _source(node: Tstats, context: Context) -> Iterator[Row]:
    if not node.namespace:
        model, inner = split_model(node.model)
        yield from model_rows(context, model, inner, inner)
        return
    try:
        columns, cells = context.files.read(collected_file(node.namespace))
    except ContentError:
        raise node.at.error(
            f"there is nothing under the name {node.namespace!r}", "Collect rows with tscollect namespace=… first."
        ) from None
    for number, line in enumerate(cells):
        yield Row(((name, line[name]) for name in columns if line.get(name)), OrderKey(0.0, 0.0, (number,)))


def _rows(node: Tstats, context: Context) -> Iterator[Row]:
    test = compile_clause(with_latest(node.where), context.env)
    for row in _source(node, context):
        if not test(row):
            continue
        if node.span and "_time" in row:
            row[EVENT_TIME] = row["_time"]
        if node.span:
            _cut(row, *_span(node.span), context)
        if node.fill is not None:
            for name in node.by:
                row.setdefault(name, Filled(node.fill))
        yield row


def _generate(node: Tstats, context: Context) -> Table:
    run = StatsRun(Stats(_timed(node), node.by), context)
    state = run.start()
    run.add(state, _rows(node, context))
    return run.finish(state)


def _made(node: Tstats, name: str) -> Sources:
    return UNKNOWN if name in (_columns(node, None) or (name,)) else NO_COLUMN


def _over_events(node: Tstats, later: Sequence[Stage]) -> str:
    """Over audit events, and without a data model over all events: a search and stats."""
    audit = is_audit(node.model)
    if node.namespace or (node.model and (not audit or split_model(node.model)[1] != DATASET)):
        return ""
    clause = over_events(node.where) if audit else node.where
    parts = [f"search {render_clause(clause, render_pipeline)}"]
    items = tuple(_over_event_fields(item, node) if audit else item for item in _timed(node))
    read = dict.fromkeys((*node.by, *sorted(item_fields(items) or ())))
    made = assignments([name for name in read if name in node.by or computed(name) is not None]) if audit else ""
    parts += [f"eval {made}"] if made else []
    parts += [f"eval {EVENT_TIME}=_time"] if node.span else []
    parts += [f"bin _time span={node.span}"] if node.span else []
    if node.fill is not None and node.by:
        parts.append(f"fillnull value={quote(node.fill)} {listed(node.by)}")
    parts.append(f"stats {render_items(items)}" + (f" by {listed(node.by)}" if node.by else ""))
    return " | ".join(parts)


def _timed(node: Tstats) -> tuple[Item, ...]:
    """The aggregations; those of `_time` read the time of the event, which a span leaves in another field."""
    if not node.span:
        return node.items
    return tuple(
        replace(item, argument=EVENT_TIME, named=True) if item.argument == "_time" else item for item in node.items
    )


def _over_event_fields(item: Item, node: Tstats) -> Item:
    """An aggregation over the model as one over the fields of events, under the same name."""
    argument = item.argument
    if item.wild:
        raise node.at.error("wildcards cannot stand for fields of the data model Kubernetes", "Name each field.")
    if isinstance(argument, str):
        return replace(item, argument=native(argument), named=True)
    return replace(item, argument=None if argument is None else in_expression(argument), named=True)


TSTATS = Command(
    name="tstats",
    syntax="tstats [summariesonly=<bool>] [allow_old_summaries=<bool>] [fillnull_value=<text>] <aggregation>… "
    "from datamodel=Risk.All_Risk|<namespace> [where <clause>] [by <field>… [span=<time>]]",
    doc="Computes aggregations over a data model (Risk or Findings), whose fields are named "
    "`All_Risk.risk_object` and so on. In `where`, OR binds tighter than AND, as in search. `from "
    "<namespace>` reads what tscollect has kept. `fillnull_value` replaces missing BY fields; `span` puts "
    "`_time` into bins. Options for summaries are accepted and ignored. Other data models, `prestats` and "
    "`append` are refused.",
    examples=(
        Example(
            "| tstats summariesonly=false count from datamodel=Risk.All_Risk where All_Risk.risk_object=alice",
            ({"count": "0"},),
        ),
        Example("| tstats count from datamodel=Risk.All_Risk by All_Risk.risk_object | stats count", ({"count": "0"},)),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.GENERATING),
    reads=lambda node, wanted: frozenset(),
    columns=_columns,
    generate=_generate,
    over_events=_over_events,
    check=_check,
    made=_made,
    effect=effect(Effect.REBUILDS),
    groups=lambda node: node.by,
    volatility=lambda node: max(item_volatility(node.items), volatility(node.where)),
    resources=lambda node: Resources(models=(node.model,) if node.model else ()),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/tstats",
)
