"""The normalised view of a detection: one shape for every generation, ready for YAML or JSON.

The keys are those of generation 3, whatever the file was. A TTP or Correlation of an older
generation gets the finding that it would have: on its first user entity, else its first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import to_builtins

from podhawk.content.model import Deployment, Detection, RiskObject


def normalised(detection: Detection) -> dict[str, Any]:
    """The detection as plain lists and mappings; members without a value are left out."""
    one = detection
    entity = finding_entity(one)
    intermediate = [risk for risk in one.risk_objects if risk != entity] if one.type != "Hunting" else []
    view: dict[str, Any] = {
        "name": one.name,
        "id": one.id,
        "version": one.version,
        "generation": one.generation,
        "form": one.form,
        "creation_date": one.creation_date,
        "modification_date": one.modification_date or one.date,
        "author": one.author,
        "status": one.status,
        "type": one.type,
        "description": one.description,
        "data_source": [source.split(" AND ") for source in one.data_source],
        "search": one.search,
        "how_to_implement": one.how_to_implement,
        "known_false_positives": one.known_false_positives,
        "references": list(one.references),
        "drilldown_searches": [_plain(to_builtins(drill)) for drill in one.drilldowns],
        "analytic_story": list(one.analytic_story),
        "asset_type": one.asset_type,
        "mitre_attack_id": list(one.mitre_attack_id),
        "kill_chain_phases": list(one.kill_chain_phases),
        "nist": list(one.nist),
        "cis20": list(one.cis20),
        "cve": list(one.cve),
        "product": list(one.product),
        "security_domain": one.security_domain,
        "atomic_guid": list(one.atomic_guid),
        "category": list(one.category),
        "threat_group": list(one.threat_group),
        "baselines": list(one.baselines),
        "required_fields": list(one.required_fields),
        "finding": {"title": one.title or one.message, "entity": _entity(entity)} if entity else None,
        "intermediate_findings": {"entities": [_entity(risk, message=True) for risk in intermediate]}
        if intermediate
        else None,
        "threat_objects": [to_builtins(threat) for threat in one.threat_objects],
        "impact": one.impact,
        "confidence": one.confidence,
        "risk_score": one.risk_score,
        "severity": one.severity,
        "throttling": {"fields": list(one.throttling.fields), "period": one.throttling.period}
        if one.throttling
        else None,
        "schedule": _schedule(one.deployment) or one.schedule,
        "deprecation_info": _plain(to_builtins(one.deprecation)) if one.deprecation else None,
        "tests": [_plain(to_builtins(test)) for test in one.tests],
        "filter_macro": one.filter_macro,
        "file": one.file,
        "search_line": one.search_line,
        "notes": list(one.notes),
    }
    return _plain(view)


def finding_entity(detection: Detection) -> RiskObject | None:
    """Who a finding of this detection is about; None for types that raise none."""
    if detection.finding_entity is not None:
        return detection.finding_entity
    raises = detection.generation < 3 and detection.type in ("TTP", "Correlation")
    if not raises or not detection.risk_objects:
        return None
    users = [risk for risk in detection.risk_objects if risk.type == "user"]
    return (users or detection.risk_objects)[0]


def required_fields_note(stated: Sequence[str], computed: Sequence[str]) -> str | None:
    """How the fields that a file states differ from those its search needs; None where they agree.

    A file that states none makes no claim, so there is nothing to say.
    """
    if not stated:
        return None
    have, need = set(stated), set(computed)
    missing, extra = sorted(need - have), sorted(have - need)
    parts = []
    if missing:
        parts.append(f"the search also reads {', '.join(missing)}, which required_fields omits")
    if extra:
        parts.append(f"required_fields lists {', '.join(extra)}, which the search does not read")
    return "; ".join(parts) or None


def _entity(risk: RiskObject | None, message: bool = False) -> dict[str, Any] | None:
    if risk is None:
        return None
    view: dict[str, Any] = {"field": risk.field, "type": risk.type, "score": risk.score}
    return {**view, "message": risk.message} if message else view


def _schedule(deployment: Deployment | None) -> dict[str, Any] | None:
    if deployment is None:
        return None
    return _plain({**to_builtins(deployment), "alert_action": dict(deployment.alert_action)})


def _plain(view: dict[str, Any]) -> dict[str, Any]:
    """Without empty members, tuples as lists."""
    return {key: _value(value) for key, value in view.items() if value not in (None, "", [], (), {})}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value)
    return [_value(item) for item in value] if isinstance(value, (list, tuple)) else value
