"""The first draft of a detection, macro, story or exception: complete enough to lint, test and run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from textwrap import indent
from typing import Final
from uuid import uuid4

from msgspec import Struct

from podhawk.content.detection import slug
from podhawk.content.model import Content
from podhawk.engine.plan.planner import read_search
from podhawk.engine.plan.stages import columns_after
from podhawk.engine.plan.unknown_fields import fields_read
from podhawk.errors import UsageError, nearest
from podhawk.spl.macros import calls
from podhawk.writing import write_text

KINDS: Final = ("detection", "macro", "story", "exception")

_HEAD: Final = """name: {name}
id: {id}
version: 1
{dates}
author: {author}
status: experimental
type: Anomaly
description: >-
  Describe what the detection finds and why it matters.
data_source:
{source}
search: |-
{search}
how_to_implement: >-
  Audit events at level Metadata are sufficient.
known_false_positives: >-
  Describe benign activity that matches, and how to exclude it.
references:
  - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""
_ANNOTATIONS: Final = """analytic_story:
  - {story}
asset_type: Kubernetes
mitre_attack_id:
  - T1610
product:
  - Splunk Enterprise
security_domain: threat
"""
_RISK: Final = {
    3: """intermediate_findings:
  entities:
    - field: {actor}
      type: user
      score: 30
      message: {message}
{annotations}category:
  - cloud
""",
    2: """rba:
  message: {message}
  risk_objects:
    - field: {actor}
      type: user
      score: 30
  threat_objects: []
tags:
{annotations}""",
    1: """tags:
{annotations}  confidence: 60
  impact: 50
  message: {message}
  observable:
    - name: {actor}
      type: User
      role:
        - Victim
  required_fields:
{required}  risk_score: 30
""",
}
_TESTS: Final = """tests:
  - name: Pod created
    attack_data:
      - data: {dataset}
        source: kubernetes
        sourcetype: _json
    expected_results: 1
"""
_SEARCH: Final = """`kube_audit` verb=create objectRef.resource=pods stage=ResponseComplete
| stats count values(objectRef.name) as object by user.username objectRef.namespace
| rename user.username as user, objectRef.namespace as namespace
| `{stem}_filter`"""
_REQUIRED: Final = ("verb", "stage", "user.username", "objectRef.resource", "objectRef.namespace", "objectRef.name")
_MACRO: Final = """name: {stem}
definition: source=kubernetes
description: {name}
"""
_STORY: Final = """name: {name}
id: {id}
version: 1
date: '{day}'
author: {author}
status: production
description: Describe this group of detections in one sentence.
narrative: >-
  Describe the attack step by step, and name the detection for each step.
references: []
category:
  - Cloud Security
usecase: Advanced Threat Detection
product:
  - Splunk Enterprise
"""
_EXCEPTION: Final = """- name: {name}
  detection: some_detection
  when: user.username=somebody objectRef.namespace=somewhere
  owner: {author}
  reason: why this activity is expected
  created: {day}
"""
_EVENT: Final = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "auditID": "00000000-0000-4000-8000-000000000001",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/default/pods",
    "verb": "create",
    "user": {"username": "mallory", "groups": ["system:authenticated"]},
    "sourceIPs": ["10.0.0.7"],
    "userAgent": "kubectl/v1.32",
    "objectRef": {"resource": "pods", "namespace": "default", "name": "web", "apiVersion": "v1"},
    "responseStatus": {"code": 201},
    "requestReceivedTimestamp": "2026-01-01T00:00:00.000001Z",
    "stageTimestamp": "2026-01-01T00:00:00.010001Z",
}


class Draft(Struct, frozen=True):
    """What a draft is made of: its kind and name, who writes it and when, and the content that it will stand in. A
    detection may be given its `search`; its test is then still to be written."""

    kind: str
    name: str
    author: str
    today: date
    content: Content = Content()
    generation: int | None = None
    search: str = ""


def scaffold(draft: Draft, root: Path) -> list[Path]:
    """Write a first draft below a folder of content, and say which files. Raises UsageError for an unknown kind, and
    rather than write over anything."""
    if draft.kind not in KINDS:
        raise UsageError(
            f"unknown kind {draft.kind!r}", remedy=nearest(draft.kind, KINDS) or f"Known kinds: {', '.join(KINDS)}."
        )
    files = files_of(draft)
    for path in files:
        if (root / path).exists():
            raise UsageError(f"{root / path} already exists", remedy="Use another name.")
    for path, text in files.items():
        write_text(root / path, text, parents=True)
    return [root / path for path in files]


