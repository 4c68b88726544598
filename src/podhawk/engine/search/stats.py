"""What a search met in its input, apart from its result."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field, structs

from podhawk.events.event import Origin


class SearchStats(Struct):
    """Counts of events, the fields that were missing, and warnings.

    `offered` are the events that were looked at, `selected` those of the source, sourcetype, host and index that the
    first clause wants, `matched` those that passed it. `not_evaluable` are the events for which it could not be
    decided, because the carrier lost or never gave what it needs; `first_blind` is where the first of them stood.
    `unseen` are fields that the search expects (`CompiledSearch.expected`) and that no event had. `passed_over` is
    where the first event stood for which it could not be decided, among lines that the prefilter need not select for
    the search; these are looked at only until one is found. Warnings are counted by kind; of each kind
    the first detail in alphabetical order is kept, which is the same one in whatever order events come.
    """

    matched: int = 0
    offered: int = 0
    selected: int = 0
    not_evaluable: int = 0
    first_blind: Origin | None = None
    passed_over: Origin | None = None
    unseen: set[str] = field(default_factory=set)
    warnings: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)
    weight: int = 1
    """How many events the row stands for that the search is processing: each warning counts so many times."""

    def warn(self, kind: str, detail: str) -> None:
        """Count a warning."""
        self.warnings[kind] += self.weight
        self.details[kind] = min(detail, self.details.get(kind, detail))

    def miss(self, origin: Origin) -> None:
        """Count an event for which the clause could not be decided."""
        if not self.not_evaluable:
            self.first_blind = origin
        self.not_evaluable += 1

    def restart(self, expected: frozenset[str]) -> None:
        """Forget everything. The same object goes on, because warnings go to it."""
        self.matched = self.offered = self.selected = self.not_evaluable = 0
        self.first_blind = self.passed_over = None
        self.unseen = set(expected)
        self.warnings = Counter()
        self.details = {}

    def merge(self, other: SearchStats, lines_before: int) -> None:
        """Add the stats of a later part of a file, which has so many lines before it."""
        self.matched += other.matched
        self.offered += other.offered
        self.selected += other.selected
        if self.first_blind is None and other.first_blind is not None:
            self.first_blind = structs.replace(other.first_blind, line=other.first_blind.line + lines_before)
        if self.passed_over is None and other.passed_over is not None:
            self.passed_over = structs.replace(other.passed_over, line=other.passed_over.line + lines_before)
        self.not_evaluable += other.not_evaluable
        self.unseen &= other.unseen
        self.add_warnings(other)

    def add_warnings(self, other: SearchStats) -> None:
        """Add the warnings of another search, which is a part of this one."""
        self.warnings.update(other.warnings)
        for kind, detail in other.details.items():
            self.details[kind] = min(detail, self.details.get(kind, detail))
