"""Detections by the thousand, each of which wants a resource of its own: `python bench/detections.py FOLDER 1000`."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

_DETECTION = """\
name: Generated {number}
id: {id}
version: 1
date: '2026-11-01'
author: bench
status: production
type: Anomaly
description: An object of kind {number} is created.
data_source: [Kubernetes Audit]
search: >-
  `kubernetes_audit_of_bench` verb=create objectRef.resource=widget{number} objectRef.namespace=team{team}
  | stats count values(user.username) as user by objectRef.name sourceIPs{{}} | where count > 0
how_to_implement: Not to be.
known_false_positives: None, for there are no such objects.
tags:
  analytic_story: [Bench]
  asset_type: Kubernetes
  mitre_attack_id: [T1610]
  product: [Splunk Enterprise]
  security_domain: network
  impact: 50
  confidence: 50
  message: made by $user$
  observable: []
"""
_MACRO = "name: kubernetes_audit_of_bench\ndefinition: source=kubernetes\ndescription: The whole log.\n"
TEAMS = 37


def write_detections(folder: Path, number: int) -> Path:
    """A content folder with so many detections."""
    (folder / "detections").mkdir(parents=True)
    (folder / "macros").mkdir()
    (folder / "macros" / "kubernetes_audit_of_bench.yml").write_text(_MACRO)
    for one in range(number):
        text = _DETECTION.format(number=one, id=uuid.uuid5(uuid.NAMESPACE_OID, f"bench {one}"), team=one % TEAMS)
        (folder / "detections" / f"generated_{one}.yml").write_text(text)
    return folder


if __name__ == "__main__":
    print(write_detections(Path(sys.argv[1]), int(sys.argv[2])))
