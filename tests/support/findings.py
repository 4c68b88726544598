"""Audit events and detections for tests of findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from podhawk import api
from podhawk.api import FindingsResult
from podhawk.content.model import Content, Detection, Macro, RiskObject, ThreatObject
from podhawk.detect.finding import Finding
from podhawk.detect.findings import Policies

NOW = "2026-11-25T12:00:00Z"


def event(audit_id: str = "a", *, at: str = "10:00:00.000001", after: float = 0.01, **members: Any) -> dict[str, Any]:
    """A finished request to create a pod, with other members where given; `after` seconds lie between the two times."""
    found: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": audit_id,
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/default/pods",
        "verb": "create",
        "user": {"username": "alice", "groups": ["dev", "system:authenticated"]},
        "sourceIPs": ["10.0.0.7"],
        "userAgent": "kubectl/v1.32",
        "objectRef": {"resource": "pods", "namespace": "default", "name": "web", "apiVersion": "v1"},
        "responseStatus": {"code": 201},
        "requestReceivedTimestamp": f"2026-11-25T{at}Z",
        "stageTimestamp": _later(at, after),
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }
    found.update(members)
    return {name: value for name, value in found.items() if value is not None}


def received(audit_id: str = "a", **members: Any) -> dict[str, Any]:
    """The same at its first stage, when nothing is known of the answer or of the name."""
    return event(
        audit_id,
        **{
            "stage": "RequestReceived",
            "responseStatus": None,
            "annotations": None,
            "after": 0.0,
            "objectRef": {"resource": "pods", "namespace": "default", "apiVersion": "v1"},
            **members,
        },
    )


def _later(at: str, seconds: float) -> str:
    hours, minutes, rest = at.split(":")
    total = round((int(hours) * 3600 + int(minutes) * 60 + float(rest) + seconds) * 1e6)
    whole, micro = divmod(total, 1_000_000)
    return f"2026-11-25T{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{micro:06}Z"


def write(path: Path, *events: dict[str, Any]) -> Path:
    """A log of these events."""
    path.write_text(
        "".join(json.dumps(one, separators=(",", ":"), ensure_ascii=False) + "\n" for one in events), encoding="utf-8"
    )
    return path


def detection(search: str, **members: Any) -> Detection:
    """A detection that scores the user."""
    made: dict[str, Any] = {
        "name": "Test Detection",
        "id": "11111111-1111-1111-1111-111111111111",
        "type": "Anomaly",
        "message": "$user.username$ did it",
        "risk_score": 49,
        "severity": "medium",
        "risk_objects": (RiskObject("user.username", "user", 49),),
        "threat_objects": (ThreatObject("sourceIPs{}", "ip_address"),),
    }
    return Detection(search=search, **{**made, **members})


def run(
    path: Path | list[Path],
    *detections: Detection,
    policies: Policies | None = None,
    macros: dict[str, str] | None = None,
    **options: Any,
) -> FindingsResult:
    """The findings of detections over a log."""
    paths = path if isinstance(path, list) else [path]
    known = {(name, 0): Macro(name, (), text) for name, text in (macros or {}).items()}
    defaults = {} if "session" in options else {"now": NOW, "jobs": 1}
    return api.run(Content(detections=detections, macros=known), *paths, policies=policies, **{**defaults, **options})


def only_finding(
    tmp_path: Path,
    *events: dict[str, Any],
    search: str = "verb=create objectRef.resource=pods",
    policies: Policies | None = None,
    macros: dict[str, str] | None = None,
    **members: Any,
) -> Finding:
    """The only finding of a detection over these events, incidents left out."""
    log = write(tmp_path / "a.log", *events)
    result = run(log, detection(search, **members), policies=policies, macros=macros)
    (found,) = (finding for finding in result if finding.kind != "incident")
    return found
