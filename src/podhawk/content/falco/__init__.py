"""Rules of Falco for the Kubernetes audit log, as detections.

Rules of the source `k8s_audit` are taken, with their macros, lists and exceptions. What cannot be expressed is a fault
of that rule alone, by its name. The priority of a rule gives its score, and the user gains it.

Source: https://falco.org/docs/reference/rules/rule-fields/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from podhawk.content.annotations import cis20, kill_chain_phases, nist, severity
from podhawk.content.detection import read_test
from podhawk.content.falco.condition import read_condition
from podhawk.content.falco.exceptions import with_exceptions
from podhawk.content.falco.objects import SOURCE, Definition, Definitions, FalcoObject, is_falco
from podhawk.content.falco.search import search_of
from podhawk.content.model import ContentProblem, Detection, RiskObject, ThreatObject
from podhawk.errors import ContentError, nearest

__all__ = ["FalcoObject", "convert", "is_falco"]

SCORES: Final = {
    "emergency": 90,
    "alert": 90,
    "critical": 90,
    "error": 70,
    "warning": 50,
    "notice": 40,
    "informational": 20,
    "info": 20,
    "debug": 10,
}
"""What a rule's priority scores."""
_TECHNIQUE: Final = re.compile(r"(?:mitre_)?(T\d{4}(?:\.\d{3})?)", re.IGNORECASE)


def convert(items: Sequence[FalcoObject]) -> Iterator[Detection | ContentProblem]:
    """The detections that the rules become, and a problem for each rule that becomes none or never fires."""
    known = Definitions()
    for item in items:
        try:
            known.add(item)
        except ContentError as error:
            place = error.place or item.top.place()
            yield ContentProblem(place, f"Falco {item.kind} {item.name!r}: {error.message}", error.remedy)
    for rule in known.rules.values():
        yield from _converted(rule, known)


def _converted(rule: Definition, known: Definitions) -> Iterator[Detection | ContentProblem]:
    source = rule.text("source") or "syscall"
    if source != SOURCE:
        yield ContentProblem(
            rule.place(),
            f"Falco rule {rule.name!r} is for the source {source}, and is not loaded",
            f"podhawk loads rules with source: {SOURCE}.",
            "warning",
        )
        return
    if rule.text("enabled").lower() in ("false", "no", "off", "0"):
        yield ContentProblem(
            rule.place("enabled"), f"Falco rule {rule.name!r} is disabled, and is not loaded", "", "warning"
        )
        return
    try:
        detection, fires = _detection(rule, known)
    except ContentError as error:
        yield _refused(rule, error.message, error.remedy)
        return
    except RecursionError:
        yield _refused(rule, "its macros are nested too deeply", "")
        return
    yield detection
    if not fires:
        yield ContentProblem(
            rule.place("condition"),
            f"Falco rule {rule.name!r} never fires: its condition is always false",
            "Override the macro that switches it off, or disable the rule.",
            "warning",
        )


def _refused(rule: Definition, message: str, remedy: str) -> ContentProblem:
    return ContentProblem(
        rule.place("condition"),
        f"Falco rule {rule.name!r} cannot be converted: {message}",
        remedy or "Write the rule as a detection in SPL.",
    )


def _detection(rule: Definition, known: Definitions) -> tuple[Detection, bool]:
    for key in ("condition", "output", "priority"):
        if not rule.text(key):
            raise ContentError(f"it has no {key}")
    priority = rule.text("priority").lower()
    if priority not in SCORES:
        raise ContentError(f"unknown priority {rule.text('priority')!r}", remedy=nearest(priority, SCORES))
    lists = known.items()
    condition = read_condition(rule.text("condition"), known.conditions(), lists)
    condition = with_exceptions(condition, rule.data.get("exceptions"), lists)
    search, message, fires = search_of(condition, rule.text("output"))
    score = SCORES[priority]
    found = (_TECHNIQUE.fullmatch(tag) for tag in rule.texts("tags"))
    techniques = tuple(dict.fromkeys(one[1].upper() for one in found if one))
    type_ = "TTP" if score >= SCORES["error"] else "Anomaly"
    entity = RiskObject("user.username", "user", score, message)
    detection = Detection(
        name=rule.name,
        search=search,
        generation=0,
        form="falco",
        status="production",
        type=type_,
        description=rule.text("desc"),
        data_source=("Kubernetes Audit",),
        mitre_attack_id=techniques,
        kill_chain_phases=kill_chain_phases(techniques),
        nist=nist(type_),
        cis20=cis20("threat"),
        category=rule.texts("tags"),
        security_domain="threat",
        asset_type="Kubernetes",
        message=message,
        risk_objects=(entity,),
        threat_objects=(ThreatObject("sourceIPs{}", "ip_address"),),
        risk_score=score,
        severity=severity(score),
        tests=tuple(map(read_test, rule.top.inners("tests"))),
        file=rule.top.document.file,
        search_line=rule.place("condition").line,
    )
    return detection, fires
