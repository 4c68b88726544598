"""rename: give fields other names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always
from podhawk.commands.properties import Effect, Sources, copy, effect, immutable
from podhawk.commands.shared.names import pattern, shown
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor

MOST_SHAPES = 1000
"""Combinations of field names for which it is remembered what becomes of them."""


class Rename(Struct, frozen=True):
    pairs: tuple[tuple[str, str], ...]


def _parse(cursor: Cursor) -> Rename:
    pairs: list[tuple[str, str]] = []
    while not cursor.done:
        at = cursor.at
        old = cursor.name()
        if not cursor.keyword("as"):
            cursor.fail(f"expected AS after {old}")
        new_at = cursor.at
        new = cursor.name("a new field name")
        if old.count("*") != new.count("*"):
            raise cursor.error(f"{old} and {new} have different numbers of *", new_at, len(new))
        if "*" not in old and any(old == known for known, _ in pairs):
            raise cursor.error(f"{old} cannot have two new names", at)
        pairs.append((old, new))
        cursor.commas()
    if not pairs:
        cursor.fail("expected field AS name")
    return Rename(tuple(pairs))


def _reads(node: Rename, wanted: Wanted) -> Wanted:
    if wanted is None or any("*" in old for old, _ in node.pairs):
        return None
    for old, new in reversed(node.pairs):
        wanted = wanted - {new} | ({old} if new in wanted else frozenset())
    return wanted


def renamed(name: str, old: str, new: str) -> str | None:
    """The new name of a field that a wildcard pair means, or None."""
    if "*" not in old:
        return new if name == old else None
    found = pattern(old).match(name)
    if not found or (name.startswith("_") and not old.startswith("_")):
        return None
    parts = new.split("*")
    return "".join(text for pair in zip(parts, (*found.groups(), ""), strict=True) for text in pair)


def _columns(node: Rename, columns: Columns) -> Columns:
    if columns is None:
        return None
    for old, new in node.pairs:
        made: dict[str, None] = {}
        taken = {renamed(name, old, new) for name in columns} - {None}
        for name in columns:
            other = renamed(name, old, new)
            if other is not None:
                made[other] = None
            elif name not in taken:
                made[name] = None
        columns = tuple(made)
    return columns


def _stream(node: Rename, context: Context) -> Stream:
    known: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            names = tuple(row)
            found = known.get(names)
            if found is None:
                if len(known) >= MOST_SHAPES:
                    known.clear()
                found = known[names] = _moved(names, node.pairs)
            targets, sources = found
            yield (
                row
                if targets == names == sources
                else Row(zip(targets, map(row.__getitem__, sources), strict=True), row.order)
            )

    return stream


def _moved(names: tuple[str, ...], pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a row's fields afterwards, and under which name each stood before: they depend on the names
    alone."""
    moved = dict(zip(names, names, strict=True))
    for old, new in pairs:
        targets = {name: other for name in moved if (other := renamed(name, old, new)) is not None}
        if "*" not in old and old != new:
            moved.pop(new, None)
        taken = set(targets.values())
        moved = {
            targets.get(name, name): source for name, source in moved.items() if name in targets or name not in taken
        }
    return tuple(moved), tuple(moved.values())


def _made(node: Rename, name: str) -> Sources:
    """The columns that a column may copy: the left side of its pair, and itself if `*` leaves that to the rows."""
    names = [name]
    for old, new in reversed(node.pairs):
        before: dict[str, None] = {}
        for one in names:
            source = renamed(one, new, old)
            if source is not None and renamed(source, old, new) == one:
                before[source] = None
            moved = renamed(one, old, new)
            if moved in (None, one) and (source is None or "*" in old):
                before[one] = None
        names = list(before)
    return tuple(map(copy, names))


RENAME = Command(
    name="rename",
    syntax="rename <field> AS <name> [, <field> AS <name>]…",
    doc="Renames fields. An existing field with the new name is replaced; if the source field is "
    "missing, it is removed. Each `*` in the new name stands for the text matched by the `*` at "
    "the same position in the old name.",
    examples=(
        Example("* | rename user.username as user | table user", ({"user": "bob"},), ('{"user":{"username":"bob"}}',)),
        Example(
            "* | rename object.* as * | table kind name",
            ({"kind": "Pod", "name": "web"},),
            ('{"object":{"kind":"Pod","name":"web"}}',),
        ),
    ),
    parse=_parse,
    render=lambda node: ", ".join(f"{shown(old)} AS {shown(new)}" for old, new in node.pairs),
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    known_as=("project-rename",),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/rename",
)
