"""A finding read back from its record: what a memory knows of findings that a run does not work out anew.

The record is the contract of `podhawk run -o jsonl`, so it holds all that is shown; of the detection it knows only its
name and what it says of attacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from podhawk.content.model import Detection
from podhawk.detect.finding import (
    Actor,
    ChainLink,
    Finding,
    NoiseHit,
    PriorityReason,
    RequestInfo,
    ScoredEntity,
    Suppression,
    Target,
    ThreatValue,
)

Plain = Mapping[str, Any]


def key_of_detection(detection: Detection) -> str:
    """What tells a detection from all others, whatever its version: its id, or its name where it has none."""
    return detection.id or detection.name


def key_of_record(record: Plain) -> str:
    """The same, of the detection that a record names."""
    return str(record["detection"]["id"] or record["detection"]["name"])


def epoch(time: str) -> float:
    """A record's time in epoch seconds; 0 for one that no calendar has."""
    return datetime.fromisoformat(time).timestamp() if time else 0.0


def finding_of(record: Plain) -> Finding:
    """The finding that `record` was made of."""
    suppressed = record["suppressed_by"]
    return Finding(
        finding_id=record["finding_id"],
        revision=record["revision"],
        replaces=tuple(record["replaces"]),
        kind=record["kind"],
        detection=_detection(record),
        first_time=epoch(record["first_time"]),
        last_time=epoch(record["last_time"]),
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
        row_count=record["row_count"],
        rows=tuple(record["rows"]),
    )


def _detection(record: Plain) -> Detection:
    named, said = record["detection"], record["annotations"]
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
        analytic_story=tuple(said["analytic_story"]),
        kill_chain_phases=tuple(said["kill_chain_phases"]),
        nist=tuple(said["nist"]),
        cis20=tuple(said["cis20"]),
        cve=tuple(said["cve"]),
    )


def _actor(actor: Plain) -> Actor:
    plain = _tuples(actor)
    plain["chain"] = tuple(ChainLink(**one) for one in plain["chain"])
    return Actor(**plain)


def _tuples(members: Plain) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}
