"""Risk factors: conditions under which a score is multiplied or gains points.

A condition is a search clause over fields of the risk event and of its finding (`FIELDS`). `own_namespace` says that a
workload acted in its own namespace and was not used by hand, `borrowed` that the credential of a component was used
elsewhere. `actor_groups` are the owner's where the owner is charged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field

from podhawk.detect.finding import Finding, ScoredEntity
from podhawk.detect.requests.home import at_home
from podhawk.detect.requests.user_agents import by_hand
from podhawk.engine.search.predicate import generate
from podhawk.errors import SearchError, UsageError, nearest
from podhawk.functions.declare import Env
from podhawk.rows import Row, Value
from podhawk.spl.clause import Clause, fields, read_clause

FIELDS: Final = (
    "user",
    "actor_kind",
    "actor_groups",
    "outcome",
    "verb",
    "resource",
    "subresource",
    "namespace",
    "name",
    "src_ip",
    "user_agent",
    "detection",
    "risk_object",
    "risk_object_type",
    "priority",
    "own_namespace",
    "charged",
    "impersonating",
    "user_by_hand",
    "borrowed",
)
"""The fields that conditions can name; `row_of_finding` gives their values."""
CAP: Final = 100
"""What one detection can add to one risk object within a day (UTC), in points."""


class RiskFactor(Struct, frozen=True):
    """A condition, and what it does to a score: first multiplied, then added to."""

    name: str
    when: str
    multiply: float = 1.0
    add: float = 0.0

    def clause(self) -> Clause:
        """The condition. Raises SearchError."""
        return read_clause(self.when, f"[risk.factors] {self.name}")


DEFAULTS: Final[tuple[RiskFactor, ...]] = (
    RiskFactor("failed", "outcome=failed", multiply=0),
    RiskFactor("dry-run", "outcome=dry_run", multiply=0),
    RiskFactor(
        "machinery", "actor_kind IN (controller, node) user_by_hand=false borrowed=false NOT charged=owner", multiply=0
    ),
    RiskFactor("workload-at-home", "own_namespace=true", multiply=0),
    RiskFactor("routine", "actor_kind=serviceaccount borrowed=false priority<35", multiply=0),
    RiskFactor("administrator", 'actor_groups="system:masters" impersonating=false', multiply=0.25),
)
"""The factors that hold unless `[risk.factors]` changes them."""


class RiskPolicy(Struct, frozen=True):
    """The cap and the factors."""

    cap: float = CAP
    factors: tuple[RiskFactor, ...] = DEFAULTS
    env: Env = field(default_factory=Env)

    def remarks(self) -> list[str]:
        """The fields in conditions that no finding has, in words: such a condition never holds."""
        return [
            f"[risk.factors.{one.name}] names the field {name!r}, which findings do not have. "
            f"{nearest(name, FIELDS) or 'Fields: ' + ', '.join(FIELDS)}"
            for one in self.factors
            for name in sorted(fields(one.clause()))
            if name not in FIELDS and "*" not in name
        ]


def risk_policy(table: Mapping[str, Any]) -> RiskPolicy:
    """The policy that a `[risk]` table states: `cap`, and `factors`, of which those named as a default one replace it.

    Raises UsageError for unknown keys, and for conditions that cannot be read.
    """
    for name in table:
        if name not in ("cap", "factors"):
            raise UsageError(f"unknown key {name!r} in [risk]", remedy=nearest(name, ("cap", "factors")))
    cap = table.get("cap", CAP)
    if not isinstance(cap, (int, float)) or isinstance(cap, bool) or cap < 0:
        raise UsageError(f"cap in [risk] must be a number of points, not {cap!r}")
    stated = table.get("factors", {})
    if not isinstance(stated, dict):
        raise UsageError(
            "[risk.factors] must map names to tables",
            remedy="Write [risk.factors.NAME] with when=… and multiply=… or add=….",
        )
    found = {one.name: one for one in DEFAULTS}
    for name, one in stated.items():
        found[name] = _factor(name, one)
    return RiskPolicy(float(cap), tuple(found.values()))


def _factor(name: str, table: Any) -> RiskFactor:
    keys = ("when", "multiply", "add")
    if not isinstance(table, dict) or not isinstance(table.get("when"), str):
        raise UsageError(
            f"{name} in [risk.factors] needs a condition", remedy='For example: when = "namespace=kube-system".'
        )
    for key, value in table.items():
        if key not in keys:
            raise UsageError(f"unknown key {key!r} in [risk.factors.{name}]", remedy=nearest(key, keys))
        if key != "when" and (not isinstance(value, (int, float)) or isinstance(value, bool)):
            raise UsageError(f"{key} in [risk.factors.{name}] must be a number, not {value!r}")
    made = RiskFactor(name, table["when"], float(table.get("multiply", 1)), float(table.get("add", 0)))
    try:
        made.clause()
    except SearchError as error:
        raise UsageError(error.message, place=error.place, remedy=error.remedy) from None
    return made


class Factors:
    """Factors ready to be asked."""

    def __init__(self, policy: RiskPolicy) -> None:
        self._tests = [(one, generate(one.clause(), policy.env)) for one in policy.factors]

    def apply(self, score: float, row: Row) -> tuple[float, list[str]]:
        """A score after all factors that hold, and what they did to it."""
        notes: list[str] = []
        for one, test in self._tests:
            if test(row):
                score = max(0.0, score * one.multiply + one.add)
                parts = [f"×{one.multiply:g}"] * (one.multiply != 1) + [f"{one.add:+g}"] * bool(one.add)
                notes.append(f"{one.name} {' '.join(parts)}")
        return score, notes


def row_of_finding(finding: Finding, entity: ScoredEntity, charged: str) -> Row:
    """The fields that conditions can name."""
    actor, target = finding.actor, finding.target
    groups = actor.chain[-1].groups if charged == "owner" and actor.chain else actor.groups
    verb = finding.requests[0].verb if finding.requests else ""
    found: dict[str, Value] = {
        "user": actor.user,
        "actor_kind": actor.kind,
        "outcome": finding.outcome,
        "verb": verb,
        "resource": target.resource,
        "subresource": target.subresource,
        "namespace": target.namespace,
        "name": target.name,
        "src_ip": actor.source_ip,
        "user_agent": actor.user_agent,
        "detection": finding.detection.name,
        "risk_object": entity.value,
        "risk_object_type": entity.type,
        "priority": finding.priority,
        "own_namespace": str(at_home(finding)).lower(),
        "charged": charged,
        "borrowed": str(bool(actor.borrowed)).lower(),
        "impersonating": str(bool(actor.effective_user)).lower(),
        "user_by_hand": str(by_hand(actor.user_agent)).lower(),
    }
    if groups:
        found["actor_groups"] = groups if len(groups) > 1 else groups[0]
    return Row({name: value for name, value in found.items() if value != ""})
