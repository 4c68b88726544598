"""Counting combinations of values: what top and rare share.

A row counts once for each combination of the listed fields' values (a multivalue field gives one per
value); a row that lacks a listed field, or a `by` field, is not counted at all. Percentages are of the
counted combinations of the row's `by` group, as text with six decimals.

Splunk leaves the order of equal counts open; its own example keeps the last in lexicographic order where a
limit cuts among equals. Here equal counts come in falling order of their values, for top and rare alike.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/top
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Mergeable, Wanted, always
from podhawk.commands.properties import NO_COLUMN, Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.groups import Key, filled, keys_of, more_real, sort_key
from podhawk.commands.shared.names import has_wildcard, listed
from podhawk.rows import Row, Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

DEFAULT = 10
_OPTIONS = ("limit", "countfield", "percentfield", "showcount", "showperc", "useother", "otherstr")


class Frequency(Struct, frozen=True):
    """`top` or, with `rare`, the other end. `limit` 0 is no limit."""

    names: tuple[str, ...]
    by: tuple[str, ...] = ()
    rare: bool = False
    limit: int = DEFAULT
    countfield: str = "count"
    percentfield: str = "percent"
    showcount: bool = True
    showperc: bool = True
    useother: bool = False
    otherstr: str = "OTHER"


def _parse(cursor: Cursor, rare: bool) -> Frequency:
    options = cursor.options(_OPTIONS)
    if cursor.peek().isdigit():
        options.setdefault("limit", cursor.word())
    options |= cursor.options(_OPTIONS)
    at = cursor.at
    names = cursor.names(stop=("by",))
    options |= cursor.options(_OPTIONS)
    by: tuple[str, ...] = ()
    if cursor.keyword("by"):
        by = cursor.names(what="a field to group by")
        if not by:
            cursor.fail("expected a field after BY")
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    if not names:
        cursor.fail("expected at least one field name")
    if has_wildcard((*names, *by)):
        raise cursor.error("wildcards are not allowed here", at)
    node = Frequency(
        tuple(dict.fromkeys(names)),
        tuple(dict.fromkeys(by)),
        rare,
        cursor.integer(options.get("limit", str(DEFAULT)), "limit"),
        options.get("countfield", "count"),
        options.get("percentfield", "percent"),
        cursor.boolean(options.get("showcount", "t"), "showcount"),
        cursor.boolean(options.get("showperc", "t"), "showperc"),
        cursor.boolean(options.get("useother", "f"), "useother"),
        options.get("otherstr", "OTHER"),
    )
    columns = _columns(node, None) or ()
    twice = [name for number, name in enumerate(columns) if name in columns[:number]]
    if twice:
        raise cursor.error(
            f"two columns would be named {twice[0]!r}",
            at,
            remedy="Set another name with countfield= or percentfield=.",
        )
    return node


def _render(node: Frequency) -> str:
    parts = [f"limit={node.limit}"] if node.limit != DEFAULT else []
    parts += [
        f"{name}={quote(value)}"
        for name, value, usual in (
            ("countfield", node.countfield, "count"),
            ("percentfield", node.percentfield, "percent"),
            ("otherstr", node.otherstr, "OTHER"),
        )
        if value != usual
    ]
    parts += [f"{name}=false" for name, on in (("showcount", node.showcount), ("showperc", node.showperc)) if not on]
    if node.useother:
        parts.append("useother=true")
    parts.append(listed(node.names))
    if node.by:
        parts.append(f"BY {listed(node.by)}")
    return " ".join(parts)


def _reads(node: Frequency, wanted: Wanted) -> Wanted:
    return frozenset((*node.names, *node.by))


def _columns(node: Frequency, columns: Columns) -> Columns:
    made = (*node.by, *node.names)
    if node.showcount:
        made = (*made, node.countfield)
    return (*made, node.percentfield) if node.showperc else made


class Tally(Struct):
    shown: Key
    count: int


FrequencyState = dict[Key, Tally]


class FrequencyRun:
    """A state is the combinations seen so far, `by` fields first, with their counts."""

    def __init__(self, node: Frequency, context: Context) -> None:
        self.node = node
        self.fields = (*node.by, *node.names)

    def start(self) -> FrequencyState:
        return {}

    def add(self, state: FrequencyState, rows: Iterable[Row]) -> None:
        for row in rows:
            for key in keys_of(row, self.fields):
                self._count(state, key, 1)

    def _count(self, state: FrequencyState, key: Key, number: int) -> None:
        known = state.get(key)
        if known is None:
            state[key] = Tally(key, number)
            return
        known.count += number
        if filled(known.shown):
            known.shown = more_real(known.shown, key)

    def merge(self, first: FrequencyState, second: FrequencyState) -> FrequencyState:
        for tally in second.values():
            self._count(first, tally.shown, tally.count)
        return first

    def finish(self, state: FrequencyState) -> Table:
        size = len(self.node.by)
        groups: dict[Key, list[Tally]] = {}
        for key, tally in state.items():
            groups.setdefault(key[:size], []).append(tally)
        rows: list[Row] = []
        for group in sorted(groups, key=sort_key):
            rows += self._group(groups[group], size)
        return Table(rows, _columns(self.node, None))

    def _group(self, tallies: list[Tally], size: int) -> list[Row]:
        node = self.node
        total = sum(tally.count for tally in tallies)
        tallies.sort(key=lambda tally: sort_key(tally.shown), reverse=True)
        tallies.sort(key=lambda tally: tally.count, reverse=not node.rare)
        kept = tallies[: node.limit] if node.limit else tallies
        rows = [self._row(tally.shown, tally.count, total) for tally in kept]
        rest = total - sum(tally.count for tally in kept)
        if node.useother and rest:
            key = (*kept[0].shown[:size], *(node.otherstr for _ in node.names))
            rows.append(self._row(key, rest, total))
        return rows

    def _row(self, key: Key, count: int, total: int) -> Row:
        row = Row(zip(self.fields, key, strict=True))
        if self.node.showcount:
            row[self.node.countfield] = count
        if self.node.showperc:
            row[self.node.percentfield] = f"{100 * count / total:.6f}"
        return row


def _merge(node: Frequency, context: Context) -> Mergeable:
    return FrequencyRun(node, context)


def _made(node: Frequency, name: str) -> Sources:
    if name in node.by:
        return (replace(copy(name), total=True),)
    if name in node.names:
        return (copy(name), computed(())) if node.useother else (replace(copy(name), total=True),)
    result = name in (_columns(node, None) or ())
    return (computed((*node.names, *node.by), aggregated=True),) if result else NO_COLUMN


def declare(name: str, rare: bool, doc: str, examples: tuple[Example, ...]) -> Command:
    """The declaration of top or rare."""
    return Command(
        name=name,
        syntax=f"{name} [<n>] [limit=<n>] [countfield=<field>] [percentfield=<field>] [showcount=<bool>] "
        "[showperc=<bool>] [useother=<bool>] [otherstr=<text>] <field>… [BY <field>…]",
        doc=doc,
        examples=examples,
        parse=lambda cursor: _parse(cursor, rare),
        render=_render,
        kind=always(Kind.MERGEABLE),
        reads=_reads,
        columns=_columns,
        merge=_merge,
        made=_made,
        effect=effect(Effect.REBUILDS),
        groups=lambda node: (*node.names, *node.by),
        volatility=immutable,
        states=(Tally,),
        source=f"https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/{name}",
    )
