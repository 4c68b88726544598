"""The result of a search as a page shows it: a page of rows, charts, the fields beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup
from msgspec import Struct

from podhawk.charts import svg
from podhawk.charts.plotted import number_of, plotted
from podhawk.charts.svg import ChartSeries, TimeSlot
from podhawk.detect.activity.fields import FieldOverview
from podhawk.detect.activity.row_fields import EVENT_COLUMNS, event_columns
from podhawk.serve.console.hunt.filters import with_value
from podhawk.serve.console.hunt.question import PAGE_ROWS, HuntQuestion
from podhawk.serve.searches.overview import SearchOverview
from podhawk.serve.searches.process import SearchAnswer

MOST_FIELDS: Final = 60
"""Fields beside the rows, and in an open row."""
MOST_LINES: Final = 2000
LONGEST_CELL: Final = 240
"""Characters of a cell in the table; an open row and the files have all of it."""
_FEWEST_TO_DRAW: Final = 2
_FIRST_FIELDS: Final = tuple(one for one in EVENT_COLUMNS if one != "_time")


class ShownValue(Struct, frozen=True):
    """A value of a field: how many rows have it, and the addresses of the search with and without it ("" if that cannot
    be said)."""

    text: str
    count: int
    only: str
    without: str


class ShownField(Struct, frozen=True):
    """A field of the rows: the share of rows that have it, and its most frequent values. `distinct` is a lower bound
    where not `complete`."""

    name: str
    share: float
    distinct: int
    complete: bool
    values: list[ShownValue]


class ShownRow(Struct, frozen=True):
    """A row of the table. `number` counts from 0 over the whole result; `time` is epoch seconds, or None. `cells` are
    those of the other columns, each with whether its column is numeric."""

    number: int
    time: float | None
    cells: list[tuple[str, bool]]
    is_open: bool = False


class ShownResult(Struct, frozen=True):
    """What is shown of a result. `fields` and `timeline` are those of events; `chart` is that of groups."""

    columns: list[str]
    numeric: list[bool]
    rows: list[ShownRow]
    pages: int
    timeline: Markup | None
    chart: Markup | None
    draws: list[str]
    fields: list[ShownField]
    looked: int
    groups: bool
    total: int
    event: list[tuple[str, str]] = []
    raw: list[str] = []


def shown_result(asked: HuntQuestion, found: SearchAnswer) -> ShownResult:
    """What is shown of an answer."""
    overview = found.overview or SearchOverview(len(found.rows), True)
    columns = _columns(found, overview)
    first = (asked.page - 1) * PAGE_ROWS
    numeric = {name: _is_numeric(found.rows, name) for name in columns}
    rows = [
        _row(number, row, numeric, number == asked.row)
        for number, row in enumerate(found.rows[first : first + PAGE_ROWS], first)
    ]
    chart, draws = drawn(asked, found, overview) if overview.groups else (None, [])
    opened = found.rows[asked.row] if 0 <= asked.row < len(found.rows) else {}
    return ShownResult(
        columns,
        list(numeric.values()),
        rows,
        max(1, -(-len(found.rows) // PAGE_ROWS)),
        _timeline(asked, overview),
        chart,
        draws,
        [_field(asked, one) for one in _ordered(overview.fields)[:MOST_FIELDS]],
        overview.looked,
        overview.groups,
        overview.rows,
        [(name, text_of(cell)) for name, cell in opened.items() if name != "_raw" and cell is not None][:MOST_FIELDS],
        pretty(text_of(opened.get("_raw"))),
    )


def _columns(found: SearchAnswer, overview: SearchOverview) -> list[str]:
    return event_columns(found.columns) if not overview.groups and len(found.columns) > 14 else list(found.columns)


def _row(number: int, row: Mapping[str, Any], numeric: Mapping[str, bool], is_open: bool) -> ShownRow:
    cells = [(_cut(text_of(row.get(name))), right) for name, right in numeric.items() if name != "_time"]
    return ShownRow(number, _time(row.get("_time")), cells, is_open)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}… ({len(text) - LONGEST_CELL:,} more)"


def text_of(cell: Any) -> str:
    """A cell as text; the values of a multivalue after each other."""
    return "" if cell is None else ", ".join(map(str, cell)) if isinstance(cell, list) else str(cell)


def _time(cell: Any) -> float | None:
    found = number_of(cell) if isinstance(cell, str) else None
    return found if found is not None and 0 <= found < 253_402_300_800 else None


def _is_numeric(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    some = [row.get(name) for row in rows[:PAGE_ROWS]]
    return name != "_time" and any(some) and all(one is None or number_of(one) is not None for one in some)


def pretty(raw: str) -> list[str]:
    """The text of an event, as lines: JSON is indented."""
    if not raw:
        return []
    try:
        text = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = raw
    return text.split("\n")[:MOST_LINES]


def _timeline(asked: HuntQuestion, overview: SearchOverview) -> Markup | None:
    if not overview.timeline:
        return None
    spans = [TimeSlot(start, end) for start, end, _ in overview.timeline]
    counts = ChartSeries("events", [float(count) for _, _, count in overview.timeline])
    return svg.columns([counts], spans, "Events over time (UTC)", lambda span: asked.address(**times_of(span)))


def times_of(span: TimeSlot) -> dict[str, str]:
    """The time range of a span, as the address holds it."""
    ends = (datetime.fromtimestamp(one, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for one in (span.start, span.end))
    return dict(zip(("earliest", "latest"), ends, strict=True))


def drawn(asked: HuntQuestion, found: SearchAnswer, overview: SearchOverview) -> tuple[Markup | None, list[str]]:
    """The chart of a result, and the kinds that can be drawn. The first kind is drawn unless another was chosen."""
    labels, names = plotted(found.columns, found.rows)
    if not labels or not names or len(found.rows) < _FEWEST_TO_DRAW:
        return None, []
    series = [ChartSeries(name, [number_of(row.get(name)) for row in found.rows]) for name in names[: svg.MOST_SERIES]]
    shown = (name.strip() or "(empty)" for name in names[: svg.MOST_SERIES])
    title = ", ".join(shown) + " by " + ", ".join("time" if one == "_time" else one for one in labels)
    times = [_time(row.get("_time")) for row in found.rows]
    if labels == ["_time"] and None not in times:
        spans = _spans([one for one in times if one is not None])
        negative = any((value or 0) < 0 for one in series for value in one.values)
        kinds = ["lines"] if negative else ["columns", "lines"]
        if asked.draw == "none":
            return None, kinds
        kind = asked.draw if asked.draw in kinds else kinds[0]
        return (svg.columns if kind == "columns" else svg.lines)(series, spans, title), kinds
    if asked.draw == "none":
        return None, ["bars"]
    rows = [" · ".join(text_of(row.get(name)) for name in labels) for row in found.rows]
    return svg.bars(rows, series, title), ["bars"]


def _spans(times: Sequence[float]) -> list[TimeSlot]:
    last = times[-1] + (times[-1] - times[-2])
    return [TimeSlot(start, end) for start, end in zip(times, [*times[1:], last], strict=True)]


def _ordered(fields: Sequence[FieldOverview]) -> list[FieldOverview]:
    """The fields that people filter by first, then the others as they come."""
    places = {name: number for number, name in enumerate(_FIRST_FIELDS)}
    useful = (one for one in fields if one.name not in ("_time", "_indextime") and (one.distinct > 1 or one.share < 1))
    constant = (one for one in fields if one.distinct == 1 and one.share == 1)
    return sorted(useful, key=lambda one: places.get(one.name, len(places))) + list(constant)


def _field(asked: HuntQuestion, one: FieldOverview) -> ShownField:
    return ShownField(
        one.name, one.share, one.distinct, one.complete, [_value(asked, one.name, *top) for top in one.top]
    )


def _value(asked: HuntQuestion, field: str, value: str, count: int) -> ShownValue:
    only, without = (with_value(asked.text, field, value, without=side) for side in (False, True))
    return ShownValue(value, count, *(asked.address(q=one) if one else "" for one in (only, without)))
