"""rangemap: the name of the range that a number lies in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, plus
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.values import put
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, texts
from podhawk.rows.values import as_number, as_text
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

Number = int | float
_RANGE = lazy_pattern(r"(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)\Z")
_NAME = lazy_pattern(r"([A-Za-z_][\w-]*)\s*=\s*")
TARGET = "range"


class NamedRange(Struct, frozen=True):
    """Both ends belong to it."""

    name: str
    low: Number
    high: Number


class RangeMap(Struct, frozen=True):
    field: str
    ranges: tuple[NamedRange, ...] = ()
    default: str = "None"


def _parse(cursor: Cursor) -> RangeMap:
    field = ""
    default = "None"
    ranges: list[NamedRange] = []
    start = cursor.at
    while not cursor.done:
        found = cursor.looking_at(_NAME)
        if not found:
            cursor.fail(f"expected name=low-high, found {cursor.rest.split()[0]!r}", "For example: low=0-10.")
        cursor.at = found.end()
        at = cursor.at
        value = cursor.name("a value")
        cursor.commas()
        match found[1].lower():
            case "field":
                field = value
            case "default":
                default = value
            case _:
                ranges.append(_range(cursor, found[1], value, at))
    if not field:
        raise cursor.error("expected field=<field>", start)
    return RangeMap(field, tuple(ranges), default)


def _range(cursor: Cursor, name: str, text: str, at: int) -> NamedRange:
    found = _RANGE.match(text)
    low, high = (as_number(found[1]), as_number(found[2])) if found else (None, None)
    if low is None or high is None:
        raise cursor.error(f"{text!r} is not a range such as 0-10", at, len(text))
    if low > high:
        raise cursor.error(f"the range {text} begins after its end", at, len(text))
    return NamedRange(name, low, high)


def _render(node: RangeMap) -> str:
    parts = [f"field={shown(node.field)}"]
    parts += [f"{one.name}={as_text(one.low)}-{as_text(one.high)}" for one in node.ranges]
    parts += [f"default={quote(node.default)}"] if node.default != "None" else []
    return " ".join(parts)


def _stream(node: RangeMap, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            numbers = [as_number(text) for text in texts(value)] if value is not None else []
            names = [
                one.name
                for one in node.ranges
                if any(number is not None and one.low <= number <= one.high for number in numbers)
            ]
            put(row, TARGET, list(dict.fromkeys(names)) or [node.default])
            yield row

    return stream


def _reads(node: RangeMap, wanted: Wanted) -> Wanted:
    return None if wanted is None else (wanted - {TARGET}) | {node.field}


def _columns(node: RangeMap, columns: Columns) -> Columns:
    return plus(columns, TARGET)


def _made(node: RangeMap, name: str) -> Sources:
    return (computed((node.field,)),) if name == TARGET else (copy(name),)


RANGEMAP = Command(
    name="rangemap",
    syntax="rangemap field=<field> [<name>=<low>-<high>]… [default=<text>]",
    doc="Sets the field `range` to the name of the range that the number in a field lies in; both ends belong to "
    "a range. A number in several ranges gets all their names. Other rows get the default (None).",
    examples=(
        Example(
            "* | rangemap field=n low=0-9 high=10-99 default=huge | table n range",
            ({"n": "5", "range": "low"}, {"n": "10", "range": "high"}, {"n": "400", "range": "huge"}),
            ('{"n":5}', '{"n":10}', '{"n":400}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/rangemap",
)
