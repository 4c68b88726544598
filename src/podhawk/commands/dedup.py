"""dedup: the first rows of each combination of values."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Mergeable, Wanted, Whole, needs, same_columns
from podhawk.commands.properties import Effect, effect, immutable, same
from podhawk.commands.shared.names import has_wildcard, listed
from podhawk.commands.shared.orderings import SortField, parse_sort_fields, render_sort_fields, sort_key
from podhawk.lazy import lazy_pattern
from podhawk.rows import OrderKey, Row, Table, texts
from podhawk.spl.cursor import Cursor

_OPTIONS = ("keepevents", "keepempty", "consecutive")
DedupKey = tuple[tuple[str, ...], ...]


class Dedup(Struct, frozen=True):
    names: tuple[str, ...]
    count: int = 1
    keepevents: bool = False
    keepempty: bool = False
    consecutive: bool = False
    sortby: tuple[SortField, ...] = ()


_COUNT = lazy_pattern(r"[+-]?\d+(?=\s|\Z)")


def _parse(cursor: Cursor) -> Dedup:
    options = cursor.options(_OPTIONS)
    count = 1
    if cursor.looking_at(_COUNT):
        count = cursor.integer(cursor.word(), "the number of rows to keep", 1)
    options |= cursor.options(_OPTIONS)
    at = cursor.at
    names = cursor.names(stop=("sortby",))
    options |= cursor.options(_OPTIONS)
    sortby: tuple[SortField, ...] = ()
    if cursor.keyword("sortby"):
        sortby = parse_sort_fields(cursor, signed=True)
        if not sortby:
            cursor.fail("expected + or - and a field after sortby")
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    if not names:
        cursor.fail("expected at least one field name")
    if has_wildcard(names):
        raise cursor.error("wildcards are not allowed here", at)
    keepevents, keepempty, consecutive = (cursor.boolean(options.get(name, "f"), name) for name in _OPTIONS)
    return Dedup(tuple(dict.fromkeys(names)), count, keepevents, keepempty, consecutive, sortby)


def _render(node: Dedup) -> str:
    parts = [str(node.count)] if node.count != 1 else []
    parts.append(listed(node.names))
    parts += [f"{name}=true" for name in _OPTIONS if getattr(node, name)]
    if node.sortby:
        parts.append(f"sortby {render_sort_fields(node.sortby, signed=True)}")
    return " ".join(parts)


def _kind(node: Dedup) -> Kind:
    return Kind.WHOLE if node.keepevents or node.consecutive or node.sortby else Kind.MERGEABLE


def _reads(node: Dedup, wanted: Wanted) -> Wanted:
    return needs(wanted, *node.names, *(one.name for one in node.sortby))


def _key(row: Row, names: Iterable[str]) -> DedupKey | None:
    """All values of all fields; None if any is absent."""
    parts: list[tuple[str, ...]] = []
    for name in names:
        value = row.get(name)
        if value is None:
            return None
        parts.append(texts(value))
    return tuple(parts)


DedupEntry = tuple[OrderKey, int, Row]


class DedupState(Struct):
    """The first rows per key, and the rows without a key where those stay."""

    kept: dict[DedupKey, list[DedupEntry]] = field(default_factory=dict)
    empty: list[DedupEntry] = field(default_factory=list)
    seen: int = 0


class DedupRun:
    """Plain `dedup`: the first rows per key of parts hold those of the whole."""

    def __init__(self, node: Dedup, context: Context) -> None:
        self.node = node

    def start(self) -> DedupState:
        return DedupState()

    def add(self, state: DedupState, rows: Iterable[Row]) -> None:
        for row in rows:
            state.seen += 1
            entry = (row.order, state.seen, row)
            key = _key(row, self.node.names)
            if key is not None:
                self._take(state.kept.setdefault(key, []), entry)
            elif self.node.keepempty:
                state.empty.append(entry)

    def _take(self, kept: list[DedupEntry], entry: DedupEntry) -> None:
        bisect.insort(kept, entry, key=lambda one: one[:2])
        del kept[self.node.count :]

    def merge(self, first: DedupState, second: DedupState) -> DedupState:
        for key, entries in second.kept.items():
            known = first.kept.setdefault(key, [])
            for order, number, row in entries:
                self._take(known, (order, first.seen + number, row))
        first.empty += [(order, first.seen + number, row) for order, number, row in second.empty]
        first.seen += second.seen
        return first

    def finish(self, state: DedupState) -> Table:
        found = [entry for entries in state.kept.values() for entry in entries] + state.empty
        return Table([row for _, _, row in sorted(found, key=lambda entry: entry[:2])])


def _merge(node: Dedup, context: Context) -> Mergeable:
    return DedupRun(node, context)


def _whole(node: Dedup, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        rows = sorted(table.rows, key=sort_key(node.sortby)) if node.sortby else table.rows
        seen: Counter[DedupKey] = Counter()
        previous: DedupKey | None = None
        kept: list[Row] = []
        for row in rows:
            key = _key(row, node.names)
            if key is None:
                if node.keepempty or node.keepevents:
                    kept.append(row)
                previous = None
                continue
            if node.consecutive and key != previous:
                seen.clear()
            previous = key
            seen[key] += 1
            if seen[key] <= node.count:
                kept.append(row)
            elif node.keepevents:
                for name in node.names:
                    del row[name]
                kept.append(row)
        return Table(kept, table.columns)

    return whole


DEDUP = Command(
    name="dedup",
    syntax="dedup [<n>] <field>… [keepevents=<bool>] [keepempty=<bool>] [consecutive=<bool>] [sortby (+|-)<field>…]",
    doc="Keeps the first row (or the first n rows) for each combination of values of the fields, in "
    "row order; sortby sorts the rows first. Rows that lack one of the fields are dropped, "
    "unless keepempty=true. consecutive=true compares only with the previous row. "
    "keepevents=true keeps all rows, but removes the fields from duplicates. Two multivalue "
    "fields are equal only if all their values are equal.",
    examples=(
        Example(
            "* | dedup user | table user verb",
            ({"user": "a", "verb": "get"},),
            ('{"user":"a","verb":"get"}', '{"user":"a","verb":"list"}', '{"verb":"watch"}'),
        ),
        Example(
            "* | dedup user sortby -n | table user n",
            ({"user": "a", "n": "2"},),
            ('{"user":"a","n":1}', '{"user":"a","n":2}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=_kind,
    reads=_reads,
    columns=same_columns,
    merge=_merge,
    whole=_whole,
    made=same,
    effect=effect(Effect.LIMITS),
    groups=lambda node: node.names,
    volatility=immutable,
    states=(DedupState,),
    known_as=("distinct", "unique", "unique_by", "drop_duplicates"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/dedup",
)
