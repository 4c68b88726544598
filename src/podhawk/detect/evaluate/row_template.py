"""What a detection made of an event, remembered for the next one that differs in nothing but its identity.

The same workload does the same thing all day: thousands of requests differ only in their auditID and times. Where a
search hands these through untouched (it neither filters by them nor computes with them), its rows for one such event
are those for the next with the other identity put in. The search is run once with marks in place of these fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Final

from msgspec import Struct

from podhawk.detect.finding import ScoredEntity, ThreatValue
from podhawk.engine.plan.lineage import computes, decides, held_after, volatility
from podhawk.engine.plan.planner import Plan
from podhawk.events.line_template import IDENTITY
from podhawk.rows import Row

MARKS: Final = {name: f"\x00{name}:{token_hex(8)}\x00" for name in IDENTITY}
"""What stands for them; no event can hold what is drawn anew by each process."""
MOST: Final = 20_000


class RowTemplate(Struct, frozen=True):
    """The rows of an event and what they say, with marks where its identity belongs; no rows where it made none."""

    title: str
    risk_objects: tuple[ScoredEntity, ...]
    threat_objects: tuple[ThreatValue, ...]
    rows: tuple[dict[str, Any], ...]
    row_count: int
    marked: tuple[tuple[str, str], ...]
    """Columns of the rows that hold a mark, with the field that it stands for."""

    @property
    def general(self) -> bool:
        """Whether nothing but rows holds a mark: a title with an auditID in it is another for each request."""
        texts = [self.title, *(one.value for one in self.risk_objects), *(one.value for one in self.threat_objects)]
        return not any(mark in text for mark in MARKS.values() for text in texts)

    def rows_for(self, identity: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """The rows with an identity put in."""
        return (
            tuple(
                {**row, **{column: identity[name] for column, name in self.marked if row.get(column) == MARKS[name]}}
                for row in self.rows
            )
            if self.marked
            else self.rows
        )


def identities(plan: Plan) -> frozenset[str] | None:
    """The fields of an event's identity that the search reads and passes on unchanged. None if it uses them in another
    way, if it reads `_time`, `_raw` or all fields, or if its rows depend on the clock or on chance."""
    stages = plan.pipeline.stages
    if plan.wanted is None or "_time" in plan.wanted or "_raw" in plan.wanted or volatility(stages):
        return None
    names = frozenset(IDENTITY) & plan.wanted
    held = names
    for stage in stages:
        if decides(stage, held) or computes(stage, held):
            return None
        held = held_after(stage, held)
    return names


def marked(row: Row, names: frozenset[str]) -> Row:
    """The row with marks in place of its identity."""
    for name in names:
        if name in row:
            row[name] = MARKS[name]
    return row
