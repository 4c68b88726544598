"""Series: the columns that chart and timechart make of the values of a split field.

Each value of the split field is a series. The ten with the largest sum are kept (`limit`, `agg` and the
`where` clause say otherwise); with several aggregations it is the ten most frequent. The others make one
series OTHER, whose results are those of all their events together; rows without the split field make the
series NULL. Neither counts against the limit. Columns come in the order of their values, numbers before
text, then NULL, then OTHER; of equal scores the series that comes first in that order is kept.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/chart
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from podhawk.commands.shared.aggregate import Aggregator, Group
from podhawk.commands.shared.groups import sort_key
from podhawk.errors import nearest
from podhawk.functions.aggregations import AGGREGATIONS, find
from podhawk.lazy import lazy_pattern
from podhawk.rows import OrderKey
from podhawk.rows.values import Value, as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

LIMIT = 10
OPTIONS = ("limit", "useother", "usenull", "otherstr", "nullstr", "sep", "format", "agg", "cont", "dedup_splitvals")
_LIMIT = lazy_pattern(r"(top|bottom)?\s*(\d{1,9})\Z", re.IGNORECASE)
_WHERE = lazy_pattern(
    r"(\w+)\s+(in|notin)\s+(top|bottom)\s*(\d{1,9})(?=[\s,]|\Z)|(\w+)\s*(<|>)\s*(-?\d+(?:\.\d+)?)(?=[\s,]|\Z)",
    re.IGNORECASE,
)
_RANGE = lazy_pattern(r"(-?\d+(?:\.\d+)?)-")

Label = str | None
"""A series: a value of the split field, or None for rows without it."""


class Filter(Struct, frozen=True):
    """`where sum in top5`, `where max > 3`: which series stay."""

    function: str
    operator: str  # in notin < >
    number: int | float
    bottom: bool = False


class SeriesOptions(Struct, frozen=True):
    """`limit` 0 keeps all series. A filter replaces limit and agg."""

    limit: int = LIMIT
    bottom: bool = False
    agg: str = ""
    useother: bool = True
    usenull: bool = True
    otherstr: str = "OTHER"
    nullstr: str = "NULL"
    sep: str = ": "
    format: str = ""
    cont: bool = True
    dedup_splitvals: bool = False
    filter: Filter | None = None


def take_options(cursor: Cursor, known: Iterable[str]) -> dict[str, str]:
    """The options that stand next; `limit=top 5` may have a blank."""
    found: dict[str, str] = {}
    allowed = tuple(known)
    while True:
        pair = cursor.option(allowed)
        if pair is None:
            return found
        name, value = pair
        if name == "limit" and value.lower() in ("top", "bottom"):
            value += cursor.word("a number")
        found[name] = value
        cursor.commas()


def _function(cursor: Cursor, name: str, at: int) -> str:
    if find(name.lower()) is None:
        raise cursor.error(
            f"{name} is not an aggregation that can rank series",
            at,
            remedy=nearest(name.lower(), AGGREGATIONS) or "Use only its name, for example max.",
        )
    return name.lower()


def take_filter(cursor: Cursor) -> Filter | None:
    """A `where` clause over series, if one is next."""
    if not cursor.keyword("where"):
        return None
    at = cursor.at
    found = cursor.looking_at(_WHERE)
    if not found:
        cursor.fail("expected a condition on the series", "For example: where sum in top5, or: where max > 10.")
    cursor.at = found.end()
    cursor.space()
    if found[1]:
        return Filter(_function(cursor, found[1], at), found[2].lower(), int(found[4]), found[3].lower() == "bottom")
    number = as_number(found[7])
    return Filter(_function(cursor, found[5], at), found[6], number if number is not None else 0)


def read_series(cursor: Cursor, options: dict[str, str], chosen: Filter | None) -> SeriesOptions:
    """The series options among the options of a command."""
    limit = _LIMIT.match(options.get("limit", str(LIMIT)))
    if not limit:
        cursor.wrong("limit", options["limit"], f"limit must be a number, topN or bottomN, not {options['limit']!r}")
    agg = _function(cursor, options["agg"], cursor.at) if "agg" in options else ""

    def flag(name: str, default: str = "t") -> bool:
        return cursor.boolean(options.get(name, default), name)

    return SeriesOptions(
        int(limit[2]),
        (limit[1] or "").lower() == "bottom",
        agg,
        flag("useother"),
        flag("usenull"),
        options.get("otherstr", "OTHER"),
        options.get("nullstr", "NULL"),
        options.get("sep", ": "),
        options.get("format", ""),
        flag("cont"),
        flag("dedup_splitvals", "f"),
        chosen,
    )


def show_series(node: SeriesOptions) -> str:
    """Series options as SPL writes them, without the filter."""
    usual = SeriesOptions()
    parts: list[str] = []
    if (node.limit, node.bottom) != (usual.limit, usual.bottom):
        parts.append(f"limit={'bottom' if node.bottom else 'top'}{node.limit}")
    if node.agg:
        parts.append(f"agg={node.agg}")
    for name in ("useother", "usenull", "cont", "dedup_splitvals"):
        if getattr(node, name) != getattr(usual, name):
            parts.append(f"{name}={getattr(node, name)}")
    for name in ("otherstr", "nullstr", "sep", "format"):
        if getattr(node, name) != getattr(usual, name):
            parts.append(f"{name}={quote(getattr(node, name))}")
    return " ".join(parts)


def show_filter(chosen: Filter | None) -> str:
    if chosen is None:
        return ""
    if chosen.operator in ("<", ">"):
        return f"where {chosen.function} {chosen.operator} {chosen.number}"
    return f"where {chosen.function} {chosen.operator} {'bottom' if chosen.bottom else 'top'}{chosen.number}"


def column_name(result: str, label: str, several: bool, sep: str = ": ", form: str = "") -> str:
    """The column of one series: its label, with the result's name where there are several results."""
    if not several:
        return f"VALUE_{label}" if label.startswith("_") else label
    if form:
        return form.replace("$AGG$", result).replace("$VAL$", label)
    return f"{result}{sep}{label}"


