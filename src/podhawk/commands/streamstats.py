"""streamstats: running aggregations, row by row in the order the rows stand in.

Without a window each group keeps one state that only grows. With a window (rows, time, or both) the
rows of the window are kept and aggregated again for each row. `global=true` (the default) counts the
rows of a window over all groups, and each row then aggregates those of its own group in it;
`global=false` gives every group a window of its own. A reset forgets everything, in all groups.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/streamstats
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from podhawk.commands.context import Context, renumber
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always, needs
from podhawk.commands.eventstats import added_columns, added_made, added_reads, by_clause, put
from podhawk.commands.properties import Effect, effect
from podhawk.commands.shared.aggregate import Aggregator, Group
from podhawk.commands.shared.groups import Key, keys_of
from podhawk.commands.shared.items import Item, item_patterns, item_volatility, parse_items, render_items
from podhawk.commands.shared.names import listed
from podhawk.commands.shared.numeric import spoiled
from podhawk.commands.shared.spans import TimeSpan, parse_span, show_span
from podhawk.commands.where import void
from podhawk.functions.evaluate import compile_condition, patterns, volatility
from podhawk.functions.times import shift
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, Table
from podhawk.rows.values import Value, as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression, fields, parse_expression, render
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText, plain, unescape

_OPTIONS = ("current", "window", "global", "reset_on_change", "time_window", "allnum")
_CONDITIONS = ("reset_before", "reset_after")
_CONDITION = lazy_pattern(r"(reset_before|reset_after)\s*=\s*", re.IGNORECASE)
_QUOTED = lazy_pattern(r'"\("(.*?)(?<!\\)"\)"(?=[\s,]|\Z)|"\((.*?)(?<!\\)\)"(?=[\s,]|\Z)', re.DOTALL)


class ResetCondition(Placed, frozen=True):
    expression: Expression
    source: SearchText


class StreamStats(Struct, frozen=True):
    items: tuple[Item, ...]
    by: tuple[str, ...] = ()
    current: bool = True
    window: int = 0
    overall: bool = True
    reset_on_change: bool = False
    reset_before: ResetCondition | None = None
    reset_after: ResetCondition | None = None
    time_window: TimeSpan | None = None
    allnum: bool = False


def _condition(cursor: Cursor) -> ResetCondition:
    """`(expression)`, also in the quoted spellings `"("expression")"` and `"(expression)"`."""
    quoted = cursor.looking_at(_QUOTED)
    if quoted:
        text = unescape(quoted[1] if quoted[1] is not None else quoted[2])
        inner = Cursor(plain(text, "reset condition"), 0, len(text), cursor.command)
        expression = parse_expression(inner)
        inner.finish()
        cursor.at = quoted.end()
        cursor.space()
        return ResetCondition(expression, inner.source)
    if not cursor.take("("):
        cursor.fail("expected an eval expression in parentheses")
    expression = parse_expression(cursor)
    if not cursor.take(")"):
        cursor.fail("expected )")
    return ResetCondition(expression, cursor.source)


def _options(cursor: Cursor, found: dict[str, str], conditions: dict[str, ResetCondition]) -> None:
    while True:
        condition = cursor.looking_at(_CONDITION)
        if condition:
            cursor.at = condition.end()
            conditions[condition[1].lower()] = _condition(cursor)
            cursor.commas()
            continue
        pair = cursor.option((*_OPTIONS, *_CONDITIONS))
        if pair is None:
            return
        found[pair[0]] = pair[1]
        cursor.commas()


def _parse(cursor: Cursor) -> StreamStats:
    options: dict[str, str] = {}
    conditions: dict[str, ResetCondition] = {}
    _options(cursor, options, conditions)
    items = parse_items(cursor, ("by",))
    if not items:
        cursor.fail("expected an aggregation such as count or values(field)")
    _options(cursor, options, conditions)
    by = by_clause(cursor)
    _options(cursor, options, conditions)
    cursor.finish()
    span = parse_span(options["time_window"]) if "time_window" in options else None
    if isinstance(span, str):
        cursor.fail(span)
    if span is not None and not isinstance(span, TimeSpan):
        cursor.fail("time_window must be a length of time such as 5m")

    def flag(name: str, default: str) -> bool:
        return cursor.boolean(options.get(name, default), name)

    return StreamStats(
        items,
        by,
        flag("current", "t"),
        cursor.integer(options.get("window", "0"), "window"),
        flag("global", "t"),
        flag("reset_on_change", "f"),
        conditions.get("reset_before"),
        conditions.get("reset_after"),
        span,
        flag("allnum", "f"),
    )


def _render(node: StreamStats) -> str:
    parts = [
        f"{name}={value}"
        for name, value, usual in (
            ("current", node.current, True),
            ("global", node.overall, True),
            ("reset_on_change", node.reset_on_change, False),
            ("allnum", node.allnum, False),
        )
        if value is not usual
    ]
    if node.window:
        parts.append(f"window={node.window}")
    if node.time_window is not None:
        parts.append(f"time_window={show_span(node.time_window)}")
    parts += [
        f"{name}=({render(condition.expression)})"
        for name, condition in (("reset_before", node.reset_before), ("reset_after", node.reset_after))
        if condition is not None
    ]
    parts.append(render_items(node.items))
    if node.by:
        parts.append(f"BY {listed(node.by)}")
    return " ".join(parts)


def _reads(node: StreamStats, wanted: Wanted) -> Wanted:
    read = added_reads(node.items, node.by, wanted)
    if node.time_window is not None:
        read = needs(read, "_time")
    made = {item.name for item in node.items}
    for condition in (node.reset_before, node.reset_after):
        if condition is not None:
            read = needs(read, *(fields(condition.expression) - made))
    return read


class _Growing:
    """One state per group, without a window."""

    def __init__(self, node: StreamStats, aggregator: Aggregator) -> None:
        self.node = node
        self.aggregator = aggregator
        self.groups: dict[Key, Group] = {}
        self.bad: dict[Key, set[str]] = {}

    def clear(self) -> None:
        self.groups.clear()
        self.bad.clear()

    def add(self, row: Row, keys: list[Key]) -> None:
        for key in keys:
            if key not in self.groups:
                self.groups[key] = self.aggregator.new()
            self.aggregator.add(self.groups[key], row)
            if self.node.allnum:
                self.bad.setdefault(key, set()).update(spoiled(self.node.items, row))

    def results(self, row: Row, key: Key) -> dict[str, Value]:
        found = self.aggregator.finish(self.groups.get(key) or self.aggregator.new())
        bad = self.bad.get(key, set())
        return {name: value for name, value in found.items() if name not in bad}


class _Sliding:
    """The rows of the window, one for all groups or one for each."""

    def __init__(self, node: StreamStats, aggregator: Aggregator, context: Context) -> None:
        self.node = node
        self.aggregator = aggregator
        self.context = context
        self.rows: dict[Key, deque[tuple[Row, list[Key]]]] = {}

    def clear(self) -> None:
        self.rows.clear()

    def _window(self, key: Key) -> deque[tuple[Row, list[Key]]]:
        return self.rows.setdefault(() if self.node.overall else key, deque())

    def add(self, row: Row, keys: list[Key]) -> None:
        for key in [()] if self.node.overall else dict.fromkeys(keys):  # a row counts once, however often it has a key
            window = self._window(key)
            window.append((row.copy(), keys))
            if self.node.window and len(window) > self.node.window:
                window.popleft()

    def results(self, row: Row, key: Key) -> dict[str, Value]:
        window = self._window(key)
        if self.node.time_window is not None:
            self._expire(window, row)
        group = self.aggregator.new()
        bad: set[str] = set()
        for one, keys in window:
            for _ in range(keys.count(key)):
                self.aggregator.add(group, one)
                if self.node.allnum:
                    bad |= spoiled(self.node.items, one)
        return {name: value for name, value in self.aggregator.finish(group).items() if name not in bad}

    def _expire(self, window: deque[tuple[Row, list[Key]]], row: Row) -> None:
        """Drop the rows that lie a window's length or more from this one, whichever way time runs."""
        span = self.node.time_window
        now = as_number(row.get("_time"))
        if span is None or now is None:
            return
        size = {"us": 1e-6, "ms": 1e-3, "cs": 1e-2, "ds": 1e-1}.get(span.unit)
        while window:
            then = as_number(window[0][0].get("_time"))
            if then is not None:
                early, late = sorted((now, then))
                try:
                    end = (
                        early + span.count * size
                        if size
                        else shift(early, span.count, span.unit, self.context.env.zone)
                    )
                except (OverflowError, ValueError, OSError):
                    self.context.warn("time out of range", f"_time={early} is not in the years 1 to 9999")
                    end = early
                if late < end:
                    return
            window.popleft()