def files_of(draft: Draft) -> Mapping[str, str]:
    """The files of a draft, by their path below the content. Raises SearchError for a search that cannot be read, and
    UsageError for one that no file can hold."""
    stem = slug(draft.name)
    given = {
        "name": _scalar(draft.name),
        "stem": stem,
        "id": uuid4(),
        "day": draft.today.isoformat(),
        "author": _scalar(draft.author),
    }
    if draft.kind == "detection":
        made = {f"detections/{stem}.yml": _detection(draft, given)}
        if not draft.search:
            made[f"datasets/{stem}.log"] = json.dumps(_EVENT, separators=(",", ":")) + "\n"
        if ("kube_audit", 0) not in calls(_search_of(draft, stem)):
            return made
        if ("kube_audit", 0) not in draft.content.macros:
            made["macros/kube_audit.yml"] = _MACRO.format(
                stem="kube_audit", name="Where the audit events of Kubernetes are."
            )
        return made
    if draft.kind == "macro":
        return {f"macros/{stem}.yml": _MACRO.format(**given)}
    if draft.kind == "story":
        return {f"stories/{stem}.yml": _STORY.format(**given)}
    return {f"exceptions/{stem}.yml": _EXCEPTION.format(**given)}


def _detection(draft: Draft, given: Mapping[str, object]) -> str:
    """A detection of the generation of the content around it, with a story and a data source that this has."""
    generation = draft.generation or _usual_generation(draft.content)
    day, newest = given["day"], generation == 3
    search = _search_of(draft, str(given["stem"]))
    required = (f"    - {_scalar(one)}\n" for one in (_read(draft) if draft.search else _REQUIRED))
    actor = _actor(draft) if draft.search else "user"
    message = f"${actor}$: {draft.name}" if draft.search else "$user$ created a pod in $namespace$"
    filled = {
        "search": indent(search, "  "),
        "actor": _scalar(actor),
        "message": _scalar(message),
        "required": "".join(required),
    }
    source = _one_of("Kubernetes Audit", draft.content.data_sources)
    annotations = _ANNOTATIONS.format(story=_one_of("Kubernetes Security", draft.content.stories))
    head = _HEAD.format(
        **given,
        **filled,
        dates=f"creation_date: '{day}'\nmodification_date: '{day}'" if newest else f"date: '{day}'",
        source=f"  - - {source}" if newest else f"  - {source}",
    )
    risk = _RISK[generation].format(**filled, annotations=annotations if newest else indent(annotations, "  "))
    if not draft.search:
        return head + risk + _TESTS.format(dataset=_scalar(f"datasets/{given['stem']}.log"))
    if _held(head) != search:
        raise UsageError("no file can hold this search", remedy="Remove control characters from it.")
    return head + risk


def _held(text: str) -> object:
    """The search that a reader of the file sees."""
    import yaml

    try:
        return yaml.safe_load(text)["search"]
    except (yaml.YAMLError, ValueError):
        return None


def _search_of(draft: Draft, stem: str) -> str:
    """The search, which ends in the macro by which a site filters it."""
    if not draft.search:
        return _SEARCH.format(stem=stem)
    lines = "\n".join(line.rstrip() for line in draft.search.strip().splitlines())
    return lines if f"`{stem}_filter`" in lines else f"{lines}\n| `{stem}_filter`"


def _read(draft: Draft) -> list[str]:
    return sorted(fields_read(read_search(draft.search, draft.content.macros).stages)) or ["_time"]


def _actor(draft: Draft) -> str:
    """The column that most likely names who did it."""
    columns = columns_after(read_search(draft.search, draft.content.macros).stages, None)
    if columns is None:
        return "user.username"
    return next((one for one in columns if "user" in one.lower()), columns[0] if columns else "user")


def _usual_generation(content: Content) -> int:
    """The generation of most detections; the newest one if there is none, or none with a generation."""
    found = Counter(one.generation for one in content.detections if one.generation in _RISK)
    return max(found, key=lambda one: (found[one], one), default=3)


def _one_of(usual: str, known: Collection[str]) -> str:
    return _scalar(usual if usual in known or not known else sorted(known)[0])


def _scalar(text: str) -> str:
    """A text as YAML, quoted where it must be."""
    import yaml

    return str(yaml.safe_dump(text, allow_unicode=True, width=10_000)).removesuffix("\n").removesuffix("\n...")
