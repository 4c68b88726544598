"""A detection of any generation, written as generation 3.

Everything that a search, its risk and its annotations mean stays: loading both files gives the same detection. Of what
generation 3 has no place for, the reader is told.

Source: contentctl-ng's detection model; see also docs/content.md
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from podhawk.authoring.uses import uses_of
from podhawk.content.detection import slug
from podhawk.content.model import Content, ContentTest, Detection, LookupDefinition, RiskObject

SAME: Final = frozenset(
    {
        "name",
        "id",
        "version",
        "status",
        "type",
        "author",
        "description",
        "search",
        "how_to_implement",
        "known_false_positives",
        "references",
        "analytic_story",
        "asset_type",
        "mitre_attack_id",
        "cve",
        "product",
        "security_domain",
        "drilldowns",
        "tests",
        "threat_objects",
        "risk_score",
        "severity",
        "throttling",
    }
)
"""Members of a detection that a conversion must keep."""


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def converted(one: Detection) -> str:
    """The text of the detection's file in generation 3."""
    data: dict[str, Any] = {
        "name": one.name,
        "id": one.id,
        "version": one.version,
        "creation_date": one.creation_date or one.date,
        "modification_date": one.modification_date or one.date,
        "author": one.author,
        "status": one.status,
        "type": one.type,
        "description": one.description,
        "data_source": [[name] for name in one.data_source],
        "search": one.search,
        "how_to_implement": one.how_to_implement,
        "known_false_positives": one.known_false_positives,
        "references": list(one.references),
        "drilldown_searches": [
            {
                "name": each.name,
                "search": each.search,
                "earliest_offset": each.earliest_offset,
                "latest_offset": each.latest_offset,
            }
            for each in one.drilldowns
        ],
        **_findings(one),
        "threat_objects": [{"field": each.field, "type": each.type} for each in one.threat_objects],
        "analytic_story": list(one.analytic_story),
        "asset_type": one.asset_type,
        "mitre_attack_id": list(one.mitre_attack_id),
        "cve": list(one.cve),
        "product": list(one.product),
        "category": list(one.category),
        "security_domain": one.security_domain,
        "tests": [_test(each) for each in one.tests],
    }
    if one.throttling is not None:
        data["throttling"] = {"fields": list(one.throttling.fields), "period": one.throttling.period}
    return yaml.dump(
        {name: value for name, value in data.items() if value not in ("", [], None)},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )


def supporting(detections: Sequence[Detection], content: Content) -> dict[str, str]:
    """The macros and lookups that the searches of detections use, as files by path. Of lookup tables the definition;
    its CSV file is copied beside it."""
    used = [found for one in detections if (found := uses_of(one, content)) is not None]
    macros = sorted({key for one in used for key in one.macros if key in content.macros})
    files: dict[str, str] = {}
    for name, number in macros:
        macro = content.macros[name, number]
        if not macro.generated:
            files[_unused(f"macros/{slug(name)}", files)] = _dumped(
                {
                    "name": f"{name}({number})" if number else name,
                    "definition": macro.definition,
                    "arguments": list(macro.arguments),
                    "description": macro.description,
                    "iseval": macro.iseval,
                    "validation": macro.validation,
                    "errormsg": macro.errormsg,
                },
                keep=("definition",),
            )
    for one in lookups_of(detections, content):
        files[_unused(f"lookups/{slug(one.name)}", files)] = _dumped(
            {
                "name": one.name,
                "lookup_type": one.kind,
                "filename": Path(one.filename).name,
                "fields": list(one.fields) if one.kind != "csv" else [],
                "match_type": [f"{kind}({name})" for name, kind in one.match_type.items()],
                "default_match": one.default_match,
                "min_matches": one.min_matches,
                "max_matches": one.max_matches,
                "case_sensitive_match": one.case_sensitive_match,
                "description": one.description,
            },
            keep=("case_sensitive_match",),
        )
    return files


def _unused(path: str, files: Collection[str]) -> str:
    """A path with a number, if it is taken. Names of macros are no names of files."""
    number = 1
    while (found := f"{path}{f'_{number}' if number > 1 else ''}.yml") in files:
        number += 1
    return found


def lookups_of(detections: Sequence[Detection], content: Content) -> list[LookupDefinition]:
    """The lookups that the searches of detections use and the content defines."""
    used = [found for one in detections if (found := uses_of(one, content)) is not None]
    names = sorted({name for one in used for name in one.lookups if name in content.lookups})
    return [content.lookups[name] for name in names]


def _dumped(data: Mapping[str, Any], keep: Collection[str] = ()) -> str:
    """As YAML, without what says nothing; members to `keep` stay even if they are empty."""
    return yaml.dump(
        {name: value for name, value in data.items() if name in keep or value not in ("", [], None, 0, False)},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )


def lost(one: Detection) -> list[str]:
    """What generation 3 has no place for."""
    found = []
    if one.required_fields:
        found.append("required_fields (podhawk computes them)")
    if one.impact is not None:
        found.append(f"impact {one.impact} and confidence {one.confidence} (their product is the score)")
    if one.notes:
        found.append("disagreements in the file: " + "; ".join(one.notes))
    return found


def kept(before: Detection, after: Detection) -> list[str]:
    """The members that two detections must agree on and do not."""
    shared = [each for each in Detection.__struct_fields__ if each in SAME]
    return [each for each in shared if getattr(before, each) != getattr(after, each)] + ["risk_objects"] * (
        _entities(before) != _entities(after)
    )


def _entities(one: Detection) -> list[tuple[str, str, int]]:
    return sorted((each.field, each.type, each.score) for each in one.risk_objects)


def _findings(one: Detection) -> dict[str, Any]:
    """A TTP or Correlation is a finding about its first user (its first object, where it names none); the rest is
    intermediate."""
    entities = list(one.risk_objects)
    found: dict[str, Any] = {}
    message = one.message or one.title
    if entities and one.type in ("TTP", "Correlation"):
        first = next((each for each in entities if each.type == "user"), entities[0])
        entities.remove(first)
        found["finding"] = {"title": one.title or message, "entity": _entity(first)}
    if entities:
        found["intermediate_findings"] = {
            "entities": [{**_entity(each), "message": each.message or message} for each in entities]
        }
    return found


def _entity(one: RiskObject) -> dict[str, Any]:
    return {"field": one.field, "type": one.type, "score": one.score}


def _test(one: ContentTest) -> dict[str, Any]:
    data = [
        {
            name: value
            for name, value in (
                ("data", each.data),
                ("source", each.source),
                ("sourcetype", each.sourcetype),
                ("index", each.index),
                ("host", each.host),
            )
            if value
        }
        for each in one.attack_data
    ]
    found: dict[str, Any] = {
        "name": one.name,
        "description": one.description,
        "attack_data": data,
        "expected_results": one.expected_results,
    }
    if one.test_type != "unit":
        found["test_type"] = one.test_type
    return {name: value for name, value in found.items() if value not in ("", None)}
