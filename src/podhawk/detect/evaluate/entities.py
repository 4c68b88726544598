"""Risk objects and threat objects of a finding, from what the content says and the rows hold."""

from __future__ import annotations

from podhawk.content.model import Detection
from podhawk.detect.evaluate.message_tokens import MessageFields
from podhawk.detect.finding import ScoredEntity, ThreatValue


def risk_objects(detection: Detection, fields: MessageFields) -> tuple[ScoredEntity, ...]:
    """Each value of each field that scores, once; the higher score where two fields hold the same value."""
    found: dict[tuple[str, str], ScoredEntity] = {}
    for risk in detection.risk_objects:
        for value in fields.find(risk.field).values:
            known = found.get((risk.type, value))
            if known is None or known.score < risk.score:
                found[risk.type, value] = ScoredEntity(risk.field, risk.type, value, risk.score)
    return tuple(found.values())


def threat_objects(detection: Detection, fields: MessageFields) -> tuple[ThreatValue, ...]:
    """Each value of each field that names what the threat came by, once."""
    return tuple(
        dict.fromkeys(
            ThreatValue(threat.field, threat.type, value)
            for threat in detection.threat_objects
            for value in fields.find(threat.field).values
        )
    )
