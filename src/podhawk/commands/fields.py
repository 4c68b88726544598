"""fields: keep or remove fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always
from podhawk.commands.properties import NO_COLUMN, Effect, Sources, effect, immutable, same
from podhawk.commands.shared.names import has_wildcard, listed, matches, select
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor

_ALWAYS_KEPT = ("_time", "_raw")


class FieldSelection(Struct, frozen=True):
    names: tuple[str, ...]
    remove: bool = False


def _parse(cursor: Cursor) -> FieldSelection:
    remove = cursor.take("-")
    if not remove:
        cursor.take("+")
    names = cursor.names()
    cursor.finish()
    if not names:
        cursor.fail("expected at least one field name")
    return FieldSelection(tuple(dict.fromkeys(names)), remove)


def _reads(node: FieldSelection, wanted: Wanted) -> Wanted:
    if node.remove:
        return None if wanted is None else frozenset(name for name in wanted if not matches(node.names, name))
    if has_wildcard(node.names):
        return wanted
    kept = frozenset(node.names) | frozenset(_ALWAYS_KEPT)
    return kept if wanted is None else wanted & kept


def _columns(node: FieldSelection, columns: Columns) -> Columns:
    if node.remove:
        return None if columns is None else tuple(name for name in columns if not matches(node.names, name))
    if columns is None:
        return None if has_wildcard(node.names) else node.names
    return tuple(name for name in select(node.names, columns))


def _stream(node: FieldSelection, context: Context) -> Stream:
    def keep(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            names = dict.fromkeys((*select(node.names, row), *_ALWAYS_KEPT))
            yield Row(((name, row[name]) for name in names if name in row), row.order)

    def drop(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            yield Row(((name, value) for name, value in row.items() if not matches(node.names, name)), row.order)

    return drop if node.remove else keep


def _made(node: FieldSelection, name: str) -> Sources:
    kept = not matches(node.names, name) if node.remove else matches((*node.names, *_ALWAYS_KEPT), name)
    return same(node, name) if kept else NO_COLUMN


FIELDS = Command(
    name="fields",
    syntax="fields [+|-] <field> [<field>…]",
    doc="Keeps the listed fields, or removes them after a minus sign. `*` is a wildcard. `_time` and "
    "`_raw` are kept unless they are removed by name.",
    examples=(
        Example("* | fields verb | table *", ({"verb": "get"},), ('{"verb":"get","code":200}',)),
        Example("* | fields - code | table *", ({"verb": "get"},), ('{"verb":"get","code":200}',)),
    ),
    parse=_parse,
    render=lambda node: ("- " if node.remove else "") + listed(node.names),
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    known_as=("project-away", "project-keep", "drop", "keep"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/fields",
)
