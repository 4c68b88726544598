"""The first draft of a detection, macro, story or exception: complete enough to lint, test and run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final
from uuid import uuid4

from podhawk.content.detection import slug
from podhawk.errors import UsageError, nearest
from podhawk.writing import write_text

KINDS: Final = ("detection", "macro", "story", "exception")

_DETECTION: Final = """name: {name}
id: {id}
version: 1
creation_date: '{day}'
modification_date: '{day}'
author: {author}
status: experimental
type: Anomaly
description: >-
  Describe what the detection finds and why it matters.
data_source:
  - - Kubernetes Audit
search: |-
  `kube_audit` verb=create objectRef.resource=pods stage=ResponseComplete
  | stats count values(objectRef.name) as object by user.username objectRef.namespace
  | rename user.username as user, objectRef.namespace as namespace
  | `{stem}_filter`
how_to_implement: >-
  Audit events at level Metadata are sufficient.
known_false_positives: >-
  Describe benign activity that matches, and how to exclude it.
references:
  - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
intermediate_findings:
  entities:
    - field: user
      type: user
      score: 30
      message: $user$ created a pod in $namespace$
analytic_story:
  - Kubernetes Security
asset_type: Kubernetes
mitre_attack_id:
  - T1610
product:
  - Splunk Enterprise
category:
  - cloud
security_domain: threat
tests:
  - name: Pod created
    attack_data:
      - data: datasets/{stem}.log
        source: kubernetes
        sourcetype: _json
    expected_results: 1
"""
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


def scaffold(kind: str, name: str, root: Path, author: str, today: date) -> list[Path]:
    """Write a first draft below a folder of content, and say which files. Raises UsageError for an unknown kind, and
    rather than write over anything."""
    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}", remedy=nearest(kind, KINDS) or f"Known kinds: {', '.join(KINDS)}.")
    files = _files(kind, name, author, today)
    for path in files:
        if (root / path).exists():
            raise UsageError(f"{root / path} already exists", remedy="Use another name.")
    for path, text in files.items():
        write_text(root / path, text, parents=True)
    return [root / path for path in files]


def _files(kind: str, name: str, author: str, today: date) -> Mapping[str, str]:
    stem = slug(name)
    given = {"name": name, "stem": stem, "id": uuid4(), "day": today.isoformat(), "author": author}
    if kind == "detection":
        return {
            f"detections/{stem}.yml": _DETECTION.format(**given),
            f"datasets/{stem}.log": json.dumps(_EVENT, separators=(",", ":")) + "\n",
        }
    if kind == "macro":
        return {f"macros/{stem}.yml": _MACRO.format(**given)}
    if kind == "story":
        return {f"stories/{stem}.yml": _STORY.format(**given)}
    return {f"exceptions/{stem}.yml": _EXCEPTION.format(**given)}
