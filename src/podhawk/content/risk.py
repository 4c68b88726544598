"""Risk in every generation's spelling, brought to one: entities that score, and how they are named.

Generation 1 lists *observables* with a role and one score for all; the transition form and
generation 2 list risk objects each with a score; generation 3 has a finding with one entity and
intermediate findings with a message each.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct, field

from podhawk.content.model import RiskObject, ThreatObject
from podhawk.content.reading import MappingReader

_USERS: Final = frozenset({"user", "username", "user_name", "email_address", "account"})
_SYSTEMS: Final = frozenset({"system", "device", "endpoint", "hostname", "host", "ip_address", "container"})
_VICTIMS: Final = frozenset({"victim", "target"})
_ATTACKERS: Final = frozenset({"attacker", "parent process", "child process"})
_THREAT_NAMES: Final = {
    "process": "process_name",
    "process_name": "process_name",
    "file": "file_name",
    "file_name": "file_name",
    "url_string": "url",
    "ip": "ip_address",
    "host": "hostname",
}


class Risk(Struct):
    """What a detection's risk part says, normalised."""

    risk_objects: list[RiskObject] = field(default_factory=list)
    threat_objects: list[ThreatObject] = field(default_factory=list)
    message: str = ""
    title: str = ""
    finding_entity: RiskObject | None = None
    impact: int | None = None
    confidence: int | None = None
    stated_score: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def score(self) -> int | None:
        """The highest score of any entity; None where nothing scores."""
        return max((risk.score for risk in self.risk_objects), default=None)


def entity_type(text: str) -> str:
    """A type in any spelling (`IP Address`, `ip_address`, `User`) as one lower-case name."""
    return re.sub(r"[\s\-/]+", "_", text.strip().lower())


def risk_type(text: str) -> str:
    """The kind of risk object: `user`, `system` or `other`."""
    name = entity_type(text)
    return "user" if name in _USERS else "system" if name in _SYSTEMS else "other"


def threat_type(text: str) -> str:
    """The kind of threat object, with the older spellings brought to the newer ones."""
    name = entity_type(text)
    return _THREAT_NAMES.get(name, name)


def from_tags(tags: MappingReader) -> Risk:
    """Generation 1: observables with roles, one score of impact times confidence."""
    risk = Risk(message=tags.text("message"))
    _weights(tags, risk)
    score = _common_score(risk)
    for item in tags.inners("observable"):
        name, kind = item.text("name"), item.text("type")
        if not name:
            risk.notes.append("an observable has no name")
            continue
        roles = {role.strip().lower() for role in item.texts("role")}
        if roles & _VICTIMS:
            risk.risk_objects.append(RiskObject(name, risk_type(kind), score, risk.message))
        if roles & _ATTACKERS:
            risk.threat_objects.append(ThreatObject(name, threat_type(kind)))
        if not roles & (_VICTIMS | _ATTACKERS):
            shown = ", ".join(sorted(roles)) or "none"
            risk.notes.append(f"observable {name!r} is neither victim nor attacker (role {shown}) and is not scored")
    return risk


def from_rba(rba: MappingReader, tags: MappingReader) -> Risk:
    """Generation 2 and the transition form: a message, risk objects with scores, threat objects."""
    risk = Risk(message=rba.text("message") or tags.text("message"))
    _weights(tags, risk)
    for item in rba.inners("risk_objects"):
        score = item.integer("score")
        if score is None:
            score = item.integer("risk_score")
        if score is None:
            score = _common_score(risk)
            risk.notes.append(f"risk object {item.text('field', 'name')!r} has no score; {score} is used")
        _add_entity(risk, item, score, risk.message)
    _threat_objects(rba, risk)
    return risk


def from_findings(top: MappingReader) -> Risk:
    """Generation 3: a finding with one entity, intermediate findings with a message each."""
    risk = Risk()
    finding = top.inner("finding")
    risk.title = finding.text("title")
    entity = finding.inner("entity")
    if entity.data:
        _add_entity(risk, entity, entity.integer("score") or 0, risk.title)
        risk.finding_entity = risk.risk_objects[0] if risk.risk_objects else None
    intermediate = top.raw("intermediate_findings")
    entities = (
        top.inners("intermediate_findings")
        if isinstance(intermediate, list)
        else top.inner("intermediate_findings").inners("entities")
    )
    for item in entities:
        message = item.text("message")
        risk.message = risk.message or message
        _add_entity(risk, item, item.integer("score") or item.integer("risk_score") or 0, message)
    risk.message = risk.message or risk.title
    _threat_objects(top, risk)
    fields = [item.field for item in risk.risk_objects]
    for name in sorted({name for name in fields if fields.count(name) > 1}):
        risk.notes.append(f"field {name!r} is scored more than once")
    return risk


def score_notes(risk: Risk) -> list[str]:
    """Where a stated score disagrees with impact times confidence."""
    if risk.stated_score is None or risk.impact is None or risk.confidence is None:
        return []
    computed = round(risk.impact * risk.confidence / 100)
    if computed == risk.stated_score:
        return []
    return [
        f"risk_score is {risk.stated_score}, but impact {risk.impact} times confidence "
        f"{risk.confidence} gives {computed}"
    ]


def _weights(tags: MappingReader, risk: Risk) -> None:
    risk.impact, risk.confidence = tags.integer("impact"), tags.integer("confidence")
    risk.stated_score = tags.integer("risk_score")


def _common_score(risk: Risk) -> int:
    if risk.impact is not None and risk.confidence is not None:
        return round(risk.impact * risk.confidence / 100)
    return risk.stated_score or 0


def _add_entity(risk: Risk, item: MappingReader, score: int, message: str) -> None:
    name = item.text("field", "name")
    if not name:
        risk.notes.append("a risk object has no field")
        return
    if not 0 <= score <= 100:
        risk.notes.append(f"the score of risk object {name!r} is {score}, which is not in the range 0 to 100")
    risk.risk_objects.append(RiskObject(name, risk_type(item.text("type")), score, message))


def _threat_objects(holder: MappingReader, risk: Risk) -> None:
    for item in holder.inners("threat_objects"):
        name = item.text("field", "name")
        if name:
            risk.threat_objects.append(ThreatObject(name, threat_type(item.text("type"))))
        else:
            risk.notes.append("a threat object has no field")
