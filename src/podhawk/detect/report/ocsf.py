"""A finding as an OCSF Detection Finding (class 2004).

Source: https://schema.ocsf.io/1.4.0/classes/detection_finding
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from podhawk.detect.report.finding_json import epoch_seconds
from podhawk.settings.version import __version__

VERSION: Final = "1.4.0"
CLASS: Final = 2004
Activity = Literal["create", "update", "close"]
_ACTIVITIES: Final = {"create": (1, "Create"), "update": (2, "Update"), "close": (3, "Close")}
_SEVERITIES: Final = {
    "informational": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_STATUSES: Final = {"new": (1, "New"), "in_progress": (2, "In Progress"), "suppressed": (3, "Suppressed")}
_RESOLVED: Final = (4, "Resolved")
_OUTCOMES: Final = {"success": (1, "Success"), "denied": (2, "Failure"), "failed": (2, "Failure")}


def to_ocsf(record: Mapping[str, Any], activity: Activity, now: float, *, uid: str = "") -> dict[str, Any]:
    """The record of a finding (see `finding_json`) as a Detection Finding. `now` is when this became so; `uid` is the
    id to use in place of that of the record. Times are in milliseconds."""
    number, name = _ACTIVITIES[activity]
    severity, severity_name = _SEVERITIES.get(record["severity"], (99, "Other"))
    status = _RESOLVED if activity == "close" else _STATUSES.get(record.get("status", "new"), _RESOLVED)
    first, last = (_milliseconds(epoch_seconds(record[key])) for key in ("first_time", "last_time"))
    detection = record["detection"]
    found: dict[str, Any] = {
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "category_uid": 2,
        "category_name": "Findings",
        "activity_id": number,
        "activity_name": name,
        "type_uid": CLASS * 100 + number,
        "type_name": f"Detection Finding: {name}",
        "time": _milliseconds(now),
        "start_time": first,
        "end_time": last,
        "count": max(1, int(record.get("request_count") or 1)),
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status[0],
        "status": status[1],
        "is_alert": bool(record["visible"]),
        "risk_score": int(record["risk_score"]),
        "message": record["title"],
        "metadata": {
            "version": VERSION,
            "product": {"name": "podhawk", "vendor_name": "podhawk", "version": __version__},
            "profiles": ["security_control"],
            "uid": f"{uid or record['finding_id']}:{record['revision']}",
        },
        "finding_info": {
            "uid": uid or record["finding_id"],
            "title": record["title"],
            "types": [record["kind"]],
            "first_seen_time": first,
            "last_seen_time": last,
            "created_time": first,
            "modified_time": _milliseconds(now),
            "analytic": {
                "name": detection["name"],
                "uid": detection["id"] or detection["name"],
                "version": str(detection["version"]),
                "type": "Rule",
                "type_id": 1,
            },
            "attacks": _attacks(record["attack"]),
        },
        "evidences": [_evidence(record)],
        "resources": [_resource(record)],
        "unmapped": {
            "priority": record["priority"],
            "cluster": record["cluster"],
            "replaces": list(record["replaces"]),
            "revision": record["revision"],
        },
    }
    return found


def _attacks(techniques: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "version": "16.1",
            "technique": {"uid": one["id"], "name": one["name"]},
            "tactics": [{"uid": tactic["id"], "name": tactic["name"]} for tactic in one["tactics"]],
        }
        for one in techniques
    ]


def _evidence(record: Mapping[str, Any]) -> dict[str, Any]:
    actor, requests = record["actor"], record.get("requests") or []
    outcome, outcome_name = _OUTCOMES.get(record["outcome"], (0, "Unknown"))
    found: dict[str, Any] = {
        "actor": {"user": {"name": actor["user"], "groups": [{"name": one} for one in actor.get("groups", [])]}},
        "data": {"outcome": record["outcome"], "outcome_id": outcome, "outcome_name": outcome_name},
    }
    if requests:
        first = requests[0]
        found["api"] = {
            "operation": first["verb"],
            "request": {"uid": first["audit_id"]},
            "response": {"code": first["code"] or 0},
        }
    if actor["source_ip"]:
        found["src_endpoint"] = {"ip": actor["source_ip"]}
    return found


def _resource(record: Mapping[str, Any]) -> dict[str, Any]:
    target = record["target"]
    name = "/".join(part for part in (target["namespace"], target["name"]) if part)
    kind = "/".join(part for part in (target["resource"], target["subresource"]) if part)
    return {"name": name or kind or "-", "type": kind or "-", "namespace": target["namespace"]}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
