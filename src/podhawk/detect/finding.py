"""The finding: what a person acts on. Field for field what `podhawk run -o jsonl` prints.

Everything here is a frozen value; passes over findings make new ones with `msgspec.structs.replace`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from podhawk.content.model import Detection, Severity

FindingKind = Literal["intermediate", "finding", "incident"]
Certainty = Literal["certain", "likely", "possible"]
"""How sure it is who is behind a controller."""
ActorKind = Literal["human", "serviceaccount", "node", "controller", "anonymous", "unauthenticated", "unknown"]
Outcome = Literal["success", "denied", "failed", "dry_run", "pending", "unknown"]
MOST_ROWS: Final = 50
"""Rows and requests that a finding carries; its counts go on."""
BAR: Final = 50
"""The priority that an intermediate finding must reach to be visible, unless the site says otherwise."""
CONTROLLER_REPEATS: Final = "controller-repeats"
"""The noise class of what a controller repeats for the same cause; it adds no risk either."""
NoiseAction = Literal["tag", "lower", "hide"]


class ChainLink(msgspec.Struct, frozen=True):
    """One step from a controller's object to who caused it. `certain` is false where names and times were all there
    was to go by. `groups` and `address` are those of the user; they are not part of a record."""

    kind: str
    namespace: str
    name: str
    user: str
    audit_id: str
    certain: bool
    groups: tuple[str, ...] = ()
    address: str = ""


class Actor(msgspec.Struct, frozen=True):
    """Who did it. `source_ip` is the last of the source IPs: the others are the client's word. `person` is who used
    the user where several people share one (an EKS role), as the event says it; it is left out where it says nothing.

    `chain` leads from the object that was made to the request of whoever wrote the template; it is not
    `chain_complete` where the log at hand does not hold that request ("not seen in this log"). `possible` are several
    people of whom one is behind it. `trigger` is who made the controller act now, if that is somebody else than the
    author of the template. `cause` is the audit id of a scale, eviction or deletion by the author or an autoscaler.
    `borrowed` says what shows that somebody else used a credential. These are left out where there is nothing to say.
    """

    user: str = ""
    groups: tuple[str, ...] = ()
    kind: ActorKind = "unknown"
    effective_user: str = ""
    pod: str = ""
    token_issuer: str = ""
    source_ip: str = ""
    source_ips: tuple[str, ...] = ()
    user_agent: str = ""
    chain: tuple[ChainLink, ...] = ()
    chain_complete: bool = True
    person: str | msgspec.UnsetType = msgspec.UNSET
    possible: tuple[ChainLink, ...] | msgspec.UnsetType = msgspec.UNSET
    trigger: ChainLink | msgspec.UnsetType = msgspec.UNSET
    cause: str | msgspec.UnsetType = msgspec.UNSET
    borrowed: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def certainty(self) -> Certainty | None:
        """How sure it is who is behind a controller; None if nobody is known, or the actor acted for itself.

        *certain*: the log shows the request that wrote the template. *likely*: names and times lead to one person.
        *possible*: to several, or to somebody who only made the controller act; nobody is charged.
        """
        if self.kind != "controller":
            return None
        if self.chain and self.chain_complete and not self.possible:
            return "certain" if self.chain[-1].certain else "likely"
        return "possible" if self.possible or self.trigger else None

    @property
    def inferred(self) -> str:
        """What was inferred about who is behind a controller, in words; "" if nothing was."""
        if self.certainty == "likely":
            last = self.chain[-1]
            return (
                f"{last.kind} {last.name} was the only owner changed before it, or the one that its name tells".strip()
            )
        if self.certainty == "possible":
            return (
                "several people changed what this may have been made from"
                if len({link.user for link in self.possible or ()}) > 1
                else "the log does not show who wrote the template, only who changed the owner or made it act"
            )
        return ""

    @property
    def identity(self) -> str:
        """The user, told apart from others who share it."""
        return f"{self.user} ({self.person})" if self.person else self.user


class Target(msgspec.Struct, frozen=True):
    """What it was done to."""

    resource: str = ""
    subresource: str = ""
    api_group: str = ""
    namespace: str = ""
    name: str = ""
    images: tuple[str, ...] = ()


class ScoredEntity(msgspec.Struct, frozen=True):
    """A risk object: a value of a field of the finding, and the score that it gains."""

    field: str
    type: str
    value: str
    score: int


class ThreatValue(msgspec.Struct, frozen=True):
    """A threat object: what the threat came by."""

    field: str
    type: str
    value: str


class PriorityReason(msgspec.Struct, frozen=True):
    """One summand of the priority, in words."""

    reason: str
    points: int


class NoiseHit(msgspec.Struct, frozen=True):
    """A noise class that the finding belongs to, and what the policy does with it."""

    noise_class: str
    action: NoiseAction


class Suppression(msgspec.Struct, frozen=True):
    """The exception that marks a finding."""

    name: str
    file: str
    owner: str
    reason: str
    expires: str


class IncidentReason(msgspec.Struct, frozen=True):
    """Why there is an incident: an episode of a search over risk, by its first and latest window with a row, in epoch
    seconds."""

    detection: str
    detection_id: str
    first_time: float
    last_time: float
    title: str


class RequestInfo(msgspec.Struct, frozen=True):
    """A request behind a finding. `source` is file and line of its first stage."""

    audit_id: str
    verb: str
    uri: str
    stages: tuple[str, ...]
    code: int | None
    user: str
    received: str
    source: str


def made_by(finding: Finding) -> tuple[str, ...]:
    """The keys of the detections that a finding is due to: of an incident, those of its reasons."""
    return tuple(dict.fromkeys(one.detection_id for one in finding.reasons)) or (finding.detection.key,)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. `rows` and `requests` are bounded, `row_count` and `request_count` are not.

    `first_time` and `last_time` are epoch seconds. `evaluable` is false where the carrier lost something that the
    detection needs. `findings` are the ids of those that an incident is made of, `reasons` the searches over risk that
    made it.
    """

    finding_id: str
    detection: Detection
    kind: FindingKind
    first_time: float
    last_time: float
    title: str
    severity: Severity
    risk_score: int
    cluster: str
    revision: int = 1
    replaces: tuple[str, ...] = ()
    actor: Actor = Actor()
    target: Target = Target()
    outcome: Outcome = "unknown"
    risk_objects: tuple[ScoredEntity, ...] = ()
    threat_objects: tuple[ThreatValue, ...] = ()
    noise: tuple[NoiseHit, ...] = ()
    suppressed_by: Suppression | None = None
    throttled: bool = False
    priority: int = 0
    priority_reasons: tuple[PriorityReason, ...] = ()
    visible: bool = True
    evaluable: bool = True
    request_count: int = 0
    requests: tuple[RequestInfo, ...] = ()
    findings: tuple[str, ...] = ()
    reasons: tuple[IncidentReason, ...] = ()
    row_count: int = 0
    rows: tuple[dict[str, Any], ...] = ()
    retired: bool = False
    """Whether its detection has left the content of the state that it was read from. It is not kept in the record."""


def actor_of(one: Finding) -> str:
    """Who is behind a finding; of an incident, whom it is about."""
    entities = [entity.value for entity in one.risk_objects] if one.kind == "incident" else []
    return one.actor.identity or ", ".join(dict.fromkeys(entities)) or f"({one.actor.kind})"


def identity_of(one: Finding) -> str:
    """Who is charged with a finding: the person behind a controller, if that is certain, else the actor."""
    actor = one.actor
    certain = actor.certainty == "certain" and one.kind != "incident"
    return actor.chain[-1].user if certain else actor_of(one)
