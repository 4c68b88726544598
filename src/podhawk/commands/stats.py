"""stats: one row per group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from types import NoneType

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Mergeable, Slip, Wanted, always
from podhawk.commands.properties import NO_COLUMN, UNKNOWN, Effect, Sources, copy
from podhawk.commands.shared.aggregate import Aggregator, Group
from podhawk.commands.shared.groups import Key, filled, in_order, keys_of, more_real
from podhawk.commands.shared.items import (
    Item,
    item_columns,
    item_fields,
    item_made,
    item_patterns,
    item_volatility,
    parse_items,
    ranged_items,
    render_items,
)
from podhawk.commands.shared.names import listed
from podhawk.commands.shared.numeric import spoiled
from podhawk.commands.shared.sparkline import SparkPieces
from podhawk.commands.where import void
from podhawk.rows import Filled, Row, Table, Value, texts
from podhawk.spl.cursor import Cursor

_TEXT = frozenset({str, Filled})
_OPTIONS = ("allnum", "delim", "partitions", "dedup_splitvals")


class Stats(Struct, frozen=True):
    items: tuple[Item, ...]
    by: tuple[str, ...] = ()
    dedup_splitvals: bool = False
    allnum: bool = False
    delim: str = ""


def _parse(cursor: Cursor) -> Stats:
    options = cursor.options(_OPTIONS)
    items = parse_items(cursor, ("by",), spark=True)
    if not items:
        cursor.fail("expected an aggregation such as count or values(field)")
    by: tuple[str, ...] = ()
    if cursor.keyword("by"):
        at = cursor.at
        by = cursor.grouping()
        wild = [name for name in by if "*" in name]
        if wild:
            raise cursor.error(f"wildcards are not allowed in BY: {wild[0]}", at)
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    flags = {name: cursor.boolean(options.get(name, "f"), name) for name in ("dedup_splitvals", "allnum")}
    clash = [item.name for item in items if item.name in by]
    if clash:
        raise cursor.error(f"{clash[0]!r} is both a result and a BY field", cursor.end)
    return Stats(items, tuple(dict.fromkeys(by)), flags["dedup_splitvals"], flags["allnum"], options.get("delim", ""))


def _render(node: Stats) -> str:
    parts = ["allnum=true"] if node.allnum else []
    if node.delim:
        parts.append(f'delim="{node.delim}"')
    parts.append(render_items(node.items))
    if node.by:
        parts.append(f"BY {listed(node.by)}")
    if node.dedup_splitvals:
        parts.append("dedup_splitvals=true")
    return " ".join(parts)


def _reads(node: Stats, wanted: Wanted) -> Wanted:
    read = item_fields(node.items)
    return None if read is None else read | frozenset(node.by)


def _columns(node: Stats, columns: Columns) -> Columns:
    made = item_columns(node.items)
    return None if made is None else (*node.by, *made)


class Kept(Struct):
    """One group of a state: its key as shown (a real part wins over a filled one), and its aggregations.

    `bad` are the results that allnum=true leaves out.
    """

    shown: Key
    group: Group
    has_filled: bool
    bad: set[str] | None = None


StatsState = dict[Key, Kept]


class StatsRun:
    """`stats` as a mergeable: a state is the groups seen so far."""

    def __init__(self, node: Stats, context: Context) -> None:
        self.node = node
        self.by = node.by
        self.aggregator = Aggregator(node.items, context, node.by)
        self.keep_null = "stats-null-by-kept" in context.env.switches
        self.first_only = "stats-multivalue-by-first" in context.env.switches
        self.row_of_nothing = "stats-nothing-no-row" not in context.env.switches

    def counts_only(self) -> bool:
        """Whether every result is the number of events, and each value of a by-field has its group."""
        return not (self.keep_null or self.first_only or self.node.dedup_splitvals) and all(
            item.argument is None for item in self.node.items
        )

    def start(self) -> StatsState:
        return {}

    def add(self, state: StatsState, rows: Iterable[Row]) -> None:
        by, aggregator = self.node.by, self.aggregator
        if self.node.allnum:
            rows = self._all_numbers(state, rows)
        for row in rows:
            values = [row.get(name) for name in by]
            key = tuple(values) if all(value.__class__ is str for value in values) else None
            if key is not None:
                # Nearly every row: each field has one text. No fillnull, no number, no multivalue.
                aggregator.add(self._group(state, key, False), row)  # type: ignore[arg-type]
                continue
            for other in keys_of(row, by, self.node.dedup_splitvals, self.keep_null, self.first_only):
                aggregator.add(self._group(state, other, filled(other)), row)

    def _all_numbers(self, state: StatsState, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows; of each, the results that a value which is no number spoils are noted first."""
        for row in rows:
            bad = spoiled(self.node.items, row)
            for key in keys_of(row, self.by, self.node.dedup_splitvals, self.keep_null, self.first_only) if bad else ():
                self._group(state, key, filled(key))
                state[key].bad = (state[key].bad or set()) | bad
            yield row

    def _group(self, state: StatsState, key: Key, has_filled: bool) -> Group:
        known = state.get(key)
        if known is None:
            known = state[key] = Kept(key, self.aggregator.new(), has_filled)
        elif known.has_filled:
            known.shown = more_real(known.shown, key)
            known.has_filled = filled(known.shown)
        return known.group

    def order_free(self) -> bool:
        """Whether the order of rows cannot change the result."""
        return not self.node.allnum and not any(item.declaration()[0].ordered for item in self.node.items)

    def add_times(self, state: StatsState, row: Row, times: int) -> None:
        """Take in a row that came so many times."""
        for key in keys_of(row, self.node.by, self.node.dedup_splitvals, self.keep_null, self.first_only):
            self.aggregator.add_times(self._group(state, key, filled(key)), row, times)

    def add_counted(self, state: StatsState, values: tuple[Value | None, ...], number: int) -> None:
        """Take in `number` rows with these values of the by-fields, where every result is the number of events."""
        kinds = set(map(type, values))
        if NoneType in kinds:
            return
        if kinds <= _TEXT:
            group = self._group(state, values, Filled in kinds)  # type: ignore[arg-type]
            for counted in group.plain:
                counted.n += number
            return
        for key in product(*map(texts, values)):  # type: ignore[arg-type]
            group = self._group(state, key, filled(key))
            for counted in group.plain:
                counted.n += number

    def merge(self, first: StatsState, second: StatsState) -> StatsState:
        for key, other in second.items():
            known = first.get(key)
            if known is None:
                first[key] = other
                continue
            known.shown = more_real(known.shown, other.shown)
            known.has_filled = filled(known.shown)
            known.group = self.aggregator.merge(known.group, other.group)
            known.bad = (known.bad or set()) | other.bad if other.bad else known.bad
        return first

    def finish(self, state: StatsState) -> Table:
        if not self.node.by and not state and self.row_of_nothing:
            state = {(): Kept((), self.aggregator.new(), False)}
        self.aggregator.draw(kept.group for kept in state.values())
        rows: list[Row] = []
        by, finish = self.node.by, self.aggregator.finish
        for key in in_order(state):
            kept = state[key]
            row = Row(zip(by, kept.shown, strict=True))
            results = finish(kept.group)
            row.update(
                {name: value for name, value in results.items() if name not in kept.bad} if kept.bad else results
            )
            rows.append(row)
        return Table(rows, self._header(rows))

    def _header(self, rows: list[Row]) -> tuple[str, ...]:
        named = _columns(self.node, None)
        if named is not None:
            return named
        made = {name for row in rows for name in row} - set(self.node.by)
        return (*self.node.by, *sorted(made))


