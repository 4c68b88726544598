"""Drawings as HTML with SVG, for pages that allow neither inline styles nor scripts.

Only shapes are in the SVG, and they are stretched to the width of the page; text stands beside it as HTML, so that it
is as large on a phone as on a wide screen. Colours are classes, `series-0` to `series-7`, which the style of the page
defines for both themes. Every text of events is escaped here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup
from msgspec import Struct

from podhawk.charts.scale import number_text, scale
from podhawk.inert import inert_text

MOST_SERIES: Final = 8
"""Series that are told apart by colour; more would look alike."""
MOST_BARS: Final = 25
"""Rows of a bar chart."""
_HEIGHT: Final = 100
_STEP: Final = 10
_LABELS: Final = 5
_LONGEST: Final = 80


class ChartSeries(Struct, frozen=True):
    """A series: its name, and a value for each position. None is a gap."""

    name: str
    values: Sequence[float | None]


class TimeSlot(Struct, frozen=True):
    """A position on the axis of time, in epoch seconds. `end` is not part of it."""

    start: float
    end: float

    @property
    def label(self) -> str:
        """The start in UTC, as exact as the length asks for."""
        moment = datetime.fromtimestamp(self.start, UTC)
        length = self.end - self.start
        if length >= 86400:
            return moment.strftime("%Y-%m-%d")
        return moment.strftime("%m-%d %H:%M" if length >= 60 else "%m-%d %H:%M:%S")


def columns(
    series: Sequence[ChartSeries], spans: Sequence[TimeSlot], title: str, link: Callable[[TimeSlot], str] | None = None
) -> Markup:
    """Stacked columns over time: values that are not below zero. `link` gives where a click on a position leads."""
    series = series[:MOST_SERIES]
    totals = [sum(one.values[place] or 0 for one in series) for place in range(len(spans))]
    _, high, _ = scale(0, max(totals, default=0), 4)
    parts = []
    for place, span in enumerate(spans):
        told = Markup("<title>{}</title>").format(_told(span, series, place))
        shapes = Markup("").join(_stack(series, place, high))
        hit = Markup('<rect class="hit" x="{}" y="0" width="{}" height="{}"/>').format(place * _STEP, _STEP, _HEIGHT)
        inner = told + hit + shapes
        if link is not None:
            # The time picker does the same from the keyboard: one stop for each of sixty columns would be in the way.
            parts.append(Markup('<a href="{}" tabindex="-1">{}</a>').format(link(span), inner))
        else:
            parts.append(Markup("<g>{}</g>").format(inner))
    return _framed("columns", title, parts, spans, (0, high), series)


def _stack(series: Sequence[ChartSeries], place: int, high: float) -> Iterator[Markup]:
    base = float(_HEIGHT)
    for number, one in enumerate(series):
        value = one.values[place] or 0
        if value <= 0:
            continue
        height = max(value / high * _HEIGHT, 0.6)
        base -= height
        yield Markup('<rect class="series-{}" x="{:g}" y="{:.2f}" width="{:g}" height="{:.2f}"/>').format(
            number, place * _STEP + 1, max(base, 0), _STEP - 2, height
        )


def lines(series: Sequence[ChartSeries], spans: Sequence[TimeSlot], title: str) -> Markup:
    """Lines over time. A value between two gaps is a dot."""
    series = series[:MOST_SERIES]
    known = [value for one in series for value in one.values if value is not None]
    low, high, _ = scale(min(known, default=0), max(known, default=0), 4)
    parts = [
        Markup('<path class="line series-{}" d="{}"><title>{}</title></path>').format(
            number, _path(one.values, low, high), _name(one.name)
        )
        for number, one in enumerate(series)
    ]
    return _framed("lines", title, parts, spans, (low, high), series)


def _path(values: Sequence[float | None], low: float, high: float) -> str:
    drawn: list[str] = []
    open_line = False
    for place, value in enumerate(values):
        if value is None:
            open_line = False
            continue
        x, y = place * _STEP + _STEP / 2, (high - value) / (high - low) * _HEIGHT
        drawn.append(f"{'L' if open_line else 'M'}{x:g} {y:.2f}" + ("" if open_line else "h0.01"))
        open_line = True
    return "".join(drawn)


def bars(names: Sequence[str], series: Sequence[ChartSeries], title: str) -> Markup:
    """A row for each name with a bar for each series, to scale. At most `MOST_BARS` rows are drawn, and the rest is
    counted."""
    series = series[:MOST_SERIES]
    shown = names[:MOST_BARS]
    most = max((abs(value) for one in series for value in one.values[:MOST_BARS] if value is not None), default=0) or 1
    rows = []
    for place, name in enumerate(shown):
        drawn = Markup("").join(
            Markup(
                '<svg class="drawn-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
                '<rect class="series-{}" width="{:.2f}" height="1"/></svg><span class="value">{}</span>'
            ).format(number, abs(one.values[place] or 0) / most * 100, _value(one.values[place]))
            for number, one in enumerate(series)
        )
        rows.append(
            Markup('<li><span class="label"><bdi>{}</bdi></span><span class="drawn">{}</span></li>').format(
                _name(name), drawn
            )
        )
    more = len(names) - len(shown)
    rest = Markup("<p>{} more rows in the table</p>").format(f"{more:,}") if more > 0 else Markup("")
    return Markup('<figure class="chart bars"><figcaption>{}</figcaption>{}<ol>{}</ol>{}</figure>').format(
        _name(title), _legend(series), Markup("").join(rows), rest
    )


def _framed(
    kind: str,
    title: str,
    parts: Sequence[Markup],
    spans: Sequence[TimeSlot],
    ends: tuple[float, float],
    series: Sequence[ChartSeries],
) -> Markup:
    """A drawing over time, with the ends of its axis of values, labels of times below, and a legend."""
    step = max(1, math.ceil(len(spans) / _LABELS))
    labels = Markup("").join(Markup("<span>{}</span>").format(one.label) for one in spans[::step])
    return Markup(
        '<figure class="chart {}"><figcaption>{}</figcaption>{}<div class="plot">'
        '<span class="high">{}</span><span class="low">{}</span>'
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="group" aria-label="{}">{}</svg></div>'
        '<div class="times">{}</div></figure>'
    ).format(
        kind,
        _name(title),
        _legend(series),
        number_text(ends[1]),
        number_text(ends[0]),
        max(len(spans), 1) * _STEP,
        _HEIGHT,
        _name(title),
        Markup("").join(parts),
        labels,
    )


def _legend(series: Sequence[ChartSeries]) -> Markup:
    if len(series) < 2:
        return Markup("")
    entries = [
        Markup(
            '<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="series-{}" width="1" height="1"/></svg>'
            "<bdi>{}</bdi></li>"
        ).format(number, _name(one.name))
        for number, one in enumerate(series)
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(entries))


def _told(span: TimeSlot, series: Sequence[ChartSeries], place: int) -> str:
    values = ", ".join(
        (f"{_name(one.name)} " if len(series) > 1 else "") + _value(one.values[place])
        for one in series
        if one.values[place] or len(series) == 1
    )
    return f"{span.label} UTC: {values or '0'}"


def _value(value: float | None) -> str:
    return "" if value is None else number_text(value)


def _name(text: str) -> str:
    shown = inert_text(text[: 4 * _LONGEST]) or "(empty)"
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
