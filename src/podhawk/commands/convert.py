"""convert: field values from one notation to another, by named functions.

A value that a function cannot read stays as it is, and makes no field where AS names another one; `num`
alone removes it. `auto` looks at the whole result: a field is converted only if one notation fits all its
values. It tries numbers, numbers with commas, durations and amounts of memory, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, Whole, plus
from podhawk.commands.properties import Effect, Made, Sources, computed, copy
from podhawk.commands.shared.names import matches, pattern, select, shown
from podhawk.commands.shared.values import put_or_drop
from podhawk.functions.declare import Env, Volatility
from podhawk.functions.timereading import names_day
from podhawk.functions.times import format_time, parse_time
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, Table, as_text, texts
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

FORMAT = "%m/%d/%Y %H:%M:%S"
FUNCTIONS = ("auto", "ctime", "dur2sec", "memk", "mktime", "mstime", "none", "num", "rmcomma", "rmunit")
UNREAD_DROPS = "convert-unread-drops"
"""Switch: a value that a function cannot read is removed."""
_CALL = lazy_pattern(r"([A-Za-z0-9]+)\s*\(\s*")
_DURATION = lazy_pattern(r"(?:(\d+)\+)?(\d+):(\d{1,2}):(\d{1,2}(?:\.\d+)?)\Z", re.ASCII)
_MINUTES = lazy_pattern(r"(?:(\d+):)?(\d+(?:\.\d+)?)\Z", re.ASCII)
_MEMORY = lazy_pattern(r"(\d+(?:\.\d+)?)\s*([kmg]?)b?\Z", re.ASCII | re.IGNORECASE)
_LEADING = lazy_pattern(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
ValueReader = Callable[[str], str | None]


class FieldConversion(Struct, frozen=True):
    function: str
    field: str
    name: str = ""


class Convert(Struct, frozen=True):
    conversions: tuple[FieldConversion, ...]
    timeformat: str = FORMAT


def _parse(cursor: Cursor) -> Convert:
    options = cursor.options(("timeformat",))
    found: list[FieldConversion] = []
    while not cursor.done:
        if cursor.next_option():
            options |= cursor.options(("timeformat",))
            continue
        found.append(_conversion(cursor))
        cursor.commas()
    if not found:
        cursor.fail("expected a function of a field, such as ctime(firstTime)")
    return Convert(tuple(found), options.get("timeformat", FORMAT))


def _conversion(cursor: Cursor) -> FieldConversion:
    at = cursor.at
    call = cursor.looking_at(_CALL)
    if not call:
        cursor.fail("expected a function of a field, such as ctime(firstTime)")
    cursor.places["function"] = (at, len(call[1]))
    function = cursor.choice(call[1], "function", FUNCTIONS)
    cursor.at = call.end()
    cursor.space()
    field = cursor.name()
    if not cursor.take(")"):
        raise cursor.error(f"{function}( is never closed", call.end() - 1, remedy="Close it with ).")
    name = cursor.name("a new field name") if cursor.keyword("as") else ""
    if name and name.count("*") != field.count("*"):
        raise cursor.error(f"{field} and {name} have different numbers of *", at)
    return FieldConversion(function, field, "" if name == field else name)


def _render(node: Convert) -> str:
    parts = [f"timeformat={quote(node.timeformat)}"] if node.timeformat != FORMAT else []
    parts += [
        f"{item.function}({shown(item.field)})" + (f" AS {shown(item.name)}" if item.name else "")
        for item in node.conversions
    ]
    return " ".join(parts)


def _reads(node: Convert, wanted: Wanted) -> Wanted:
    if wanted is None:
        return None
    read: set[str] = set(wanted)
    for item in node.conversions:
        if "*" in item.field and item.name:
            return None
        if item.name in read or (item.name and item.field in read):
            read.add(item.field)
    return frozenset(read)


def _columns(node: Convert, columns: Columns) -> Columns:
    return plus(columns, *(item.name for item in node.conversions if item.name and "*" not in item.name))


def _together(node: Convert) -> bool:
    """Whether all rows are looked at before any is converted."""
    return any(item.function == "auto" for item in node.conversions)


def _kind(node: Convert) -> Kind:
    return Kind.WHOLE if _together(node) else Kind.PER_EVENT


def _num(text: str) -> str | None:
    return text if as_number(text) is not None else None


def _rmcomma(text: str) -> str | None:
    return text.replace(",", "")


def _number_with_commas(text: str) -> str | None:
    return _num(text.replace(",", ""))


def _dur2sec(text: str) -> str | None:
    found = _DURATION.match(text)
    if not found:
        return None
    seconds = int(found[1] or 0) * 86400 + int(found[2]) * 3600 + int(found[3]) * 60 + float(found[4])
    return as_text(round(seconds, 6))


def _mstime(text: str) -> str | None:
    found = _MINUTES.match(text)
    return as_text(round(int(found[1] or 0) * 60 + float(found[2]), 6)) if found else None


def _memk(text: str) -> str | None:
    found = _MEMORY.match(text)
    if not found:
        return None
    return as_text(float(found[1]) * {"m": 1024, "g": 1024 * 1024}.get(found[2].lower(), 1))


def _rmunit(text: str) -> str | None:
    found = _LEADING.match(text)
    return found[0] if found else None


_READERS: dict[str, ValueReader] = {
    "num": _num,
    "rmcomma": _rmcomma,
    "dur2sec": _dur2sec,
    "mstime": _mstime,
    "memk": _memk,
    "rmunit": _rmunit,
}
_AUTO: tuple[ValueReader, ...] = (_num, _number_with_commas, _dur2sec, _memk)


def _reader(function: str, timeformat: str, env: Env) -> ValueReader:
    def ctime(text: str) -> str | None:
        number = as_number(text)
        return None if number is None else format_time(number, timeformat, env.zone)

    def mktime(text: str) -> str | None:
        moment = parse_time(text, timeformat, env.zone, env.now)
        return None if moment is None else as_text(moment)

    return {"ctime": ctime, "mktime": mktime}.get(function) or _READERS[function]


def _targets(item: FieldConversion, node: Convert, have: Iterable[str]) -> list[tuple[str, str]]:
    """The fields that a conversion means, each with the name its result goes to."""
    kept = [other.field for other in node.conversions if other.function == "none"]
    found = [name for name in select([item.field], have) if "*" not in item.field or not matches(kept, name)]
    if not item.name or "*" not in item.name:
        return [(name, item.name or name) for name in found]
    pairs: list[tuple[str, str]] = []
    for name in found:
        matched = pattern(item.field).match(name)
        groups = (*matched.groups(), "") if matched else ()
        parts = item.name.split("*")
        pairs.append((name, "".join(text for pair in zip(parts, groups, strict=True) for text in pair)))
    return pairs


def _apply(row: Row, source: str, target: str, read: ValueReader, drops: bool) -> None:
    value = row.get(source)
    if value is None:
        return
    made = [(text, read(text)) for text in texts(value)]
    drops = drops or source != target
    values = [new if new is not None else text for text, new in made if new is not None or not drops]
    if values or source == target:
        put_or_drop(row, target, values)


def _stream(node: Convert, context: Context) -> Stream:
    drops = UNREAD_DROPS in context.env.switches
    steps = [
        (item, _reader(item.function, node.timeformat, context.env), drops or item.function == "num")
        for item in node.conversions
        if item.function not in ("none", "auto")
    ]

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for item, read, drop in steps:
                for source, target in (
                    _targets(item, node, row) if "*" in item.field else ((item.field, item.name or item.field),)
                ):
                    _apply(row, source, target, read, drop)
            yield row

    return stream


def _whole(node: Convert, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        for item in node.conversions:
            if item.function == "auto":
                for source, target in _targets(item, node, table.header()):
                    _auto(table.rows, source, target)
            else:
                alone = tuple(one for one in node.conversions if one is item or one.function == "none")
                table.rows = list(_stream(Convert(alone, node.timeformat), context)(table.rows))
        return Table(table.rows, _columns(node, table.columns))

    return whole


def _auto(rows: list[Row], source: str, target: str) -> None:
    values = [text for row in rows if source in row for text in texts(row[source])]
    read = next((reader for reader in _AUTO if all(reader(text) is not None for text in values)), None)
    for row in rows:
        if read is not None:
            _apply(row, source, target, read, True)


def _made(node: Convert, name: str) -> Sources:
    """A conversion changes its field in place, or writes to the field after AS. Conversions run one after the other."""
    kept = [item.field for item in node.conversions if item.function == "none"]
    of = frozenset({name})
    writers: list[FieldConversion] = []
    for item in reversed(node.conversions):
        written = [one for one in of if matches((item.name or item.field,), one)]
        if item.function == "none" or not written or (not item.name and all(matches(kept, one) for one in written)):
            continue
        if "*" in item.field and item.name:
            return Made(aggregated=_together(node)), copy(name)
        of |= frozenset({item.field}) if item.name else frozenset()
        writers.append(item)
    if not writers:
        return (copy(name),)
    made = computed(of, aggregated=_together(node), strict=True)
    return (made, copy(name)) if len(writers) == 1 and writers[0].name else (made,)


def _volatility(node: Convert) -> Volatility:
    """`mktime` takes parts of the date that a text lacks from the clock."""
    reads_clock = any(item.function == "mktime" for item in node.conversions) and not names_day(node.timeformat)
    return Volatility.STABLE if reads_clock else Volatility.IMMUTABLE


CONVERT = Command(
    name="convert",
    syntax="convert [timeformat=<format>] <function>(<field>) [AS <field>] …",
    doc="Converts values in place, or into another field with AS. `ctime` converts epoch seconds to "
    "text and `mktime` text to epoch seconds (format: `timeformat`, default `%m/%d/%Y "
    "%H:%M:%S`); `dur2sec` converts [D+]HH:MM:SS and `mstime` [MM:]SS.SSS to seconds; `memk` "
    "converts 2m or 1g to kilobytes; `rmunit` removes units, `rmcomma` commas; `num` removes "
    "values that are not numbers; `auto` converts a field if all its values can be converted; "
    "`none` excludes fields from a wildcard.",
    examples=(
        Example(
            '| makeresults | eval t=0 | convert timeformat="%Y-%m-%dT%H:%M:%S" ctime(t) | table t',
            ({"t": "1970-01-01T00:00:00"},),
        ),
        Example(
            "* | convert dur2sec(took) AS seconds | table seconds", ({"seconds": "3605"},), ('{"took":"01:00:05"}',)
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
    effect=lambda node: Effect.REBUILDS if _together(node) else Effect.KEEPS,
    volatility=_volatility,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/convert",
)
