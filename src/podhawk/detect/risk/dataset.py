"""Risk events as the rows of the data model Risk, so that searches can read them.

Source: the fields of Splunk's Risk data model as Enterprise Security fills it,
https://help.splunk.com/en/splunk-enterprise-security-8/risk-based-alerting
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from podhawk.content.annotations import technique
from podhawk.detect.finding import Finding
from podhawk.detect.risk_event import RiskEvent
from podhawk.rows import OrderKey, Row, Value

REQUEST: Final = "request"
"""The member of a kept risk event that tells its request; searches do not see it."""


class RiskDataset:
    """The data model Risk over rows at hand, the newest first."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def rows(self, model: str, dataset: str) -> Iterable[Row]:
        """The rows of a dataset: of Risk, as nothing else is known here."""
        return self._rows if model == "Risk" else ()


def row_of(event: RiskEvent, number: int = 0) -> Row:
    """A risk event under the field names of the data model."""
    detection = event.detection
    lists: tuple[tuple[str, Sequence[str]], ...] = (
        ("risk_notes", event.notes),
        ("threat_object", [one.value for one in event.threat_objects]),
        ("threat_object_type", [one.type for one in event.threat_objects]),
    )
    found: dict[str, Value] = {
        "_time": int(event.time) if event.time == int(event.time) else event.time,
        "index": "risk",
        "source": detection.name,
        "sourcetype": "stash",
        "search_name": detection.name,
        "detection_id": detection.id,
        "risk_object": event.object,
        "normalized_risk_object": event.object,
        "risk_object_type": event.object_type,
        "risk_object_field": event.object_field,
        "risk_message": event.message,
        "risk_score": event.score,
        "calculated_risk_score": event.applied,
        "capped_risk_score": event.capped,
        "finding_id": event.finding_id,
        "cluster": event.cluster,
        "security_domain": detection.security_domain,
    }
    if len(event.threat_objects) == 1 and event.threat_objects[0].type == "ip_address":
        found["src"] = event.threat_objects[0].value
    found.update(_said(lists))
    found.update(
        _annotations(
            detection.analytic_story,
            detection.mitre_attack_id,
            detection.kill_chain_phases,
            detection.nist,
            detection.cis20,
            detection.cve,
        )
    )
    return Row({name: value for name, value in found.items() if value != ""}, OrderKey(-event.time, 0.0, (number,)))


@lru_cache(maxsize=4096)
def _annotations(
    stories: tuple[str, ...],
    techniques: tuple[str, ...],
    phases: tuple[str, ...],
    nist: tuple[str, ...],
    cis20: tuple[str, ...],
    cve: tuple[str, ...],
) -> dict[str, Value]:
    """What a detection says of each of its risk events."""
    known = [technique(name) for name in techniques]
    tactics = list(dict.fromkeys(tactic for one in known for tactic in one.tactics))
    return _said(
        (
            ("analyticstories", stories),
            ("annotations.analytic_story", stories),
            ("annotations.mitre_attack", techniques),
            ("annotations.mitre_attack.mitre_technique_id", techniques),
            ("annotations.mitre_attack.mitre_technique", [one.name for one in known]),
            ("annotations.mitre_attack.mitre_tactic", [tactic.name for tactic in tactics]),
            ("annotations.mitre_attack.mitre_tactic_id", [tactic.id for tactic in tactics]),
            ("annotations.kill_chain_phases", phases),
            ("annotations.nist", nist),
            ("annotations.cis20", cis20),
            ("annotations.cve", cve),
            ("annotations._all", list(dict.fromkeys((*stories, *techniques, *phases, *nist, *cis20, *cve)))),
        )
    )


def _said(lists: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Value]:
    """The lists that are not empty, of one value as that value."""
    return {name: values[0] if len(values) == 1 else tuple(values) for name, values in lists if values}


def event_of(row: Mapping[str, Any], finding: Finding) -> RiskEvent:
    """The risk event of a finding that a row, as plain data, was made of. The rows of older versions do not tell which
    request they were about."""
    notes = row.get("risk_notes", [])
    return RiskEvent(
        time=float(row["_time"]),
        finding_id=row["finding_id"],
        detection=finding.detection,
        message=finding.title,
        object=row["risk_object"],
        object_type=row["risk_object_type"],
        object_field=row.get("risk_object_field", ""),
        score=int(row["risk_score"]),
        applied=float(row["calculated_risk_score"]),
        capped=float(row["capped_risk_score"]),
        threat_objects=finding.threat_objects,
        notes=tuple(notes if isinstance(notes, list) else [notes]),
        cluster=finding.cluster,
        request=row.get(REQUEST) or row["finding_id"],
    )
