"""By what findings are grouped: who is behind them, where, which detection made them, which incident they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from podhawk.detect.activity.entity import NODE
from podhawk.detect.finding import Finding, actor_of, identity_of

Grouping = Literal["none", "identity", "actor", "detection", "incident", "namespace", "node"]
NO_INCIDENT: Final = "(no incident)"


def _node(one: Finding) -> str:
    if one.actor.user.startswith(NODE):
        return one.actor.user.removeprefix(NODE)
    return one.target.name if one.target.resource == "nodes" and one.target.name else "(no node)"


_GROUPS: Final[dict[str, Callable[[Finding], str]]] = {
    "none": lambda one: "",
    "identity": identity_of,
    "actor": actor_of,
    "detection": lambda one: one.detection.name,
    "namespace": lambda one: one.target.namespace or "(no namespace)",
    "node": _node,
}


def group_of_each(findings: Sequence[Finding], grouping: Grouping) -> Callable[[Finding], str]:
    """What gives the group of each of the findings. One that is a part of several incidents is in the group of the
    most urgent."""
    if grouping != "incident":
        return _GROUPS[grouping]
    incidents = sorted(
        (one for one in findings if one.kind == "incident"), key=lambda one: (one.priority, one.finding_id)
    )
    names = {id_: one.title for one in incidents for id_ in (*one.findings, one.finding_id)}
    names |= {one.finding_id: one.title for one in incidents}
    return lambda one: names.get(one.finding_id, NO_INCIDENT)
