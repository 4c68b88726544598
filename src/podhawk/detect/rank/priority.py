"""Priority: how soon a person should look at a finding, 0 to 100, as a sum that is shown.

The content's score comes first; then factors, each with its reason. 14 of the 15 published audit detections have the
same score, so the factors are what sorts them. All factors are on by default and can be changed in `[priority]` of
podhawk.toml; `bar` there is what an intermediate finding must reach to be visible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from podhawk.detect.finding import BAR, Actor, PriorityReason, Target
from podhawk.detect.match import Match, in_order
from podhawk.detect.requests.components import MASTERS
from podhawk.detect.requests.home import SYSTEM_NAMESPACES, at_home
from podhawk.detect.requests.networks import inside, is_address
from podhawk.detect.requests.owner_writes import KINDS
from podhawk.detect.requests.request import known_of
from podhawk.detect.requests.target import ADDED
from podhawk.detect.requests.user_agents import by_hand
from podhawk.errors import UsageError, nearest

_NUMEROUS: Final = frozenset({"jobs", "replicasets"})


class Factor(Struct, frozen=True):
    """One factor: its points, what it says of a finding, and when it holds. `first` marks the first time an actor
    does this here. `detail` adds to the reason what it was."""

    name: str
    points: int
    reason: str
    holds: Callable[[Match, bool], bool]
    detail: Callable[[Match], str] = lambda match: ""

    def reason_for(self, match: Match) -> str:
        """The reason, as a finding shows it."""
        detail = self.detail(match)
        return f"{self.reason}: {detail}" if detail else self.reason


def _cause(actor: Actor) -> str:
    """Who is behind an actor: the end of a controller's chain."""
    return actor.chain[-1].user if actor.chain and actor.chain_complete else actor.identity


def _for_somebody(match: Match, first: bool) -> bool:
    actor = match.finding.actor
    return actor.kind == "controller" and bool(actor.chain) and actor.chain_complete


def _machinery(match: Match, first: bool) -> bool:
    actor = match.finding.actor
    return (
        actor.kind in ("controller", "node")
        and not _for_somebody(match, first)
        and not actor.possible
        and not actor.borrowed
        and not actor.effective_user
        and not by_hand(actor.user_agent)
    )


def _own_namespace(match: Match, first: bool) -> bool:
    return at_home(match.finding)


def _token_by_hand(match: Match, first: bool) -> bool:
    actor = match.finding.actor
    return actor.kind in ("serviceaccount", "node", "controller") and by_hand(actor.user_agent)


def _powers(match: Match) -> str:
    return ", ".join(match.powers)


def _administrator(match: Match, first: bool) -> bool:
    """The group alone is no reason: whoever stole an administrator's certificate is in it too."""
    actor = match.finding.actor
    owner = actor.chain[-1] if actor.chain and actor.chain_complete else None
    groups, address = (actor.groups, actor.source_ip) if owner is None else (owner.groups, owner.address)
    return MASTERS in groups and inside(address) and not actor.effective_user and not actor.borrowed


def _from_outside(match: Match, first: bool) -> bool:
    actor = match.finding.actor
    return actor.kind == "human" and is_address(actor.source_ip) and not inside(actor.source_ip)


def _tagged(noise_class: str) -> Callable[[Match, bool], bool]:
    """Whether a finding belongs to a noise class."""
    return lambda match, first: any(hit.noise_class == noise_class for hit in match.finding.noise)


def _lowering(match: Match) -> str:
    return ", ".join(hit.noise_class for hit in match.finding.noise if hit.action == "lower")


FACTORS: Final[tuple[Factor, ...]] = (
    Factor("succeeded", 5, "the request succeeded", lambda match, first: match.finding.outcome == "success"),
    Factor("denied", -3, "the request was denied", lambda match, first: match.finding.outcome == "denied"),
    Factor("failed", -3, "the request failed", lambda match, first: match.finding.outcome == "failed"),
    Factor("dry-run", -30, "a dry run changes nothing", lambda match, first: match.finding.outcome == "dry_run"),
    Factor("person", 5, "human user", lambda match, first: match.finding.actor.kind == "human"),
    Factor("anonymous", 30, "anonymous user", lambda match, first: match.finding.actor.kind == "anonymous"),
    Factor(
        "unauthenticated",
        5,
        "unauthenticated (401)",
        lambda match, first: match.finding.actor.kind == "unauthenticated",
    ),
    Factor(
        "impersonating",
        10,
        "impersonation of another user",
        lambda match, first: bool(match.finding.actor.effective_user),
    ),
    Factor("token-by-hand", 15, "service-account token used from an interactive client", _token_by_hand),
    Factor(
        "borrowed",
        30,
        "credential used elsewhere",
        lambda match, first: bool(match.finding.actor.borrowed),
        lambda match: match.finding.actor.borrowed or "",
    ),
    Factor("own-namespace", -15, "workload in its own namespace", _own_namespace),
    Factor("administrator", -20, "cluster administrator (system:masters) inside the network", _administrator),
    Factor("ordinary-work", -15, "ordinary work of a person inside the network", _tagged("ordinary-work")),
    Factor("outside", 10, "person from outside the network", _from_outside),
    Factor("machinery", -25, "control plane or node", _machinery),
    Factor("controller", 5, "controller acting for a known owner", _for_somebody),
    Factor("first-time", 5, "first such request by this actor", lambda match, first: first),
    Factor(
        "outside-baseline",
        5,
        "not in the baseline of this site",
        _tagged("outside-baseline"),
    ),
    Factor(
        "namespace",
        3,
        "system namespace",
        lambda match, first: match.finding.target.namespace in SYSTEM_NAMESPACES,
    ),
    Factor(
        "privileged",
        15,
        "grants power over the node or the cluster",
        lambda match, first: bool(_powers(match)),
        _powers,
    ),
    Factor("lowered", -20, "known noise", lambda match, first: bool(_lowering(match)), _lowering),
)


