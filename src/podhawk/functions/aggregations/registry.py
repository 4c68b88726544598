"""All aggregations by name."""

from __future__ import annotations

import re

from podhawk.functions.aggregations.arithmetic import ARITHMETIC, DOUBLE_MEAN
from podhawk.functions.aggregations.counting import COUNTING
from podhawk.functions.aggregations.declare import Aggregation
from podhawk.functions.aggregations.ordered import ORDERED

ALL: tuple[Aggregation, ...] = (*COUNTING, *ARITHMETIC, *ORDERED)
VARIANTS: tuple[Aggregation, ...] = (DOUBLE_MEAN,)
"""Aggregations that take the place of another one under an option; their states may cross processes too."""
AGGREGATIONS: dict[str, Aggregation] = {
    name: aggregation for aggregation in ALL for name in (aggregation.name, *aggregation.aliases)
}
_CONDITION = "Write count(eval(condition)): count(eval(code>=400))."
FOREIGN: dict[str, str] = {
    **{
        name: f"SPL has {one.name}{95 if one.takes_number else ''}: {one.example[1]}."
        for one in ALL
        for name in one.known_as
        if name not in AGGREGATIONS
    },
    **dict.fromkeys(("countif", "count_if"), _CONDITION),
    "sumif": "Write sum(eval(if(condition, field, 0))).",
    "distinct": "Write dc(field) for a number, values(field) for the values.",
}
"""Names that aggregations have in other languages, and what to write instead."""
REFUSED: dict[str, str] = {
    "sparkline": "only stats, eventstats and chart draw sparklines",
    "per_day": "only timechart computes rates per span",
    "per_hour": "only timechart computes rates per span",
    "per_minute": "only timechart computes rates per span",
    "per_second": "only timechart computes rates per span",
    "rate_avg": "it reads a metrics store",
    "rate_sum": "it reads a metrics store",
}
_NUMBERED = re.compile(r"([a-z_]+?)(\d{1,3}(?:\.\d+)?)\Z")


def find(name: str) -> tuple[Aggregation, float] | None:
    """The aggregation a name means and the number in it (`perc95` is perc with 95), or None."""
    plain = AGGREGATIONS.get(name)
    if plain is not None:
        return None if plain.takes_number else (plain, 0.0)
    numbered = _NUMBERED.match(name)
    if numbered:
        found = AGGREGATIONS.get(numbered[1])
        if found is not None and found.takes_number and float(numbered[2]) <= 100:
            return found, float(numbered[2])
    return None