class SeriesCell:
    """What the events of one row and series gave, and how many they were."""

    __slots__ = ("count", "group")

    def __init__(self, group: Group) -> None:
        self.group = group
        self.count = 0


SeriesCells = dict[Label, SeriesCell]
Finish = Callable[[int, Group], dict[str, Value]]
"""The results of a group that stands in the line of that number."""


def _place(label: str) -> tuple[int, int | float, str]:
    """Where a series stands among the columns; a range such as 10-20 by its start."""
    found = _RANGE.match(label)
    if found:
        return 0, float(found[1]), label
    return sort_key((label,))[0]


def _scores(
    labels: Sequence[str], lines: Sequence[SeriesCells], function: str, several: bool, finish: Finish
) -> dict[str, int | float]:
    """How the series rank: by a function over their cells, or by their events where cells are no numbers."""
    scores: dict[str, int | float] = {}
    for label in labels:
        present = [(number, cells[label]) for number, cells in enumerate(lines) if label in cells]
        counted = sum(cell.count for _, cell in present)
        scores[label] = counted
        if several and not function:
            continue
        values = [value for number, cell in present for value in finish(number, cell.group).values()]
        declared = find(function or "sum")
        assert declared is not None
        state = declared[0].make(declared[1])
        for value in values:
            if not isinstance(value, tuple):
                state.add(value, OrderKey())
        score = as_number(state.finish())
        scores[label] = counted if score is None or score != score else score
    return scores


def _kept(
    labels: list[str], lines: Sequence[SeriesCells], options: SeriesOptions, several: bool, finish: Finish
) -> list[str]:
    """The series that stay, of labels in column order."""
    chosen = options.filter
    limit, bottom = (options.limit, options.bottom) if chosen is None else (int(chosen.number), chosen.bottom)
    if chosen is None and (limit == 0 or len(labels) <= limit):
        return labels
    scores = _scores(labels, lines, options.agg if chosen is None else chosen.function, several, finish)
    if chosen is not None and chosen.operator in ("<", ">"):
        return [
            label
            for label in labels
            if (scores[label] < chosen.number if chosen.operator == "<" else scores[label] > chosen.number)
        ]
    best = set(sorted(labels, key=lambda label: scores[label] if bottom else -scores[label])[:limit])
    return [label for label in labels if (label in best) != (chosen is not None and chosen.operator == "notin")]


def lay_out(
    lines: Sequence[SeriesCells],
    results: Sequence[str] | None,
    options: SeriesOptions,
    aggregator: Aggregator,
    finish: Finish,
) -> tuple[tuple[str, ...], list[dict[str, Value]]]:
    """Columns and the values of each line. `results` are the names of the aggregations, None if rows decide."""
    several = results is None or len(results) > 1
    labels = sorted({label for cells in lines for label in cells if label is not None}, key=_place)
    kept = _kept(labels, lines, options, several, finish)
    columns: dict[str, list[Label]] = {label: [label] for label in kept}
    if any(None in cells for cells in lines):
        columns.setdefault(options.nullstr, []).append(None)
    known = set(kept)
    dropped: list[Label] = [label for label in labels if label not in known]
    if dropped and options.useother:
        columns.setdefault(options.otherstr, []).extend(dropped)
    values: list[dict[str, Value]] = []
    made: dict[str, dict[str, str]] = {name: {} for name in results or ()}
    for number, cells in enumerate(lines):
        line: dict[str, Value] = {}
        for column, members in columns.items():
            group = aggregator.new()
            for member in members:
                if member in cells:
                    group = aggregator.merge(group, cells[member].group)
            for result, value in finish(number, group).items():
                name = column_name(result, column, several, options.sep, options.format)
                line[name] = value
                made.setdefault(result, {})[column] = name
        values.append(line)
    names = [
        column_name(result, column, several, options.sep, options.format)
        for result in made
        for column in columns
        if results is not None or column in made[result]
    ]
    return tuple(dict.fromkeys(names)), values
