"""A finding as what scripts read: plain data, field for field the contract of `podhawk run -o jsonl`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from msgspec import to_builtins

from podhawk.content.annotations import technique
from podhawk.content.model import Detection
from podhawk.detect.finding import Actor, Finding

SCHEMA: Final = 1


def record(finding: Finding) -> dict[str, Any]:
    """The finding as plain data, in the order of the contract."""
    found: dict[str, Any] = _lists(to_builtins(encodable(finding), enc_hook=plain_text))
    return found


def _lists(value: Any) -> Any:
    """As JSON gives it back: lists where there are tuples."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def plain_text(value: Any) -> str:
    """Text that remembers what it was (a number, a value that was filled in) as plain text."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def encodable(finding: Finding) -> dict[str, Any]:
    """The same for an encoder of msgspec's, which takes structs as they are."""
    detection = finding.detection
    suppressed = finding.suppressed_by
    first = rfc3339(finding.first_time)
    last = first if finding.last_time == finding.first_time else rfc3339(finding.last_time)
    return {
        "schema": SCHEMA,
        "finding_id": finding.finding_id,
        "revision": finding.revision,
        "replaces": finding.replaces,
        "kind": finding.kind,
        "detection": {
            "name": detection.name,
            "id": detection.id,
            "version": detection.version,
            "type": detection.type,
            "file": detection.file,
        },
        "first_time": first,
        "last_time": last,
        "title": finding.title,
        "severity": finding.severity,
        "risk_score": finding.risk_score,
        "priority": finding.priority,
        "priority_reasons": finding.priority_reasons,
        "actor": _actor(finding.actor),
        "target": finding.target,
        "outcome": finding.outcome,
        "risk_objects": finding.risk_objects,
        "threat_objects": finding.threat_objects,
        "attack": _attack(detection.mitre_attack_id),
        "annotations": _annotations(detection),
        "noise": [{"class": hit.noise_class, "action": hit.action} for hit in finding.noise],
        "suppressed_by": None
        if suppressed is None
        else {
            "name": suppressed.name,
            "file": suppressed.file,
            "owner": suppressed.owner,
            "reason": suppressed.reason,
            "expires": suppressed.expires,
        },
        "throttled": finding.throttled,
        "visible": finding.visible,
        "evaluable": finding.evaluable,
        "request_count": finding.request_count,
        "requests": finding.requests,
        "findings": finding.findings,
        "row_count": finding.row_count,
        "rows": finding.rows,
        "cluster": finding.cluster,
        "status": "new",
        "disposition": None,
        "assignee": None,
    }


def _actor(actor: Actor) -> Any:
    if not actor.chain:
        return actor
    found = to_builtins(actor, enc_hook=plain_text)
    for link in found["chain"]:
        del link["groups"]
    return found


@lru_cache(maxsize=1024)
def _attack(ids: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "name": one.name, "tactics": [{"id": tactic.id, "name": tactic.name} for tactic in one.tactics]}
        for one in map(technique, ids)
    ]


def _annotations(detection: Detection) -> dict[str, tuple[str, ...]]:
    return {
        "analytic_story": detection.analytic_story,
        "kill_chain_phases": detection.kill_chain_phases,
        "nist": detection.nist,
        "cis20": detection.cis20,
        "cve": detection.cve,
    }


def rfc3339(time: float) -> str:
    """Epoch seconds as a UTC time with microseconds; "" for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(round(time * 1e6) / 1e6, UTC).isoformat(timespec="microseconds")[:-6] + "Z"
    except (ValueError, OverflowError, OSError):
        return ""
