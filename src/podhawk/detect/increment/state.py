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
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

from podhawk.content.model import Detection
from podhawk.detect.finding import Finding
from podhawk.detect.increment.evidence import KeptEvidence
from podhawk.detect.increment.kept import Interval, KeptFindings, KeptRisk, ObjectKey, ScoredRisk, SeriesRow, Verdicts
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
    """A detection that a run evaluates: its key and content; digests of all that its findings depend on, of its search
    alone, and of the exceptions that name it, "" if none does."""

    detection: Detection
    digest: str
    search: str
    exceptions: str = ""


class Retired(Struct, frozen=True):
    """Detections that have left the content, by key: their findings stay, and add no risk. `findings` are the ids of
    those that do so from now on, and `charges` are their rows in the series of that name."""

    detections: frozenset[str] = frozenset()
    findings: Sequence[str] = ()
    charges: Sequence[SeriesRow] = ()


class Begun(Struct, frozen=True):
    """What a run evaluates again: requests, by what the state knows them by, for the detections `changed` (by key),
    because these or the exceptions that name them are others now; and whether every finding is to go through the passes
    again, because the site decides otherwise now. `new` are the keys of detections that begin with this run, or search
    for something else from this run on, though the state has read events before: what they would have found there is
    not known."""

    requests: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    everything: bool = False
    new: frozenset[str] = frozenset()
    retired: Retired = Retired()


NOTHING_CHANGED: Final = Begun()
NONE_RETIRED: Final = Retired()


class Looked(Struct, frozen=True):
    """What an evaluation has looked at: whatever plans found about requests, and aggregate plans (by detection, cluster
    and by-key) in windows that end within some spans, is found again, or is no more."""

    requests: Sequence[tuple[frozenset[str], frozenset[str]]] = ()
    """Requests with the plans that looked at them, by the keys of the detections."""
    spans: Mapping[tuple[str, str], Mapping[str, Sequence[Interval]]] = {}
    changed: frozenset[str] = frozenset()
    """The detections, by their keys, of which everything that was found is looked at again."""


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
        """Events and evidence; after `begin`."""

    @property
    def findings(self) -> KeptFindings:
        """The known findings; after `begin`."""

    @property
    def risk(self) -> KeptRisk:
        """The known risk; after `begin`."""

    def snapshot(self) -> AbstractContextManager[None]:
        """See the state as it is now until the block ends, while others may write to it. What is learnt in the block is
        written by `take`."""

    def locked(self) -> AbstractContextManager[bool]:
        """Exclude other runs until the block ends. If the block fails, everything written in it is undone. Gives
        whether nobody has written since the last `snapshot`."""

    def take(self) -> None:
        """Write what was learnt in the last `snapshot`; within `locked`."""

    def postpone(self, requests: Collection[str]) -> None:
        """Say of which requests searches are to be evaluated later; within `locked`."""

    def begin(
        self,
        evaluated: Sequence[Evaluated],
        policies: str,
        *,
        backfill: bool = False,
        content: Collection[str] | None = None,
    ) -> Begun:
        """Begin a run with these detections; `policies` is a digest of what the site decides. With `backfill` the run
        reads what was read before, so that no detection is new. With `content`, known detections that are not among
        these, by key, are retired."""

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
