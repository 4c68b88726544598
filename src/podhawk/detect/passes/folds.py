"""The folds of incidents, from parts that are kept.

What an incident says of its findings is the fold of hours, and an hour is the fold of its minutes. A part with many
findings is kept until something in it changes. So an increment reads the findings of the minutes that it changes, not
those of a month.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Final

from podhawk.detect.finding import Finding
from podhawk.detect.increment.evidence import merged
from podhawk.detect.increment.fold import Fold, folded
from podhawk.detect.increment.kept import Interval, KeptFindings, KeptRisk, ObjectKey
from podhawk.detect.passes.scored import Again
from podhawk.detect.risk.incident import Reason
from podhawk.detect.risk.incidents import order_of
from podhawk.detect.risk_event import RiskEvent

HOUR: Final = 3_600
MINUTE: Final = 60
_AT_ONCE: Final = 2_000
"""Findings that are read together."""
MANY: Final = 16
"""Risk events of a part that is worth keeping."""


class Folds:
    """The folds over the risk events of risk objects."""

    def __init__(self, kept: KeptFindings, risk: KeptRisk, again: Again) -> None:
        self._kept, self._risk, self._again = kept, risk, again

    def changed(self, objects: Mapping[ObjectKey, Set[float]]) -> None:
        """Drop the parts that hold a change."""
        for size in (HOUR, MINUTE):
            self._risk.drop_cells(size, objects)

    def of(self, reasons: Sequence[Reason]) -> Fold:
        """The fold of what is behind reasons for an incident of one risk object."""
        (type_, value), cluster = reasons[0].entity or ("", ""), reasons[0].cluster
        found = Fold()
        for span in merged(one.span for one in reasons):
            found.merge(self._over((type_, value, cluster), span))
        return found

    def _over(self, one: ObjectKey, span: Interval) -> Fold:
        """The fold of a span of time."""
        known = self._risk.cells(one, HOUR, span)
        made: dict[float, Fold] = {}
        found = Fold()
        for part in _parts(span, sorted(known), HOUR):
            if isinstance(part, float):
                found.merge(known[part])
                continue
            hours: defaultdict[float, Fold] = defaultdict(Fold)
            for start, fold in self._minutes(one, part):
                hours[start // HOUR * HOUR].merge(fold)
            for start, fold in hours.items():
                found.merge(fold)
                if _is_worth(fold, start, HOUR, part):
                    made[start] = fold.shorten()
        self._risk.keep_cells(one, HOUR, made)
        return found

    def _minutes(self, one: ObjectKey, span: Interval) -> Iterator[tuple[float, Fold]]:
        """The folds of the minutes of a span that have events, in order, by the start of the minute."""
        known = self._risk.cells(one, MINUTE, span)
        made: dict[float, Fold] = {}
        for part in _parts(span, sorted(known), MINUTE):
            if isinstance(part, float):
                yield part, known[part]
                continue
            events: defaultdict[float, list[RiskEvent]] = defaultdict(list)
            for event in sorted(self._risk.charged(one, part), key=order_of):
                events[event.time // MINUTE * MINUTE].append(event)
            for starts in _together(events):
                findings = self._findings(event.finding_id for start in starts for event in events[start])
                for start in starts:
                    fold = folded(events[start], findings.get)
                    if _is_worth(fold, start, MINUTE, part):
                        made[start] = fold.shorten()
                    yield start, fold
        self._risk.keep_cells(one, MINUTE, made)

    def _findings(self, ids: Iterable[str]) -> dict[str, Finding]:
        matches = self._again(self._kept.load(set(ids)))
        return {match.finding.finding_id: match.finding for match in matches}


def _together(events: Mapping[float, Sequence[RiskEvent]]) -> Iterator[list[float]]:
    """The minutes whose findings are read together."""
    found: list[float] = []
    count = 0
    for start, own in events.items():
        found.append(start)
        count += len(own)
        if count >= _AT_ONCE:
            yield found
            found, count = [], 0
    if found:
        yield found


def _is_worth(fold: Fold, start: float, size: int, span: Interval) -> bool:
    """Whether a part is kept: if the span holds all of it, and it has many findings."""
    return len(fold.ids) >= MANY and span[0] <= start and start + size <= span[1]


def _parts(span: Interval, known: Sequence[float], size: int) -> Iterator[float | Interval]:
    """A span in order: the starts of parts that are known, and what is between them."""
    at = span[0]
    for start in known:
        if start > at:
            yield at, start
        yield start
        at = start + size
    if at < span[1]:
        yield at, span[1]
