"""Findings to plain data and back.

A *record* is a finding as scripts read it: field for field the contract of `podhawk run -o jsonl`. The state keeps
records too, so that a finding can be read back without its events. A record holds all that is shown of a finding; of
the detection it holds only the name and the annotations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import to_builtins

from podhawk.content.annotations import technique
from podhawk.content.model import Detection
from podhawk.detect.finding import (
    Actor,
    ChainLink,
    Finding,
    IncidentReason,
    NoiseHit,
    PriorityReason,
    RequestInfo,
    ScoredEntity,
    Suppression,
    Target,
    ThreatValue,
)

SCHEMA: Final = 1
Plain = Mapping[str, Any]


def to_record(finding: Finding) -> dict[str, Any]:
    """The finding as plain data, in the order of the contract."""
    found: dict[str, Any] = _lists(to_builtins(encodable(finding), enc_hook=plain_text))
    return found


_encode: Final = msgspec.json.Encoder(enc_hook=lambda value: plain_text(value)).encode


def record_text(finding: Finding) -> str:
    """The finding as JSON: the same data as `to_record`."""
    try:
        return _encode(encodable(finding)).decode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can spell
        return json.dumps(to_record(finding))


def _lists(value: Any) -> Any:
    """The value as JSON gives it back: lists instead of tuples."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def plain_text(value: Any) -> str:
    """A string of a subclass of `str` (a number, a filled value) as plain text. Raises TypeError for other values."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def encodable(finding: Finding) -> dict[str, Any]:
    """The record for an encoder of msgspec, which takes structs as they are."""
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
        "actor": _actor_record(finding.actor),
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
        **({"reasons": [_reason_record(one) for one in finding.reasons]} if finding.reasons else {}),
        "row_count": finding.row_count,
        "rows": finding.rows,
        "cluster": finding.cluster,
        "status": "new",
        "disposition": None,
        "assignee": None,
    }


def _reason_record(reason: IncidentReason) -> dict[str, Any]:
    return {
        "detection": {"name": reason.detection, "id": reason.detection_id},
        "first_time": rfc3339(reason.first_time),
        "last_time": rfc3339(reason.last_time),
        "title": reason.title,
    }


def _reason(record: Plain) -> IncidentReason:
    return IncidentReason(
        record["detection"]["name"],
        record["detection"]["id"],
        epoch_seconds(record["first_time"]),
        epoch_seconds(record["last_time"]),
        record["title"],
    )


def _actor_record(actor: Actor) -> Any:
    if not actor.chain and not actor.possible and not actor.trigger:
        return actor
    found = to_builtins(actor, enc_hook=plain_text)
    for link in (*found["chain"], *found.get("possible", ()), *([found["trigger"]] if "trigger" in found else ())):
        del link["groups"], link["address"]
    if actor.certainty is not None:
        found["certainty"] = actor.certainty
    if actor.inferred:
        found["inferred"] = actor.inferred
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
    """Epoch seconds as a UTC time with microseconds; "" for a time outside the calendar."""
    try:
        return datetime.fromtimestamp(round(time * 1e6) / 1e6, UTC).isoformat(timespec="microseconds")[:-6] + "Z"
    except (ValueError, OverflowError, OSError):
        return ""


def epoch_seconds(time: str) -> float:
    """A record's time in epoch seconds; 0 for an empty text."""
    return datetime.fromisoformat(time).timestamp() if time else 0.0


def detection_key(record: Plain) -> str:
    """The key of the detection that a record names (see `Detection.key`)."""
    return str(record["detection"]["id"] or record["detection"]["name"])


def from_record(record: Plain) -> Finding:
    """The finding that a record was made from."""
    suppressed = record["suppressed_by"]
    return Finding(
        finding_id=record["finding_id"],
        revision=record["revision"],
        replaces=tuple(record["replaces"]),
        kind=record["kind"],
        detection=_detection(record),
        first_time=epoch_seconds(record["first_time"]),
        last_time=epoch_seconds(record["last_time"]),
        title=record["title"],
        severity=record["severity"],
        risk_score=record["risk_score"],
        priority=record["priority"],
        cluster=record["cluster"],
        priority_reasons=tuple(PriorityReason(**one) for one in record["priority_reasons"]),
        actor=_actor(record["actor"]),
        target=Target(**_tuples(record["target"])),
        outcome=record["outcome"],
        risk_objects=tuple(ScoredEntity(**one) for one in record["risk_objects"]),
        threat_objects=tuple(ThreatValue(**one) for one in record["threat_objects"]),
        noise=tuple(NoiseHit(one["class"], one["action"]) for one in record["noise"]),
        suppressed_by=Suppression(**suppressed) if suppressed is not None else None,
        throttled=record["throttled"],
        visible=record["visible"],
        evaluable=record["evaluable"],
        request_count=record["request_count"],
        requests=tuple(RequestInfo(**_tuples(one)) for one in record["requests"]),
        findings=tuple(record["findings"]),
        reasons=tuple(map(_reason, record.get("reasons", ()))),
        row_count=record["row_count"],
        rows=tuple(record["rows"]),
    )


def _detection(record: Plain) -> Detection:
    named, annotations = record["detection"], record["annotations"]
    return Detection(
        name=named["name"],
        id=named["id"],
        version=named["version"],
        type=named["type"],
        file=named["file"],
        search="",
        severity=record["severity"],
        risk_score=record["risk_score"],
        mitre_attack_id=tuple(one["id"] for one in record["attack"]),
        analytic_story=tuple(annotations["analytic_story"]),
        kill_chain_phases=tuple(annotations["kill_chain_phases"]),
        nist=tuple(annotations["nist"]),
        cis20=tuple(annotations["cis20"]),
        cve=tuple(annotations["cve"]),
    )


def _actor(actor: Plain) -> Actor:
    plain = _tuples(actor)
    for name in ("chain", "possible"):
        if name in plain:
            plain[name] = tuple(ChainLink(**one) for one in plain[name])
    for name in ("certainty", "inferred"):  # they follow from the chain
        plain.pop(name, None)
    if "trigger" in plain:
        plain["trigger"] = ChainLink(**plain["trigger"])
    return Actor(**plain)


def _tuples(members: Plain) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}