class PriorityPolicy(Struct, frozen=True):
    """The points of each factor, and the bar."""

    points: Mapping[str, int] = field(default_factory=dict)
    bar: int = BAR

    def of(self, factor: Factor) -> int:
        return self.points.get(factor.name, factor.points)


def priority_policy(table: Mapping[str, Any]) -> PriorityPolicy:
    """The policy that a `[priority]` table states. Raises UsageError for unknown factors and points that are none."""
    names = ["bar", *(one.name for one in FACTORS)]
    for name, points in table.items():
        if name not in names:
            raise UsageError(f"unknown factor {name!r} in [priority]", remedy=nearest(name, names))
        if not isinstance(points, int) or isinstance(points, bool) or not -100 <= points <= 100:
            raise UsageError(f"{name} in [priority] must be a whole number from -100 to 100, not {points!r}")
    return PriorityPolicy({name: points for name, points in table.items() if name != "bar"}, table.get("bar", BAR))


def with_priority(matches: Sequence[Match], policy: PriorityPolicy, first: Sequence[bool]) -> list[Match]:
    """The matches with their priority and its reasons. `first` are those that are first times."""
    weighted = [(one, points) for one in FACTORS if (points := policy.of(one))]
    known: dict[Any, Reasons] = {}
    return [_prioritised(match, first[number], weighted, known) for number, match in enumerate(matches)]


Reasons = tuple[PriorityReason, ...]


def _prioritised(match: Match, first: bool, weighted: Sequence[tuple[Factor, int]], known: dict[Any, Reasons]) -> Match:
    """A match with its priority. `known` are the reasons for requests that look alike: they are the same for all of
    them where all else is that factors go by."""
    finding = match.finding
    alike = known_of(match.request) if match.request is not None else None
    key = (
        None
        if alike is None
        else (
            id(alike),
            first,
            finding.risk_score,
            finding.outcome,
            finding.actor,
            finding.target.namespace,
            finding.noise,
        )
    )
    reasons = known.get(key) if key is not None else None
    if reasons is None:
        reasons = (
            PriorityReason("score of the detection", finding.risk_score),
            *[PriorityReason(one.reason_for(match), points) for one, points in weighted if one.holds(match, first)],
        )
        if key is not None:
            known[key] = reasons
    return match.having(priority=max(0, min(100, sum(one.points for one in reasons))), priority_reasons=reasons)


def first_times(matches: Sequence[Match]) -> list[bool]:
    """Which matches are the first of their detection, actor, verb, namespace and workload, by the time of the
    event."""
    found = [False] * len(matches)
    seen: set[tuple[str, ...]] = set()
    for number in in_order(matches):
        key = first_time_of(matches[number])
        found[number] = key not in seen
        seen.add(key)
    return found


def first_time_of(match: Match) -> tuple[str, ...]:
    """What a match would be the first time of."""
    finding = match.finding
    verb = finding.requests[0].verb if finding.requests else ""
    return (
        finding.cluster,
        finding.detection.key,
        _cause(finding.actor),
        finding.actor.effective_user,
        verb,
        finding.target.namespace,
        finding.target.subresource,
        *_workload(finding.target),
    )


def _workload(target: Target) -> tuple[str, str]:
    """Which workload a match is about. Another workload is another thing: nothing but its name tells it apart where no
    body is logged. Pods and jobs are many, and their names are made up: only the kind and the stem count."""
    if target.resource == "pods":
        return target.resource, ""
    if target.resource not in KINDS:
        return "", ""
    return target.resource, ADDED.sub("", target.name) if target.resource in _NUMEROUS else target.name
