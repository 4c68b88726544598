"""Risk events: a detection's score for one risk object in one request.

Source: risk-based alerting in Splunk Enterprise Security, https://help.splunk.com/en/splunk-enterprise-security-8/
risk-based-alerting
"""

from __future__ import annotations

import msgspec

from podhawk.content.model import Detection
from podhawk.detect.finding import ThreatValue


class RiskEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What one finding adds to one risk object.

    `score` is the content's, `applied` what the sum gains after factors and the daily cap, which took `capped` points;
    `notes` say why the two differ. `time` is that of the event, in epoch seconds; `request` tells requests apart.
    """

    time: float
    finding_id: str
    detection: Detection
    message: str
    object: str
    object_type: str
    object_field: str
    score: int
    applied: float
    capped: float = 0.0
    threat_objects: tuple[ThreatValue, ...] = ()
    notes: tuple[str, ...] = ()
    cluster: str = ""
    request: str = ""
