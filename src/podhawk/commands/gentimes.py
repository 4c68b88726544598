"""gentimes: ranges of time, one after the other."""

from __future__ import annotations

import re
from datetime import UTC, tzinfo

from podhawk.commands.context import Context, place
from podhawk.commands.declare import Columns, Command, Example, Kind, always
from podhawk.commands.properties import Effect, Made, effect
from podhawk.functions.declare import Volatility
from podhawk.functions.times import format_time, parse_time, shift, snap
from podhawk.lazy import lazy_pattern
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

COLUMNS = ("starttime", "endtime", "starthuman", "endhuman")
MOST = 100_000
HUMAN = "%a %b %d %H:%M:%S %Y"
_DAYS = lazy_pattern(r"[+-]?\d{1,6}\Z")
_INCREMENT = lazy_pattern(r"(\d{1,6})\s*(s|m|h|d)?\Z", re.IGNORECASE)
_FORMATS = ("%m/%d/%Y:%H:%M:%S", "%m/%d/%y:%H:%M:%S", "%m/%d/%Y", "%m/%d/%y")


class GenTimes(Placed, frozen=True):
    """`begin` and `end` are dates, or days from today; `end` is empty for today."""

    begin: str
    end: str = ""
    count: int = 1
    unit: str = "d"
    at: int = 0
    source: SearchText | None = None


def _parse(cursor: Cursor) -> GenTimes:
    at = cursor.at
    options = cursor.options(("start", "end", "increment"))
    cursor.finish()
    if "start" not in options:
        raise cursor.error(
            "expected start=<time>", at, remedy="For example: start=10/25/2024, or start=-7 for days ago."
        )
    for name in ("start", "end"):
        if name in options and not _DAYS.match(options[name]) and _date(options[name]) is None:
            cursor.wrong(
                name,
                options[name],
                f"{name} must be a date such as 10/25/2024 or a number of days such as -7, not {options[name]!r}",
            )
    found = _INCREMENT.match(options.get("increment", "1d"))
    if not found or not int(found[1]):
        text = options["increment"]
        cursor.wrong("increment", text, f"increment must be a length of time such as 1d or 6h, not {text!r}")
    unit = (found[2] or "d").lower()
    return GenTimes(options["start"], options.get("end", ""), int(found[1]), unit, at, cursor.source)


def _date(text: str, zone: tzinfo | None = None, now: float = 0.0) -> float | None:
    for fmt in _FORMATS:
        moment = parse_time(text, fmt, zone or UTC, now, whole=True)
        if moment is not None:
            return moment
    return None


def _render(node: GenTimes) -> str:
    parts = [f"start={node.begin}"] + ([f"end={node.end}"] if node.end else [])
    return " ".join(parts + ([f"increment={node.count}{node.unit}"] if (node.count, node.unit) != (1, "d") else []))


def _moment(text: str, context: Context) -> float:
    zone, now = context.env.zone, context.env.now
    if _DAYS.match(text):
        return shift(snap(now, "d", zone), int(text), "d", zone)
    found = _date(text, zone, now)
    assert found is not None
    return found


def _generate(node: GenTimes, context: Context) -> Table:
    zone = context.env.zone
    rows: list[Row] = []
    here = _moment(node.begin, context)
    end = _moment(node.end or "0", context)
    while here < end:
        after = shift(here, node.count, node.unit, zone)
        if len(rows) >= MOST:
            raise place(node.source, node.at, f"gentimes: more than {MOST:,} ranges", "Use a longer increment.")
        row = Row({"starttime": int(here), "endtime": int(after) - 1}, OrderKey(0.0, 0.0, (len(rows),)))
        row["starthuman"] = format_time(here, HUMAN, zone) or ""
        row["endhuman"] = format_time(after - 1, HUMAN, zone) or ""
        rows.append(row)
        here = after
    return Table(rows, COLUMNS)


def _columns(node: GenTimes, columns: Columns) -> Columns:
    return COLUMNS


GENTIMES = Command(
    name="gentimes",
    syntax="gentimes start=<date>|<days> [end=<date>|<days>] [increment=<n>s|m|h|d]",
    doc="Makes one row for each range of time from start to end (default: the beginning of today): starttime and "
    "endtime in epoch seconds, starthuman and endhuman as text. A range ends one second before the next. "
    "Dates are MM/DD/YYYY or MM/DD/YYYY:HH:MM:SS; a number means days from today. increment (default: 1d) is "
    "the length of a range.",
    examples=(
        Example(
            "| gentimes start=10/25/2024 end=10/26/2024 increment=12h",
            (
                {
                    "starttime": "1729814400",
                    "endtime": "1729857599",
                    "starthuman": "Fri Oct 25 00:00:00 2024",
                    "endhuman": "Fri Oct 25 11:59:59 2024",
                },
                {
                    "starttime": "1729857600",
                    "endtime": "1729900799",
                    "starthuman": "Fri Oct 25 12:00:00 2024",
                    "endhuman": "Fri Oct 25 23:59:59 2024",
                },
            ),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.GENERATING),
    reads=lambda node, wanted: frozenset(),
    columns=_columns,
    generate=_generate,
    made=lambda node, name: (Made(frozenset(), aggregated=False),) if name in COLUMNS else (),
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: Volatility.STABLE,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/gentimes",
)
