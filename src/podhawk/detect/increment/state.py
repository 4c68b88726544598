"""The protocol of the state: what is kept from one run to the next. `podhawk.store` implements it.

Without a state, a run depends on its input alone. With a state, the events that detections select are kept, together
with the events that show who is behind them, and each run evaluates all of them again. So many runs over parts of a log
find what one run over the whole log finds.

A run does not evaluate everything. These findings stay as they are: those of detections that the run leaves out, those
whose events are no longer kept, and those of searches that run over the whole input only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from msgspec import Struct

from podhawk.detect.match import Match
from podhawk.detect.risk_event import RiskEvent
from podhawk.events.collected import CollectedEvent
from podhawk.events.event import AuditEvent


class EarlierFindings(Struct, frozen=True):
    """Findings of earlier runs that this run does not evaluate, and the risk that they added."""

    matches: Sequence[Match] = ()
    risk: Sequence[RiskEvent] = ()


class Change(Struct, frozen=True):
    """What a run changed of a finding. `new`: no run knew it. `revised`: it has another revision or, with `replaces`,
    another id. `rose` says that it is new, newly visible, or of a higher severity or priority than before."""

    kind: Literal["new", "revised"]
    rose: bool


class Written(Struct, frozen=True):
    """What a run wrote: all its matches, with revisions; what it changed, by finding id; and the records of findings
    that its detections no longer give and that no other finding replaces."""

    matches: list[Match]
    changes: Mapping[str, Change] = {}
    gone: Sequence[Mapping[str, Any]] = ()


class DetectionState(Protocol):
    """Keeps events, findings and risk between runs.

    `evaluated` are the keys of the detections (see `Detection.key`) for which the run has found every finding that the
    kept events give.
    """

    def locked(self) -> AbstractContextManager[None]:
        """Exclude other runs until the block ends. If the block fails, everything written in it is undone."""

    def events(self) -> Sequence[CollectedEvent]:
        """The kept events."""

    def keep(self, events: Iterable[AuditEvent]) -> None:
        """Keep events. An event that is already kept changes nothing."""

    def earlier(self, matches: Sequence[Match], evaluated: Collection[str]) -> EarlierFindings:
        """The known findings, without incidents, that remain beside `matches`."""

    def write(self, matches: Sequence[Match], risk: Sequence[RiskEvent], evaluated: Collection[str]) -> Written:
        """Write findings and their risk, replacing what was known of them."""
