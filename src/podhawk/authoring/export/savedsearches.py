"""Detections as saved searches, with what Enterprise Security reads: annotations, risk, findings.

Source: https://help.splunk.com/en/splunk-enterprise/administer/admin-manual/9.4/configuration-file-reference/
savedsearches.conf and https://dev.splunk.com/enterprise/docs/devtools/enterprisesecurity
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from podhawk.authoring.export.conf import Stanza
from podhawk.authoring.export.settings import AppSettings
from podhawk.content.model import Content, Deployment, Detection
from podhawk.detect.evaluate.evaluation import kind_of
from podhawk.detect.evaluate.windows import HOURLY

_EXPORTED: Final = frozenset({"notable", "rba", "risk", "email"})
"""Alert actions that follow from a detection itself, and those that are written from its deployment."""


def stanza(one: Detection, content: Content, app: AppSettings) -> Stanza:
    """A detection's saved search, turned off, as installed content is."""
    deployment = content.deployment_for(one) or HOURLY
    settings: dict[str, object] = {
        "action.correlationsearch.enabled": True,
        "action.correlationsearch.label": app.label(one.name),
        "action.correlationsearch.annotations": json.dumps(annotated(one)),
        "action.escu": False,
        "action.risk": bool(one.risk_objects),
        "cron_schedule": deployment.cron_schedule or HOURLY.cron_schedule,
        "dispatch.earliest_time": deployment.earliest_time or HOURLY.earliest_time,
        "dispatch.latest_time": deployment.latest_time or HOURLY.latest_time,
        "description": one.description,
        "disabled": True,
        "enableSched": True,
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": 0,
        "alert.track": False,
        "alert.suppress": one.throttling is not None,
        "realtime_schedule": False,
        "is_visible": False,
        "schedule_window": deployment.schedule_window or "auto",
        "search": one.search,
    }
    settings.update(_risk(one))
    settings.update(_finding(one))
    settings.update(_email(deployment))
    if one.throttling is not None:
        settings["alert.suppress.fields"] = ",".join(one.throttling.fields)
        settings["alert.suppress.period"] = one.throttling.period
        if one.throttling.fields:
            # Splunk throttles by fields only where it alerts once for each result.
            settings["alert.digest_mode"] = False
    return app.label(one.name), settings


def _email(deployment: Deployment) -> Mapping[str, object]:
    """The e-mail action of a deployment."""
    action = deployment.alert_action.get("email")
    if not isinstance(action, dict) or not action.get("to"):
        return {}
    return {
        "action.email": True,
        "action.email.to": str(action["to"]),
        "action.email.subject.alert": str(action.get("subject") or ""),
        "action.email.message.alert": str(action.get("message") or ""),
    }


def left_out(content: Content, detections: Sequence[Detection]) -> list[str]:
    """The alert actions of deployments that the app does not get, in words."""
    used = {one.name: one for one in map(content.deployment_for, detections) if one is not None and one.file}
    return [
        f"deployment {name} ({one.file}): the alert action {action} is not exported; set it up in Splunk"
        for name, one in sorted(used.items())
        for action, settings in one.alert_action.items()
        if action not in _EXPORTED and settings
    ]


def annotated(one: Detection) -> dict[str, object]:
    """What the detection is about, under the names that Enterprise Security knows."""
    found: dict[str, object] = {
        "analytic_story": list(one.analytic_story),
        "mitre_attack": list(one.mitre_attack_id),
        "kill_chain_phases": list(one.kill_chain_phases),
        "nist": list(one.nist),
        "cis20": list(one.cis20),
        "cve": list(one.cve),
        "impact": one.impact,
        "confidence": one.confidence,
        "type": [one.type],
        "data_source": list(one.data_source),
    }
    return {name: value for name, value in found.items() if value not in (None, [], "")}


def _risk(one: Detection) -> Mapping[str, object]:
    if not one.risk_objects:
        return {}
    entries: list[dict[str, object]] = [
        {"risk_object_field": risk.field, "risk_object_type": risk.type, "risk_score": risk.score}
        for risk in one.risk_objects
    ]
    entries += [
        {"threat_object_field": threat.field, "threat_object_type": threat.type} for threat in one.threat_objects
    ]
    return {
        "action.risk.param._risk_message": one.message or one.title,
        "action.risk.param._risk": json.dumps(entries),
        "action.risk.param._risk_score": 0,
        "action.risk.param.verbose": 0,
    }


def _finding(one: Detection) -> Mapping[str, object]:
    if kind_of(one) not in ("finding", "incident"):
        return {}
    return {
        "action.notable": True,
        "action.notable.param.rule_title": one.title or one.name,
        "action.notable.param.rule_description": one.description,
        "action.notable.param.security_domain": one.security_domain or "threat",
        "action.notable.param.severity": one.severity,
        "action.notable.param.drilldown_searches": json.dumps(
            [
                {
                    "name": each.name,
                    "search": each.search,
                    "earliest_offset": each.earliest_offset,
                    "latest_offset": each.latest_offset,
                }
                for each in one.drilldowns
            ]
        )
        if one.drilldowns
        else "",
    }