def _merge(node: Stats, context: Context) -> Mergeable:
    return StatsRun(node, context)


def _made(node: Stats, name: str) -> Sources:
    if name in node.by:
        return (replace(copy(name), total=True),)
    made = item_made(node.items, name)
    return (made,) if made is not None else UNKNOWN if any(item.wild for item in node.items) else NO_COLUMN


STATS = Command(
    name="stats",
    syntax="stats [allnum=<bool>] <aggregation>… [BY <field>…] [dedup_splitvals=<bool>]",
    doc="Groups rows and computes aggregations for each group. Without BY, the result is one row; with BY, one "
    "row per combination of values. A row that lacks a BY field is dropped. A row with a multivalue BY field "
    "is in the group of each value. An aggregation without a field is that of all fields: `sum` is `sum(*)`. "
    "With allnum=true, a field with any value that is not a number has no sum, average or deviation. "
    "`sparkline(count, 1h)` is a small chart: one number per span of time.",
    examples=(
        Example(
            "* | stats count values(verb) as verbs by user",
            ({"user": "a", "count": "2", "verbs": ["get", "list"]}, {"user": "b", "count": "1", "verbs": "get"}),
            ('{"user":"a","verb":"list"}', '{"user":"a","verb":"get"}', '{"user":"b","verb":"get"}'),
        ),
        Example(
            '* | stats count(eval(code="403")) as denied count',
            ({"denied": "1", "count": "2"},),
            ('{"code":403}', '{"code":200}'),
        ),
        Example(
            "* | stats sparkline(count, 1h) as hourly by user",
            ({"user": "ann", "hourly": ["1", "0", "2"]},),
            ('{"_time":0,"user":"ann"}', '{"_time":7200,"user":"ann"}', '{"_time":7300,"user":"ann"}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.MERGEABLE),
    reads=_reads,
    columns=_columns,
    merge=_merge,
    check=lambda node, context: void(StatsRun(node, context)),
    made=_made,
    effect=lambda node: Effect.REBUILDS if any(item.spark for item in node.items) else Effect.GROUPS,
    groups=lambda node: node.by,
    aggregations=lambda node: node.items,
    volatility=lambda node: item_volatility(node.items),
    slips=lambda node: (
        Slip(item.at, "count(*) counts the values of each field; count counts rows")
        for item in node.items
        if item.argument == "*" and item.function in ("count", "c")
    ),
    patterns=lambda node: item_patterns(node.items),
    states=(Kept, Group, SparkPieces),
    ranged=lambda node, within: replace(node, items=ranged_items(node.items, within)),
    with_groups=lambda node, by: replace(node, by=by),
    known_as=("summarize", "aggregate", "groupby", "group", "group_by"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/stats",
)
