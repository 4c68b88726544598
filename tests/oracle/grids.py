"""chart, timechart, timewrap and xyseries, once more: rows and series."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

from oracle.aggregate import draw, reduced, results
from oracle.calendars import moved, written
from oracle.env import Env, Row, Rows
from oracle.spans import Span, chosen, shown
from oracle.values import group_order, many, number, rounded, text

PERIODS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mon": "month", "q": "quarter"}
PERIODS |= {"y": "year"}
RATES = {"per_second": 1, "per_minute": 60, "per_hour": 3600, "per_day": 86400}


def chart(node: Any, rows: Rows, env: Env) -> Rows:
    return grid(node, node.over, rows, env)


def timechart(node: Any, rows: Rows, env: Env) -> Rows:
    return grid(node, "_time", rows, env)


class Running:
    """An aggregation under its name; a rate is a sum first."""

    def __init__(self, item: Any) -> None:
        self.rate = RATES.get(item.function, 0)
        self.function = "sum" if self.rate else item.function
        self.argument, self.name, self.named = item.argument, item.name, item.named
        self.parts, self.result, self.spark = item.parts, item.result, item.spark


def grid(node: Any, over: str, rows: Rows, env: Env) -> Rows:
    timed = over == "_time"
    binned = timed or node.bins.stated
    numbers = [
        amount
        for row in rows
        for part in many(row.get(over))
        if (amount := number(part)) is not None and abs(amount) < 1e300
    ]
    within: list[Any] = []
    if timed and getattr(node, "fixedrange", False) and numbers:
        within += [] if env.earliest is None else [min(env.earliest, *numbers)]
        within += [] if env.latest is None else [max(math.nextafter(env.latest, -math.inf), *numbers)]
    span = chosen(node.bins, over, [*numbers, *within], env.now) if binned else None
    lines: dict[Any, dict[str | None, Rows]] = {} if over else {"": {}}
    for row in rows:
        for line in places(row, over, span, binned, node.options.dedup_splitvals):
            lines.setdefault(line, {})
            for label in labels(node, row, env):
                lines[line].setdefault(label, []).append(row)
    ordered = sorted(lines, key=lambda line: line_order(line, over))
    if span is not None and node.options.cont:
        ordered = continuous(ordered, [span.ends(moment) for moment in within], over, span)
    if span is not None and not getattr(node, "partial", True):
        ordered = complete(ordered, numbers, span, env if getattr(node, "fixedrange", True) else Env())
    return laid_out(node, over, [(line, lines.get(line, {})) for line in ordered], span, env)


def places(row: Row, over: str, span: Span | None, binned: bool, distinct: bool) -> list[Any]:
    if not over:
        return [""]
    found: list[Any] = []
    for part in many(row.get(over)):
        amount = number(part) if binned else None
        if over == "_time":
            found += [] if amount is None else [shown(span, over, part)]
        else:
            found.append(shown(span, over, part) if amount is not None else part)
    return list(dict.fromkeys(found)) if distinct else found


def labels(node: Any, row: Row, env: Env) -> list[str | None]:
    if not node.by:
        return [""]
    values = many(row.get(node.by))
    if not values:
        return [None] if node.options.usenull else []
    span = chosen(node.by_bins, node.by, [], env.now) if node.by_bins.stated else None
    found: list[str | None] = [text(shown(span, node.by, value)) for value in values]
    return list(dict.fromkeys(found)) if node.options.dedup_splitvals else found


def start_of(line: Any) -> Any:
    """Where a label such as 10-20 begins, or None for what is no bin."""
    found = re.fullmatch(r"(-?[\d.]+(?:e[+-]?\d+)?)-(-?[\d.]+(?:e[+-]?\d+)?)", line) if isinstance(line, str) else None
    return number(found[1]) if found else None if isinstance(line, str) else line


def line_order(line: Any, over: str) -> Any:
    start = start_of(line)
    return (0, start, "") if start is not None else group_order((line,))[0]


def continuous(ordered: list[Any], ends: list[Any], over: str, span: Span) -> list[Any]:
    """The bins with those between them that nothing fell into."""
    starts = {start_of(line): line for line in ordered if start_of(line) is not None}
    for end in ends:
        starts.setdefault(end[0], shown(span, over, end[0]))
    if not starts:
        return ordered
    here, last, made = min(starts), max(starts), []
    while here <= last:
        made.append(starts.get(here, shown(span, over, here)))
        bounds = span.ends(here)
        if bounds is None:
            break
        here = bounds[1]
    others = [line for line in ordered if start_of(line) is None]
    first = (0, min(starts), "")
    before = [line for line in others if line_order(line, over) < first]
    return [*before, *made, *(line for line in others if line not in before)]


def complete(ordered: list[Any], numbers: list[Any], span: Span, env: Env) -> list[Any]:
    """Without a first and a last span that the time range, or the events where it is open, may not fill."""
    if not ordered:
        return ordered
    begin = min(numbers) if env.earliest is None else min(env.earliest, *numbers)
    bounds = span.ends(ordered[-1])
    ends = env.latest is None or bounds is None or env.latest < bounds[1]
    return ordered[1 if ordered[0] < begin else 0 : -1 if ends else None]


def laid_out(node: Any, over: str, lines: list[Any], span: Span | None, env: Env) -> Rows:
    items = [Running(item) for item in node.items]
    by = tuple(name for name in (over, node.by) if name)

    def finished(line: Any, rows: Rows) -> Row:
        found = results([item for item in items if item.spark is None], rows, by, env)
        for item in items:
            if item.rate and item.name in found and span is not None:
                bounds = span.ends(line)
                assert bounds is not None
                seconds = Fraction(text(bounds[1])) - Fraction(text(bounds[0]))
                found[item.name] = rounded(Fraction(found[item.name]) * item.rate / seconds)
        return found

    made: Rows = []
    if not node.by:
        made = [{**finished(line, cells.get("", [])), **({over: line} if over else {})} for line, cells in lines]
        draw(items, [cells.get("", []) for _, cells in lines], made, env)
        return made
    options = node.options
    several = len(items) > 1
    names = sorted({name for _, cells in lines for name in cells if name is not None}, key=series_order)
    kept = staying(names, lines, options, several, finished)
    columns: dict[str, list[str | None]] = {name: [name] for name in kept}
    if any(None in cells for _, cells in lines):
        columns.setdefault(options.nullstr, []).append(None)
    if len(kept) < len(names) and options.useother:
        columns.setdefault(options.otherstr, []).extend(name for name in names if name not in kept)
    for line, cells in lines:
        row: Row = {over: line} if over else {}
        for column, members in columns.items():
            rows = [row for member in members for row in cells.get(member, [])]
            for result, given in finished(line, rows).items():
                name = column_name(result, column, several, options)
                if name != over:
                    row[name] = given
        made.append(row)
    return made


def series_order(label: str) -> Any:
    found = re.match(r"(-?\d+(?:\.\d+)?)-", label)
    return (0, float(found[1]), label) if found else group_order((label,))[0]


def column_name(result: str, label: str, several: bool, options: Any) -> str:
    if not several:
        return f"VALUE_{label}" if label.startswith("_") else label
    if options.format:
        return options.format.replace("$AGG$", result).replace("$VAL$", label)
    return f"{result}{options.sep}{label}"


def staying(names: list[str], lines: Any, options: Any, several: bool, finished: Any) -> list[str]:
    """The series with the largest sum, or whatever the options rank them by; of several results the most frequent."""
    chosen_ = options.filter
    limit, bottom = (options.limit, options.bottom) if chosen_ is None else (int(chosen_.number), chosen_.bottom)
    if chosen_ is None and (not limit or len(names) <= limit):
        return names
    function = options.agg if chosen_ is None else chosen_.function
    scores: dict[str, Any] = {}
    for name in names:
        scores[name] = sum(len(cells.get(name, [])) for _, cells in lines)
        if several and not function:
            continue
        values = [given for line, cells in lines if name in cells for given in finished(line, cells[name]).values()]
        found = number(reduced(function or "sum", [(given, None) for given in values if not isinstance(given, tuple)]))
        scores[name] = scores[name] if found is None else found
    if chosen_ is not None and chosen_.operator in "<>":
        below = chosen_.operator == "<"
        return [name for name in names if (scores[name] < chosen_.number if below else scores[name] > chosen_.number)]
    best = sorted(names, key=lambda name: scores[name] if bottom else -scores[name])[:limit]
    out = chosen_ is not None and chosen_.operator == "notin"
    return [name for name in names if (name in best) != out]


def xyseries(node: Any, rows: Rows, env: Env) -> Rows:
    lines: list[tuple[str, Row]] = []
    several = len(node.data) > 1
    for row in rows:
        for x in many(row.get(node.x)):
            for y in many(row.get(node.y)):
                known = lines[-1:] if node.grouped else lines
                line = next((cells for name, cells in known if name == x), None)
                if line is None:
                    line = {}
                    lines.append((x, line))
                for name in node.data:
                    if name in row:
                        line[column_name(name, y, several, node)] = row[name]
    if not node.grouped:
        lines.sort(key=lambda pair: group_order((pair[0],)))
    return [{node.x: x, **cells} for x, cells in lines]


def timewrap(node: Any, rows: Rows, env: Env) -> Rows:
    timed = sorted(
        [(time, row) for row in rows if (time := number(row.get("_time"))) is not None], key=lambda pair: pair[0]
    )
    if not timed:
        return []
    last = timed[-1][0]
    end = env.now
    if node.align == "end":
        steps = [b[0] - a[0] for a, b in pairwise(timed) if b[0] > a[0]]
        end = last + (min(steps) if steps else 1)
        end = end if env.latest is None else min(max(env.latest, last + 1), end)
    starts = [moved(end, -node.count, node.unit)]
    while starts[-1] > timed[0][0]:
        starts.append(moved(end, -node.count * (len(starts) + 1), node.unit))
    names = list(dict.fromkeys(name for row in rows for name in row if not name.startswith("_")))
    made: dict[Any, Row] = {}
    for time, row in timed:
        period = next((place for place, start in enumerate(starts) if time >= start), None)
        if period is None or time >= end:
            continue
        moment = starts[0] + (time - starts[period])
        line = made.setdefault(moment, {"_time": int(moment) if moment == int(moment) else moment})
        for name in names:
            if name in row:
                label = period_name(node, period, starts[period])
                line[f"{name}_{label}" if len(names) > 1 or name == "count" else label] = row[name]
    return [made[moment] for moment in sorted(made)]


def period_name(node: Any, period: int, start: float) -> str:
    if node.series == "short":
        return f"s{period}"
    if node.series == "exact":
        return written(start, node.time_format or "%Y-%m-%d")
    unit = PERIODS[node.unit]
    if period == 0:
        return f"latest_{unit}" if node.count == 1 else f"latest_{node.count}{unit}s"
    length = period * node.count
    return f"{length}{unit}{'s' if length > 1 else ''}_before"


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {
    "chart": chart,
    "timechart": timechart,
    "xyseries": xyseries,
    "timewrap": timewrap,
}
