"""transaction: group events that belong together into one row."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Wanted, Whole, always, plus
from podhawk.commands.properties import Effect, effect
from podhawk.commands.shared.names import listed
from podhawk.commands.shared.transactions import Rules, group, merge_members, newest_first
from podhawk.commands.where import void
from podhawk.functions.declare import Volatility
from podhawk.functions.evaluate import compile_condition, volatility
from podhawk.functions.predicates import compile_clause
from podhawk.functions.predicates import volatility as clause_volatility
from podhawk.functions.times import UNITS
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, Table
from podhawk.spl import clause as spl
from podhawk.spl.clause import Clause, parse_clause
from podhawk.spl.cursor import FALSE, TRUE, Cursor
from podhawk.spl.expression import Expression, fields, parse_expression
from podhawk.spl.expression import render as render_expression
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText, plain, quote, skip_quoted

_MADE = ("duration", "eventcount", "closed_txn", "field_match_sum")
_FLAGS = {"connected": True, "unifyends": False, "keepevicted": False, "keeporphans": False, "mvraw": False}
_OPTIONS = (
    "fields",
    "maxspan",
    "maxpause",
    "maxevents",
    "startswith",
    "endswith",
    "mvlist",
    "delim",
    "nullstr",
    "maxopentxn",
    "maxopenevents",
    "name",
    *_FLAGS,
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EVAL = lazy_pattern(r"eval\s*\(", re.IGNORECASE)


class Boundary(Placed, frozen=True):
    """What an event must satisfy to begin or end a transaction: a search clause or an eval condition."""

    condition: Clause | Expression
    evaluated: bool = False
    source: SearchText | None = None


class Transaction(Struct, frozen=True):
    names: tuple[str, ...] = ()
    maxspan: float = -1
    maxpause: float = -1
    maxevents: int = 1000
    starts: Boundary | None = None
    ends: Boundary | None = None
    connected: bool = True
    unifyends: bool = False
    keepevicted: bool = False
    keeporphans: bool = False
    mvlist: bool | tuple[str, ...] = False
    mvraw: bool = False
    delim: str = " "
    nullstr: str = "NULL"


def _parse(cursor: Cursor) -> Transaction:
    names: list[str] = []
    options: dict[str, str] = {}
    lists: list[str] = []
    bounds: dict[str, Boundary] = {}
    while not cursor.done:
        name = cursor.next_option()
        if name in ("startswith", "endswith"):
            bounds[name] = _boundary(cursor)
        elif name is not None:
            at = cursor.at
            found = cursor.option(_OPTIONS)
            assert found is not None
            if found[0] == "name":
                raise cursor.error(
                    "transaction types are not supported, because podhawk reads no transactiontypes.conf",
                    at,
                    remedy="Write the options of the transaction type instead.",
                )
            if found[0] == "mvlist":
                lists = _list(cursor, found[1])
            options[found[0]] = found[1]
        else:
            names.append(cursor.name())
        cursor.commas()
    names += re.split(r"[\s,]+", options["fields"].strip()) if options.get("fields", "").strip() else []
    for name in ("maxopentxn", "maxopenevents"):
        cursor.integer(options.get(name, "0"), name)
    flags = {
        name: cursor.boolean(options[name], name) if name in options else default for name, default in _FLAGS.items()
    }
    spelled = options.get("mvlist", "f").lower()
    return Transaction(
        tuple(dict.fromkeys(names)),
        _span(cursor, options.get("maxspan", "-1"), "maxspan"),
        _span(cursor, options.get("maxpause", "-1"), "maxpause"),
        cursor.integer(options.get("maxevents", "1000"), "maxevents", -1),
        bounds.get("startswith"),
        bounds.get("endswith"),
        mvlist=spelled in TRUE if spelled in TRUE | FALSE and len(lists) == 1 else tuple(lists),
        delim=options.get("delim", " "),
        nullstr=options.get("nullstr", "NULL"),
        **flags,
    )


def _list(cursor: Cursor, first: str) -> list[str]:
    """The fields of `mvlist=a,b`: the option's value and what its commas join to it."""
    found = [name for name in re.split(r"[\s,]+", first) if name]
    while cursor.comma() and not cursor.done and not cursor.next_option():
        found.append(cursor.name())
    return found


