"""The protocol of the state: what is kept from one increment to the next. `podhawk.store` implements it.

Without a state, a run depends on its input alone. With a state, a run is an increment: it evaluates what its events
change, and leaves the rest. The events that detections select are kept, together with the events that show who is
behind them, because a later event can change what is found about an earlier one. So many runs over parts of a log find
what one run over the whole log finds.

These findings stay as they are: those of detections that the run leaves out, those whose events are no longer kept, and
those of searches that run over the whole input only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from msgspec import Struct

from podhawk.content.model import Detection
from podhawk.detect.finding import Finding
from podhawk.detect.increment.evidence import KeptEvidence
from podhawk.detect.increment.kept import KeptFindings, KeptRisk, ObjectKey, ScoredRisk, SeriesRow, Verdicts
from podhawk.detect.match import Match
from podhawk.detect.risk_event import RiskEvent


class Change(Struct, frozen=True):
    """What a run changed of a finding. `new`: no run knew it. `revised`: it has another revision or, with `replaces`,
    another id. `rose` says that it is new, newly visible, or of a higher severity or priority than before."""

    kind: Literal["new", "revised"]
    rose: bool


class Written(Struct, frozen=True):
    """What a run wrote: its matches, with revisions; what it changed, by finding id; and the records of findings that
    its detections no longer give and that no other finding replaces."""

    matches: list[Match]
    changes: Mapping[str, Change] = {}
    gone: Sequence[Mapping[str, Any]] = ()


class Evaluated(Struct, frozen=True):
    """A detection that a run evaluates: its key and content, and a digest of all that its findings depend on."""

    detection: Detection
    digest: str


class Begun(Struct, frozen=True):
    """What a run evaluates again before it takes new events in: requests, by what the state knows them by, because the
    content of detections changed; and whether every finding is to go through the passes again, because the site decides
    otherwise now. `new` are the keys of detections that begin with this run, though the state has read events before:
    what they would have found there is not known."""

    requests: frozenset[str] = frozenset()
    everything: bool = False
    new: frozenset[str] = frozenset()


class Looked(Struct, frozen=True):
    """What an evaluation has looked at: whatever these plans found about these requests, and aggregate plans (by
    detection and cluster) in windows that end between two times, is found again, or is no more."""

    requests: frozenset[str] = frozenset()
    plans: frozenset[str] = frozenset()
    spans: Sequence[tuple[str, str, float, float]] = ()


class ToWrite(Struct, frozen=True):
    """A finding after all passes, with what is kept of it."""

    raw: Match
    verdicts: Verdicts
    match: Match
    rows: Sequence[tuple[str, SeriesRow]] = ()


class DetectionState(Protocol):
    """Keeps events, findings and risk between runs."""

    @property
    def evidence(self) -> KeptEvidence:
        """Events and evidence; within `locked`."""

    @property
    def findings(self) -> KeptFindings:
        """The known findings; after `begin`."""

    @property
    def risk(self) -> KeptRisk:
        """The known risk; after `begin`."""

    def locked(self) -> AbstractContextManager[None]:
        """Exclude other runs until the block ends. If the block fails, everything written in it is undone."""

    def postpone(self, requests: Collection[str]) -> None:
        """Say of which requests searches are to be evaluated later."""

    def begin(self, evaluated: Sequence[Evaluated], policies: str, *, backfill: bool = False) -> Begun:
        """Begin a run with these detections; `policies` is a digest of what the site decides. With `backfill` the run
        reads what was read before, so that no detection is new."""

    def known_about(self, looked: Looked, found: Sequence[Finding]) -> set[str]:
        """The ids of the known findings that an evaluation would have found again, or that one of those which it has
        found replaces. A finding that rests on events of which no secrets are kept need not be found again."""

    def incidents(self, keys: Collection[str] | None, detections: Collection[str]) -> set[str]:
        """The ids of the known incidents under these keys (None stands for all), whose detection is one of these."""

    def every_finding(self) -> set[str]:
        """The ids of all known findings but incidents."""

    def write(self, findings: Sequence[ToWrite], gone: Collection[str]) -> Written:
        """Write findings, and delete those that are gone."""

    def write_risk(self, risk: Iterable[ScoredRisk]) -> None:
        """Write risk events."""

    def known_risk(self, objects: Collection[ObjectKey]) -> list[RiskEvent]:
        """The known risk events of risk objects."""

    def known(self) -> list[Finding]:
        """All known findings, in order of time, incidents last."""

    def count(self) -> int:
        """How many findings are known."""
