"""What is shown beside the rows of a search: how many there are over time, and the fields that they have.

It is worked out in the process of the search, over all rows: the answer has only the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec import Struct

from podhawk.api import Result
from podhawk.charts.timeline import counted_by_second, spans_of
from podhawk.detect.activity.fields import FieldOverview
from podhawk.detect.activity.row_fields import row_fields
from podhawk.engine.plan.planner import gives_groups
from podhawk.engine.run.source import TimeRange

FIELD_ROWS: Final = 10_000
"""Rows whose fields are looked at, the first ones."""
TOP: Final = 10
"""Values of a field."""


class SearchOverview(Struct, frozen=True):
    """`rows` is the number of all rows. `groups` says that each row stands for a group, as after `stats`; else it is
    an event. `timeline` has the start, the end and the number of events of each span; `fields` are those of the
    first `looked` rows."""

    rows: int
    groups: bool
    timeline: list[tuple[float, float, int]] = []
    fields: list[FieldOverview] = []
    looked: int = 0


def overview_of(result: Result, within: TimeRange) -> SearchOverview:
    """The overview of a result, over the time range of the search."""
    count = len(result)
    if any(map(gives_groups, result.stages)):
        return SearchOverview(count, True)
    spans, counts = spans_of(counted_by_second(_times(result)), within.earliest, within.latest)
    looked = min(count, FIELD_ROWS)
    return SearchOverview(
        count,
        False,
        [(one.start, one.end, number) for one, number in zip(spans, counts, strict=True)] if any(counts) else [],
        row_fields(islice(result, FIELD_ROWS), TOP),
        looked,
    )


def _times(result: Result) -> Iterator[float]:
    for row in result.table.rows:
        try:
            yield float(str(row.get("_time")))
        except ValueError:  # a search may leave no time
            continue