def _test(condition: ResetCondition | None, context: Context) -> Callable[[Row], bool] | None:
    return None if condition is None else compile_condition(condition.expression, context.env, condition.source)


def _whole(node: StreamStats, context: Context) -> Whole:
    aggregator = Aggregator(node.items, context, node.by)
    keep_null = "eventstats-null-by-kept" in context.env.switches
    before, after = _test(node.reset_before, context), _test(node.reset_after, context)

    def whole(table: Table) -> Table:
        renumber(table.rows)
        state = _Sliding(node, aggregator, context) if node.window or node.time_window else _Growing(node, aggregator)
        previous: list[Key] | None = None
        for row in table.rows:
            keys = list(keys_of(row, node.by, keep_null=keep_null))
            if node.reset_on_change and keys:
                if previous is not None and keys != previous:
                    state.clear()
                previous = keys
            if before is not None and before(row):
                state.clear()
            seen = row.copy()
            if node.current:
                state.add(seen, keys)
            if keys:
                put(row, node.items, state.results(seen, keys[0]))
            if not node.current:
                state.add(seen, keys)
            if after is not None and after(row):
                state.clear()
        return Table(table.rows, added_columns(node.items, table.columns))

    return whole


def _conditions(node: StreamStats) -> tuple[Expression, ...]:
    return tuple(one.expression for one in (node.reset_before, node.reset_after) if one is not None)


