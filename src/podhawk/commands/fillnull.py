"""fillnull: put a value where there is none.

With a list, each row is filled on its own. Without one, the fields to fill are those that exist somewhere
in the whole result: Splunk looks first, then fills. A published detection that groups by a field which no
event has goes silent that way, so by default podhawk also counts the fields of the next `by` list as
existing (`also`, set by the planner); `--splunk-exact` leaves that out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, Whole, plus
from podhawk.commands.properties import Effect, Made, NextGrouping, Sources, copy, effect, immutable, same
from podhawk.commands.shared.names import has_wildcard, listed, matches, select
from podhawk.rows import Filled, Row, Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote


class FillNull(Struct, frozen=True):
    names: tuple[str, ...] = ()
    value: str = "0"
    also: tuple[str, ...] = ()


def _parse(cursor: Cursor) -> FillNull:
    options = cursor.options(("value",))
    names = cursor.names()
    options |= cursor.options(("value",))
    cursor.finish()
    return FillNull(names, options.get("value", "0"))


def _render(node: FillNull) -> str:
    value = "" if node.value == "0" else f"value={quote(node.value)} "
    return (value + listed(node.names)).strip()


def _per_row(node: FillNull) -> bool:
    return bool(node.names) and not has_wildcard(node.names)


def _kind(node: FillNull) -> Kind:
    return Kind.PER_EVENT if _per_row(node) else Kind.WHOLE


def _reads(node: FillNull, wanted: Wanted) -> Wanted:
    return wanted


def _columns(node: FillNull, columns: Columns) -> Columns:
    return plus(columns, *node.names) if _per_row(node) else columns


def _filler(node: FillNull, context: Context) -> Callable[[Row, Iterable[str]], None]:
    filled = Filled(node.value)
    empty_too = "fillnull-empty" in context.env.switches

    def fill(row: Row, names: Iterable[str]) -> None:
        for name in names:
            if name not in row or (empty_too and row[name] == ""):
                row[name] = filled

    return fill


def _stream(node: FillNull, context: Context) -> Stream:
    fill = _filler(node, context)

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            fill(row, node.names)
            yield row

    return stream


def _whole(node: FillNull, context: Context) -> Whole:
    fill = _filler(node, context)

    def whole(table: Table) -> Table:
        seen: dict[str, None] = {}
        for row in table.rows:
            seen.update(dict.fromkeys(row))
        known = [name for name in seen if not name.startswith("_")] if not node.names else select(node.names, seen)
        if not node.names:
            known += [name for name in node.also if name not in seen]
        for row in table.rows:
            fill(row, known)
        return table

    return whole


def _made(node: FillNull, name: str) -> Sources:
    if (node.names and not matches(node.names, name)) or (not node.names and name.startswith("_")):
        return same(node, name)
    # Other fields are filled if any row has them. This is not an aggregation: no value of that row is used.
    certain = name in (*node.names, *node.also)
    filler = Made(
        frozenset(() if certain else (name,)), aggregated=False, strict=not certain, growing=node.value == "0"
    )
    return copy(name), filler


def _told(node: FillNull, following: NextGrouping) -> FillNull:
    """If the grouping is the next command and reads no other field, only its fields matter. Then this becomes a
    `fillnull` with a list, which does not have to see the whole result first."""
    if node.names:
        return node
    if following.alone and following.names:
        return replace(node, names=following.names, also=())
    return replace(node, also=following.names)


FILLNULL = Command(
    name="fillnull",
    syntax="fillnull [value=<text>] [<field>…]",
    doc="Sets missing fields of a row to a value (default: 0). With a list, fills the listed fields. "
    "Without a list, fills every field that at least one row has and, by default, the fields of "
    "the next `by` clause.",
    examples=(
        Example(
            "* | fillnull value=none name | table name",
            ({"name": "none"}, {"name": "s1"}),
            ('{"verb":"list"}', '{"verb":"get","name":"s1"}'),
        ),
        Example(
            "* | fillnull | table verb name",
            ({"verb": "list", "name": "0"}, {"verb": "get", "name": "s1"}),
            ('{"verb":"list"}', '{"verb":"get","name":"s1"}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=_kind,
    reads=_reads,
    columns=_columns,
    stream=_stream,
    whole=_whole,
    made=_made,
    effect=effect(Effect.KEEPS),
    fills=lambda node: dict.fromkeys(node.names, node.value) if _per_row(node) else None,
    volatility=immutable,
    told=_told,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/fillnull",
)