def _span(cursor: Cursor, text: str, name: str) -> float:
    """A length of time in seconds; -1 is without limit."""
    found = re.fullmatch(r"(-?\d+)\s*([A-Za-z]*)", text.strip())
    unit = UNITS.get(found[2].lower() or "s", "") if found else ""
    if not found or unit not in _SECONDS:
        cursor.wrong(name, text, f"option {name} must be a length of time such as 30s, 5m, 2h or 1d, not {text!r}")
    return int(found[1]) * _SECONDS[unit] if int(found[1]) >= 0 else -1


def _refuse_subsearch(cursor: Cursor) -> object:
    cursor.fail("startswith and endswith cannot contain a subsearch")


def _boundary(cursor: Cursor) -> Boundary:
    """`"search words"`, `(clause)`, `eval(condition)` or a word, after the option's name."""
    found = cursor.looking_at(re.compile(r"\w+\s*=\s*"))
    assert found is not None
    cursor.at = found.end()
    evaluated = cursor.looking_at(_EVAL)
    if evaluated:
        start = cursor.at
        cursor.at = evaluated.end()
        cursor.space()
        expression = parse_expression(cursor)
        if not cursor.take(")"):
            raise cursor.error("this eval( is never closed", start)
        return Boundary(expression, True, cursor.source)
    if cursor.peek() == "(":
        start, end = _parenthesised(cursor)
        return Boundary(parse_clause(Cursor(cursor.source, start, end, cursor.command), _refuse_subsearch))
    text = cursor.word("a condition")
    if not text.strip():
        cursor.fail(f"{found[0].strip()} has no condition")
    source = plain(text, f"{found[0].strip()} of transaction")
    return Boundary(parse_clause(Cursor(source, 0, len(text), cursor.command), _refuse_subsearch))


def _parenthesised(cursor: Cursor) -> tuple[int, int]:
    text, at, depth = cursor.source.text, cursor.at, 0
    start = at + 1
    while at < cursor.end:
        if text[at] == '"':
            after = skip_quoted(text, at)
            at = after if after > 0 else cursor.end
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 2 if text[at] == "\\" else 1
        if not depth:
            cursor.at = at
            cursor.space()
            return start, at - 1
    raise cursor.error("this ( is never closed", remedy="Close it with ).")


def _shown_boundary(boundary: Boundary) -> str:
    if boundary.evaluated:
        return f"eval({render_expression(boundary.condition)})"  # type: ignore[arg-type]
    return f"({spl.render(boundary.condition, str)})"  # type: ignore[arg-type]


def _render(node: Transaction) -> str:
    parts = [listed(node.names)] if node.names else []
    parts += [
        f"{name}={value:g}s" for name, value in (("maxspan", node.maxspan), ("maxpause", node.maxpause)) if value >= 0
    ]
    if node.maxevents != 1000:
        parts.append(f"maxevents={node.maxevents}")
    parts += [
        f"{name}={_shown_boundary(bound)}"
        for name, bound in (("startswith", node.starts), ("endswith", node.ends))
        if bound is not None
    ]
    parts += [
        f"{name}={str(not default).lower()}" for name, default in _FLAGS.items() if getattr(node, name) is not default
    ]
    if node.mvlist:
        parts.append("mvlist=true" if isinstance(node.mvlist, bool) else f"mvlist={quote(','.join(node.mvlist))}")
    parts += [
        f"{name}={quote(value)}"
        for name, value, default in (("delim", node.delim, " "), ("nullstr", node.nullstr, "NULL"))
        if value != default
    ]
    return " ".join(parts)


def _boundary_fields(boundary: Boundary | None) -> frozenset[str]:
    if boundary is None:
        return frozenset()
    if boundary.evaluated:
        return fields(boundary.condition)  # type: ignore[arg-type]
    return spl.fields(boundary.condition)  # type: ignore[arg-type]


