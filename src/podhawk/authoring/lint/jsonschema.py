"""A JSON Schema of detections for each generation, so that editors complete and check while one writes.

Source: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.authoring.lint.metadata import STATUSES, TYPES
from podhawk.errors import UsageError

GENERATIONS: Final = ("1", "2", "3")
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_LIST: Final[dict[str, Any]] = {"type": "array", "items": _TEXT}
_SCORE: Final[dict[str, Any]] = {"type": "integer", "minimum": 0, "maximum": 100}
_DAY: Final[dict[str, Any]] = {"type": "string", "format": "date"}
_ENTITY: Final[dict[str, Any]] = {"type": "string", "enum": ["user", "system", "other"]}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


_THREATS: Final = {"type": "array", "items": _object(("field", "type"), field=_TEXT, type=_TEXT)}
_RISKS: Final = {"type": "array", "items": _object(("field", "type", "score"), field=_TEXT, type=_ENTITY, score=_SCORE)}
_TESTS: Final = {
    "type": "array",
    "items": _object(
        ("name", "attack_data"),
        name=_TEXT,
        description=_TEXT,
        expected_results={"type": "integer", "minimum": 0},
        attack_data={
            "type": "array",
            "items": _object(("data",), data=_TEXT, source=_TEXT, sourcetype=_TEXT, index=_TEXT, host=_TEXT),
        },
    ),
}
_CLASSES: Final[dict[str, Any]] = {
    "analytic_story": _LIST,
    "asset_type": _TEXT,
    "mitre_attack_id": {"type": "array", "items": {"type": "string", "pattern": r"^T\d{4}(\.\d{3})?$"}},
    "product": _LIST,
    "security_domain": _TEXT,
    "cve": _LIST,
}
_ALL: Final[dict[str, Any]] = {
    "name": _TEXT,
    "id": {"type": "string", "format": "uuid"},
    "version": {"type": "integer", "minimum": 1},
    "author": _TEXT,
    "status": {"type": "string", "enum": list(STATUSES)},
    "type": {"type": "string", "enum": list(TYPES)},
    "description": _TEXT,
    "search": _TEXT,
    "how_to_implement": _TEXT,
    "known_false_positives": _TEXT,
    "references": _LIST,
    "tests": _TESTS,
}
_REQUIRED: Final = ("name", "id", "version", "author", "status", "type", "description", "search")


def schema_of(generation: str) -> dict[str, Any]:
    """The schema of detections of a generation. Raises UsageError for one that does not exist."""
    if generation not in GENERATIONS:
        raise UsageError(f"unknown generation {generation!r}", remedy=f"Known generations: {', '.join(GENERATIONS)}.")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Detection, generation {generation}"}
    old = {**_ALL, "date": _DAY, "data_source": _LIST, "drilldown_searches": {"type": "array"}}
    if generation == "1":
        tags = _object(
            ("analytic_story", "message", "impact", "confidence"),
            **_CLASSES,
            message=_TEXT,
            impact=_SCORE,
            confidence=_SCORE,
            risk_score=_SCORE,
            required_fields=_LIST,
            kill_chain_phases=_LIST,
            nist=_LIST,
            cis20=_LIST,
            observable={
                "type": "array",
                "items": _object(("name", "type", "role"), name=_TEXT, type=_TEXT, role=_LIST),
            },
        )
        return {**head, **_object((*_REQUIRED, "date", "tags"), **old, tags=tags)}
    if generation == "2":
        rba = _object(("message", "risk_objects"), message=_TEXT, risk_objects=_RISKS, threat_objects=_THREATS)
        return {
            **head,
            **_object((*_REQUIRED, "date", "tags"), **old, rba=rba, tags=_object(("analytic_story",), **_CLASSES)),
        }
    entity = _object(("field", "type", "score"), field=_TEXT, type=_ENTITY, score=_SCORE, message=_TEXT)
    return {
        **head,
        **_object(
            (*_REQUIRED, "creation_date", "modification_date", "analytic_story"),
            **_ALL,
            **_CLASSES,
            creation_date=_DAY,
            modification_date=_DAY,
            data_source={"type": "array"},
            category=_LIST,
            threat_objects=_THREATS,
            finding=_object(("title", "entity"), title=_TEXT, entity=entity),
            intermediate_findings=_object(("entities",), entities={"type": "array", "items": entity}),
        ),
    }
