"""trendline: moving averages of a field."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Wanted, Whole, always, plus
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.spans import usable
from podhawk.lazy import lazy_pattern
from podhawk.rows import Table
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor

Number = int | float
_CALL = lazy_pattern(r"(sma|ema|wma)(\d{1,5})\(\s*", re.IGNORECASE)
MOST = 10_000


class Trend(Struct, frozen=True):
    """One average: `kind` is sma, ema or wma."""

    kind: str
    period: int
    field: str
    name: str


class TrendLine(Struct, frozen=True):
    trends: tuple[Trend, ...]


def _parse(cursor: Cursor) -> TrendLine:
    found: list[Trend] = []
    while not cursor.done:
        at = cursor.at
        call = cursor.looking_at(_CALL)
        if not call:
            cursor.fail(
                f"expected an average such as sma5(field), found {cursor.rest.split()[0]!r}",
                "The averages are sma (simple), ema (exponential) and wma (weighted), followed by the number of rows.",
            )
        cursor.at = call.end()
        field = cursor.name()
        if not cursor.take(")"):
            raise cursor.error("this ( is never closed", call.end() - 1)
        kind, period = call[1].lower(), int(call[2])
        if not 2 <= period <= MOST:
            raise cursor.error(f"the number of rows must lie between 2 and {MOST}", at)
        name = cursor.name("a name for the average") if cursor.keyword("as") else f"{kind}{period}({field})"
        found.append(Trend(kind, period, field, name))
        cursor.commas()
    if not found:
        cursor.fail("expected an average such as sma5(field)")
    return TrendLine(tuple(found))


def _render(node: TrendLine) -> str:
    parts = []
    for one in node.trends:
        call = f"{one.kind}{one.period}({shown(one.field)})"
        parts.append(call if one.name == f"{one.kind}{one.period}({one.field})" else f"{call} AS {shown(one.name)}")
    return " ".join(parts)


def _simple(values: Sequence[Number], period: int) -> list[Number | None]:
    return [
        None if place + 1 < period else sum(values[place + 1 - period : place + 1]) / period
        for place in range(len(values))
    ]


def _weighted(values: Sequence[Number], period: int) -> list[Number | None]:
    """The newest of the period weighs `period`, the oldest 1."""
    weight = period * (period + 1) / 2
    return [
        None
        if place + 1 < period
        else sum(share * value for share, value in enumerate(values[place + 1 - period : place + 1], 1)) / weight
        for place in range(len(values))
    ]


def _exponential(values: Sequence[Number], period: int) -> list[Number | None]:
    """ema = alpha * ema before + (1 - alpha) * value, with alpha = 2 / (period + 1); it begins with the first value."""
    alpha = 2 / (period + 1)
    made: list[Number | None] = []
    average: Number = 0
    for place, value in enumerate(values):
        average = value if place == 0 else alpha * average + (1 - alpha) * value
        made.append(None if place + 1 < period else average)
    return made


_AVERAGES: dict[str, Callable[[Sequence[Number], int], list[Number | None]]] = {
    "sma": _simple,
    "ema": _exponential,
    "wma": _weighted,
}


def _whole(node: TrendLine, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        for one in node.trends:
            numbers = [(row, as_number(row.get(one.field))) for row in table.rows]
            for row in table.rows:
                if one.name != one.field:
                    row.pop(one.name, None)
            known = [(row, number) for row, number in numbers if number is not None and usable(number)]
            averages = _AVERAGES[one.kind]([number for _, number in known], one.period)
            for (row, _), average in zip(known, averages, strict=True):
                if average is not None:
                    row[one.name] = int(average) if isinstance(average, float) and average.is_integer() else average
        return Table(table.rows, _columns(node, table.columns))

    return whole


def _reads(node: TrendLine, wanted: Wanted) -> Wanted:
    return None if wanted is None else wanted | {one.field for one in node.trends}


def _columns(node: TrendLine, columns: Columns) -> Columns:
    return plus(columns, *(one.name for one in node.trends))


def _made(node: TrendLine, name: str) -> Sources:
    made = [one for one in node.trends if one.name == name]
    fields = {one.field for one in node.trends}
    return (computed(fields, aggregated=True), copy(name)) if made else (copy(name),)


TRENDLINE = Command(
    name="trendline",
    syntax="trendline (sma|ema|wma)<n>(<field>) [AS <field>] …",
    doc="Computes moving averages over n rows, in row order: sma is the simple average, wma weighs newer rows "
    "more (1 for the oldest, n for the newest), ema is exponential: 2/(n+1) of the average before, and the "
    "rest of the new value. The first n-1 rows have no average. Values that are no numbers do not count.",
    examples=(
        Example(
            "* | sort n | trendline sma2(n) AS mean wma2(n) | table n mean wma2(n)",
            (
                {"n": "1", "mean": None, "wma2(n)": None},
                {"n": "4", "mean": "2.5", "wma2(n)": "3"},
            ),
            ('{"n":1}', '{"n":4}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=_columns,
    whole=_whole,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/trendline",
)