def _reads(node: Transaction, wanted: Wanted) -> Wanted:
    if wanted is None:
        return None
    return (
        (wanted - set(_MADE))
        | set(node.names)
        | {"_time"}
        | _boundary_fields(node.starts)
        | _boundary_fields(node.ends)
    )


def _columns(node: Transaction, columns: Columns) -> Columns:
    return plus(columns, *_MADE)


def _test(boundary: Boundary | None, context: Context) -> Callable[[Row], bool] | None:
    if boundary is None:
        return None
    if boundary.evaluated:
        source = boundary.source or SearchText("", "", ())
        return compile_condition(boundary.condition, context.env, source)  # type: ignore[arg-type]
    return compile_clause(boundary.condition, context.env)  # type: ignore[arg-type]


def _whole(node: Transaction, context: Context) -> Whole:
    rules = Rules(
        node.names,
        node.maxspan,
        node.maxpause,
        node.maxevents,
        _test(node.starts, context),
        _test(node.ends, context),
        node.connected,
        node.unifyends,
    )

    def whole(table: Table) -> Table:
        done, orphans = group(table.rows, rules)
        # A transaction stands where its first event stands among the events, newest first.
        place = {id(row): number for number, row in enumerate(newest_first(table.rows))}
        made = [
            (
                place[id(txn.members[-1])],
                merge_members(txn, node.names, node.mvlist, node.nullstr, node.mvraw, node.delim),
            )
            for txn in done
            if txn.complete(rules) or node.keepevicted
        ]
        if node.keeporphans:
            for orphan in orphans:
                row = orphan.copy()
                row["_txn_orphan"] = 1
                made.append((place[id(orphan)], row))
        made.sort(key=lambda pair: pair[0])
        return Table([row for _, row in made], _columns(node, table.columns))

    return whole


def _volatility(node: Transaction) -> Volatility:
    found = Volatility.IMMUTABLE
    for bound in (node.starts, node.ends):
        if bound is not None:
            found = max(found, (volatility if bound.evaluated else clause_volatility)(bound.condition))  # type: ignore[arg-type]
    return found


TRANSACTION = Command(
    name="transaction",
    syntax="transaction [<field>…] [maxspan=<time>] [maxpause=<time>] [maxevents=<n>] [startswith=<filter>] "
    "[endswith=<filter>] [connected=<bool>] [unifyends=<bool>] [keepevicted=<bool>] [keeporphans=<bool>] "
    "[mvlist=<bool>|<field>,…] [mvraw=<bool>] [delim=<text>] [nullstr=<text>]",
    doc="Groups events, from newest to oldest, that have equal values in the listed fields and are "
    "within `maxspan` and `maxpause`. A filter is a quoted search, a clause in parentheses, or "
    "`eval(…)`. Each group becomes one row: the time of its first event, all values of each "
    "field (distinct and sorted, unless `mvlist`), `duration` in seconds, `eventcount`, and "
    "`closed_txn`, which is 1 if a condition closed the group. Groups without the required start "
    "or end are dropped unless `keepevicted=true`.",
    examples=(
        Example(
            "* | transaction user | table user duration eventcount verb",
            ({"user": "a", "duration": "5", "eventcount": "2", "verb": ["create", "get"]},),
            ('{"_time":10,"user":"a","verb":"get"}', '{"_time":15,"user":"a","verb":"create"}'),
        ),
        Example(
            '* | transaction user startswith="verb=login" endswith=eval(verb="logout") | table eventcount duration',
            ({"eventcount": "2", "duration": "20"},),
            (
                '{"_time":10,"user":"a","verb":"login"}',
                '{"_time":30,"user":"a","verb":"logout"}',
                '{"_time":40,"user":"a","verb":"get"}',
            ),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=_columns,
    whole=_whole,
    check=lambda node, context: void(_whole(node, context)),
    effect=effect(Effect.REBUILDS),
    volatility=_volatility,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/transaction",
)