STREAMSTATS = Command(
    name="streamstats",
    syntax="streamstats [current=<bool>] [window=<n>] [global=<bool>] [time_window=<span>] [reset_on_change=<bool>] "
    "[reset_before=(<eval-expression>)] [reset_after=(<eval-expression>)] [allnum=<bool>] <aggregation>… "
    "[BY <field>…]",
    doc="Adds to each row the aggregations over the rows up to it, in row order; current=false "
    "excludes the row itself. window uses only the last n rows, time_window only rows within a "
    "length of time. global=false gives each BY group its own window. The reset options start "
    "again from zero: when the BY values change, or before or after a row for which an "
    "expression is true. A row that lacks a BY field gets no results.",
    examples=(
        Example(
            "* | streamstats count sum(n) as total by user | table user count total",
            (
                {"user": "a", "count": "1", "total": "1"},
                {"user": "b", "count": "1", "total": "5"},
                {"user": "a", "count": "2", "total": "4"},
            ),
            ('{"user":"a","n":1}', '{"user":"b","n":5}', '{"user":"a","n":3}'),
        ),
        Example(
            "* | streamstats current=f window=1 last(verb) as before | table verb before",
            ({"verb": "get", "before": None}, {"verb": "list", "before": "get"}),
            ('{"verb":"get"}', '{"verb":"list"}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=lambda node, columns: added_columns(node.items, columns),
    whole=_whole,
    check=lambda node, context: void(
        (Aggregator(node.items, context), _test(node.reset_before, context), _test(node.reset_after, context))
    ),
    made=lambda node, name: added_made(node.items, node.by, name),
    # The rows stay, but what is added to a row depends on its position.
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: max(item_volatility(node.items), volatility(*_conditions(node))),
    patterns=lambda node: (*item_patterns(node.items), *patterns(*_conditions(node))),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/streamstats",
)
