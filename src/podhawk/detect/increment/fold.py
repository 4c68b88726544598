"""What an incident says of the findings behind it, as a sum that grows.

An incident may rest on a hundred thousand findings. What it shows of them is short: what their actors and targets have
in common, the first requests, the most urgent priority. A `Fold` holds this, for risk events in order of time. Two
folds, one after the other in time, make the fold of both, so that an increment need not read findings of days in which
nothing changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from hashlib import blake2b
from typing import Final, TypeVar

from msgspec import Struct, field

from podhawk.content.annotations import technique
from podhawk.detect.finding import MOST_ROWS, Actor, Finding, Outcome, RequestInfo, Target, ThreatValue
from podhawk.detect.risk_event import RiskEvent

Item = TypeVar("Item")
_TOO_MANY: Final = 4 * MOST_ROWS


class Earliest(Struct, frozen=True):
    """What an incident is told apart by: a risk event, without its detection."""

    time: float
    finding_id: str
    object: str
    object_type: str
    cluster: str
    request: str


class Fold(Struct):
    """The risk events behind an incident and their findings, in order of time."""

    ids: list[str] = field(default_factory=list)
    first: Earliest | None = None
    scored: Earliest | None = None
    """The first event that scored, or would but for the daily cap."""
    last_time: float = 0.0
    threats: list[ThreatValue] = field(default_factory=list)
    detections: set[str] = field(default_factory=set)
    tactics: set[str] = field(default_factory=set)
    urgent: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    actors: list[Actor] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    infos: list[tuple[str, RequestInfo]] = field(default_factory=list)
    """The first requests, each with its cluster."""
    requests: set[int] = field(default_factory=set)
    """All requests, as hashes."""

    def add(self, event: RiskEvent) -> None:
        """Take in a risk event."""
        if self.first is None:
            self.first = _earliest(event)
        if self.scored is None and (event.applied or event.capped):
            self.scored = _earliest(event)
        self.last_time = event.time
        self.threats += event.threat_objects
        if event.detection.key not in self.detections:
            self.detections.add(event.detection.key)
            self.tactics |= {tactic.id for one in event.detection.mitre_attack_id for tactic in technique(one).tactics}
        self._shorten(_TOO_MANY)

    def add_finding(self, finding: Finding) -> None:
        """Take in what a risk event comes from."""
        self.urgent = max(self.urgent, finding.priority)
        self.outcomes[finding.outcome] = self.outcomes.get(finding.outcome, 0) + 1
        self.actors.append(finding.actor)
        self.targets.append(finding.target)
        for info in finding.requests:
            known = len(self.requests)
            self.requests.add(_hash(finding.cluster, info))
            if len(self.requests) > known and len(self.infos) < MOST_ROWS:
                self.infos.append((finding.cluster, info))

    def merge(self, later: Fold) -> None:
        """Take in what comes later in time."""
        if later.first is None:
            return
        self.ids += later.ids
        self.first = self.first or later.first
        self.scored = self.scored or later.scored
        self.last_time = later.last_time
        self.threats += later.threats
        self.detections |= later.detections
        self.tactics |= later.tactics
        self.urgent = max(self.urgent, later.urgent)
        for outcome, count in later.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count
        self.actors += later.actors
        self.targets += later.targets
        if len(self.infos) < MOST_ROWS:
            known = {_hash(*one) for one in self.infos}
            self.infos += [one for one in later.infos if _hash(*one) not in known][: MOST_ROWS - len(self.infos)]
        self.requests |= later.requests
        self._shorten(_TOO_MANY)

    def shorten(self) -> Fold:
        """The same, without what says nothing new."""
        self._shorten(0)
        return self

    def _shorten(self, most: int) -> None:
        if len(self.threats) > most:
            self.threats = list(dict.fromkeys(self.threats))[:MOST_ROWS]
        if len(self.actors) > most:
            self.actors = _telling(self.actors, _OF_ACTORS, lambda one: one.source_ips, lambda one: bool(one.borrowed))
        if len(self.targets) > most:
            self.targets = _telling(self.targets, _OF_TARGETS, lambda one: one.images, lambda one: False)

    @property
    def outcome(self) -> Counter[Outcome]:
        """How many findings had each outcome."""
        return Counter(self.outcomes)  # type: ignore[arg-type]


_OF_ACTORS: Final[Sequence[Callable[[Actor], Hashable]]] = (
    lambda one: one.user,
    lambda one: one.identity,
    lambda one: one.source_ip,
    lambda one: one.kind,
)
_OF_TARGETS: Final[Sequence[Callable[[Target], Hashable]]] = (
    lambda one: one.resource,
    lambda one: one.subresource,
    lambda one: one.api_group,
    lambda one: one.namespace,
    lambda one: one.name,
)


def _telling(
    items: Sequence[Item],
    members: Sequence[Callable[[Item], Hashable]],
    listed: Callable[[Item], Iterable[str]],
    marked: Callable[[Item], bool],
) -> list[Item]:
    """The items that tell as much as all: whether they agree on each member, the first of what they list, the last
    item, and the last that is marked."""
    seen: list[set[Hashable]] = [set() for _ in members]
    names: set[str] = set()
    last = len(items) - 1
    last_marked = next((number for number in range(last, -1, -1) if marked(items[number])), -1)
    found = []
    for number, item in enumerate(items):
        tells = number in (last, last_marked)
        for values, member in zip(seen, members, strict=True):
            if len(values) < 2 and (value := member(item)) not in values:
                values.add(value)
                tells = True
        if len(names) < MOST_ROWS and not names.issuperset(listed(item)):
            names.update(listed(item))
            tells = True
        if tells:
            found.append(item)
    return found


def folded(events: Iterable[RiskEvent], findings: Callable[[str], Finding | None]) -> Fold:
    """The fold of risk events in order of time, and of their findings, each of which counts once."""
    fold = Fold()
    ids: dict[str, None] = {}
    for event in events:
        fold.add(event)
        if event.finding_id not in ids:
            ids[event.finding_id] = None
            finding = findings(event.finding_id)
            if finding is not None:
                fold.add_finding(finding)
    fold.ids = list(ids)
    return fold


def _earliest(event: RiskEvent) -> Earliest:
    return Earliest(event.time, event.finding_id, event.object, event.object_type, event.cluster, event.request)


def _hash(cluster: str, info: RequestInfo) -> int:
    text = repr((cluster, info.audit_id, info.received, info.user, info.uri))
    return int.from_bytes(blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).digest(), "big")
