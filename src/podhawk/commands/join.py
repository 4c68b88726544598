"""join: bring in the fields of a subsearch's rows that agree in some fields."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec import Struct

from podhawk.commands.append import expect_subsearch
from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Pipeline, Wanted, Whole, always
from podhawk.commands.properties import Effect, Resources, effect
from podhawk.commands.shared.datasets import (
    Dataset,
    check_dataset,
    dataset_resources,
    dataset_table,
    parse_dataset,
    render_dataset,
)
from podhawk.commands.shared.legs import joined, pipeline_columns, pipeline_volatility, run_leg
from podhawk.commands.shared.names import listed
from podhawk.commands.shared.parser import parse_bracketed, render_bracketed
from podhawk.functions.declare import Volatility
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, Table, texts
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor

_OPTIONS = ("type", "usetime", "earlier", "overwrite", "max", "left", "right")
_PAIR = lazy_pattern(r"([^\s=\[\]\"|,]+)\s*==?\s*([^\s=\[\]\"|,]+)")
JoinKey = tuple[tuple[str, ...], ...]


class Join(Struct, frozen=True):
    """`names` are the fields of both sides that must agree (none: all they share). With `aliases`, the two
    sides keep their fields apart as `L.name` and `R.name`, and `pairs` say which must agree."""

    right: Pipeline | Dataset
    names: tuple[str, ...] = ()
    outer: bool = False
    limit: int = 1
    overwrite: bool = True
    usetime: bool = False
    earlier: bool = True
    aliases: tuple[str, str] | None = None
    pairs: tuple[tuple[str, str], ...] = ()


def _parse(cursor: Cursor) -> Join:
    options: dict[str, str] = {}
    names: list[str] = []
    pairs: tuple[tuple[str, str], ...] = ()
    right: Pipeline | Dataset | None = None
    while not cursor.done:
        expect_subsearch(cursor, _OPTIONS)
        options |= cursor.options(_OPTIONS)
        if cursor.done:
            break
        if right is not None:
            cursor.finish()
        right = parse_dataset(cursor, colon=True)
        if right is not None:
            continue
        if cursor.peek() == "[":
            right = parse_bracketed(cursor)
        elif "left" in options and cursor.keyword("where"):
            pairs = _pairs(cursor, options["left"], options.get("right", ""))
        else:
            names.append(cursor.name())
            cursor.commas()
    if right is None:
        cursor.fail("expected a subsearch in square brackets")
    return _node(cursor, options, tuple(dict.fromkeys(names)), pairs, right)


def _node(
    cursor: Cursor,
    options: dict[str, str],
    names: tuple[str, ...],
    pairs: tuple[tuple[str, str], ...],
    right: Pipeline | Dataset,
) -> Join:
    aliases = (options["left"], options["right"]) if "left" in options and "right" in options else None
    if aliases is None and ("left" in options or "right" in options):
        cursor.fail("left= and right= must be used together")
    if aliases is not None and (not pairs or names):
        cursor.fail("left= and right= need where L.field=R.field, without a field list")
    kind = cursor.choice(options.get("type", "inner"), "type", ("inner", "left", "outer"))
    overwrite, usetime, earlier = (
        cursor.boolean(options.get(name, default), name)
        for name, default in (("overwrite", "t"), ("usetime", "f"), ("earlier", "t"))
    )
    limit = cursor.integer(options.get("max", "1"), "max")
    return Join(right, names, kind != "inner", limit, overwrite, usetime, earlier, aliases, pairs)


def _pairs(cursor: Cursor, left: str, right: str) -> tuple[tuple[str, str], ...]:
    """`L.a=R.b L.c=R.d`, with AND between them or not, either side first."""
    found: list[tuple[str, str]] = []
    while True:
        pair = cursor.looking_at(_PAIR)
        if not pair:
            break
        sides = {side.partition(".")[0]: side.partition(".")[2] for side in pair.groups()}
        if set(sides) != {left, right} or not all(sides.values()):
            cursor.fail(f"expected {left}.field={right}.field, found {pair[0]!r}")
        cursor.at = pair.end()
        cursor.space()
        found.append((sides[left], sides[right]))
        if not cursor.keyword("and"):
            cursor.commas()
    if not found:
        cursor.fail(f"expected {left}.field={right}.field after where")
    return tuple(found)


def _render(node: Join) -> str:
    parts = ["type=left"] if node.outer else []
    if node.limit != 1:
        parts.append(f"max={node.limit}")
    parts += [
        text
        for text, on in (
            ("overwrite=false", not node.overwrite),
            ("usetime=true", node.usetime),
            ("earlier=false", not node.earlier),
        )
        if on
    ]
    if node.aliases is not None:
        left, right = node.aliases
        parts.append(f"left={left} right={right} where")
        parts += [f"{left}.{mine}={right}.{other}" for mine, other in node.pairs]
    if node.names:
        parts.append(listed(node.names))
    parts.append(render_dataset(node.right) if isinstance(node.right, Dataset) else render_bracketed(node.right))
    return " ".join(parts)


def _reads(node: Join, wanted: Wanted) -> Wanted:
    if wanted is None or (not node.names and node.aliases is None):
        return None
    time = frozenset({"_time"}) if node.usetime else frozenset()
    if node.aliases is None:
        return wanted | frozenset(node.names) | time
    prefix = f"{node.aliases[0]}."
    return (
        time
        | {mine for mine, _ in node.pairs}
        | {
            name[len(prefix) :] if name.startswith(prefix) else name
            for name in wanted
            if name.startswith((prefix, "_"))
        }
    )


def _columns(node: Join, columns: Columns) -> Columns:
    right = None if isinstance(node.right, Dataset) else pipeline_columns(node.right)
    return _joined(node, columns, right) if right is not None else None


def _joined(node: Join, left: Columns, right: Columns) -> Columns:
    if node.aliases is None:
        return joined(left, right)
    return joined(_prefixed_columns(left, node.aliases[0]), _prefixed_columns(right, node.aliases[1]))


def _prefixed_columns(columns: Columns, alias: str) -> Columns:
    return None if columns is None else tuple(name if name.startswith("_") else f"{alias}.{name}" for name in columns)


def _key(row: Row, names: tuple[str, ...]) -> JoinKey | None:
    """The values that must agree, case and all; None where one is missing: null agrees with nothing."""
    key: list[tuple[str, ...]] = []
    for name in names:
        value = row.get(name)
        if value is None:
            return None
        key.append(tuple(texts(value)))
    return tuple(key)


def _shared(left: Table, right: Table) -> tuple[str, ...]:
    others = set(right.header())
    return tuple(name for name in left.header() if name in others and not name.startswith("_"))


def _in_time(node: Join, left: Row, right: Row) -> bool:
    """Whether `usetime` lets two rows meet; the same second always does."""
    mine, other = as_number(left.get("_time")), as_number(right.get("_time"))
    if not node.usetime or mine is None or other is None:
        return True
    first, second = math.floor(mine), math.floor(other)
    return second <= first if node.earlier else second >= first


def _merged(node: Join, left: Row, right: Row | None) -> Row:
    if node.aliases is None:
        row = left.copy()
        for name, value in (right or {}).items():
            if node.overwrite or name not in row:
                row[name] = value
        return row
    mine, other = node.aliases
    row = Row(((name if name.startswith("_") else f"{mine}.{name}", value) for name, value in left.items()), left.order)
    for name, value in (right or {}).items():
        if not name.startswith("_"):
            row[f"{other}.{name}"] = value
    return row


def _whole(node: Join, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        right = (
            dataset_table(node.right, context)
            if isinstance(node.right, Dataset)
            else run_leg(node.right, context, "join")
        )
        names = tuple(mine for mine, _ in node.pairs) or node.names or _shared(table, right)
        others = tuple(other for _, other in node.pairs) or names
        if not names and table.rows and right.rows:
            context.warn("join-fields", "join: the two sides have no field in common")
        return Table(list(_rows(node, table, right, names, others)), _joined(node, table.columns, right.columns))

    return whole


def _rows(node: Join, left: Table, right: Table, names: tuple[str, ...], others: tuple[str, ...]) -> Iterator[Row]:
    index: dict[JoinKey, list[Row]] = {}
    for row in right.rows:
        key = _key(row, others)
        if key:
            index.setdefault(key, []).append(row)
    for row in left.rows:
        key = _key(row, names)
        found = [other for other in index.get(key, ()) if _in_time(node, row, other)] if key else []
        for other in found[: node.limit] if node.limit else found:
            yield _merged(node, row, other)
        if not found and node.outer:
            yield _merged(node, row, None)


def _check(node: Join, context: Context) -> None:
    if isinstance(node.right, Dataset):
        check_dataset(node.right, context)


def _volatility(node: Join) -> Volatility:
    return Volatility.IMMUTABLE if isinstance(node.right, Dataset) else pipeline_volatility(node.right)


JOIN = Command(
    name="join",
    syntax="join [type=inner|left|outer] [max=<n>] [overwrite=<bool>] [usetime=<bool>] [earlier=<bool>] "
    "(<field>… | left=<L> right=<R> where <L>.<field>=<R>.<field>…) ([ <subsearch> ] | <type>:<name>)",
    doc="Adds to each row the fields of the first subsearch row with equal values (case-sensitive) "
    "in the listed fields, or in all common fields. Rows without a match are dropped, unless "
    "`type=left` (or `outer`). `max=0` joins every match. At most 50,000 rows of the subsearch "
    "are used. With `left=` and `right=`, fields are named `L.field` and `R.field`.",
    examples=(
        Example(
            "verb=create | table user name | join user [ search verb=login | table user ip ]",
            ({"user": "a", "name": "x", "ip": "1.1.1.1"},),
            (
                '{"verb":"create","user":"a","name":"x"}',
                '{"verb":"create","user":"b","name":"y"}',
                '{"verb":"login","user":"a","ip":"1.1.1.1"}',
            ),
        ),
        Example(
            "verb=create | table user | join left=L right=R where L.user=R.who [ search who=* | table who ip ]",
            ({"L.user": "a", "R.who": "a", "R.ip": "1.1.1.1"},),
            ('{"verb":"create","user":"a"}', '{"who":"a","ip":"1.1.1.1"}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=_columns,
    whole=_whole,
    check=_check,
    legs=lambda node: () if isinstance(node.right, Dataset) else (node.right,),
    effect=effect(Effect.REBUILDS),
    known_as=("inner", "left", "outer"),
    volatility=_volatility,
    resources=lambda node: dataset_resources(node.right) if isinstance(node.right, Dataset) else Resources(),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/join",
)
