"""Content for the pages: small detections written for the tests, in every generation of the file format."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.content import Content, load_content

COMMON = """name: {name}
id: {id}
version: 3
{dates}
author: Ada Example
status: production
type: Anomaly
description: Pods in default <script>alert(1)</script> & more.
data_source:
- Kubernetes Audit
search: '`kube_audit` objectRef.resource=pods verb=create objectRef.namespace IN ("default", "kube-system") | fillnull |
  stats count by objectRef.name user.username user.groups{{}} | rename user.username as user | `{stem}_filter`'
how_to_implement: See https://example.org/how. Not javascript:alert(1).
known_false_positives: Cron jobs.
references:
- https://example.org/reference
- javascript:alert(2)
{rest}
tests:
- name: True Positive Test
  attack_data:
  - data: https://example.org/data.json
    source: kubernetes
    sourcetype: _json
"""
TAGS = """  analytic_story:
  - Example Story
  asset_type: Kubernetes
  mitre_attack_id:
  - T1204
  product:
  - Splunk Enterprise
  security_domain: network
  cve:
  - CVE-2024-0001
"""
SCORES = "  confidence: 70\n  impact: 70\n"
REST = {
    "tags": "tags:\n"
    + TAGS
    + SCORES
    + """  message: A pod by $user$
  observable:
  - name: user
    type: User
    role: [Victim]
  required_fields: [verb]
  risk_score: 49""",
    "transition": """rba:
  message: A pod by $user$
  risk_objects:
  - {field: user, type: User, risk_score: 49.0}
  threat_objects: []
tags:
"""
    + TAGS
    + SCORES
    + "  risk_score: 49",
    "rba": """rba:
  message: A pod by $user$
  risk_objects:
  - {field: user, type: user, score: 49}
  threat_objects: []
tags:
"""
    + TAGS.rstrip(),
    "findings": """intermediate_findings:
  entities:
  - {field: user, type: user, score: 49, message: A pod by $user$}
"""
    + "\n".join(line[2:] for line in TAGS.rstrip().splitlines()),
}
OTHERS = {
    "body": ("verb=create requestObject.spec.hostNetwork=true", "T1610"),
    "either": ("verb=create (requestObject.spec.hostPID=true OR objectRef.namespace=kube-system)", "T1552.007"),
    "unless": ("verb=list NOT user.groups{}=system:masters", "T1526"),
    "grouped": ("verb=list | stats count by responseObject.kind", "T1613"),
    "events": ('requestObject.message="Pulling image*"', "T1204"),
}


def write(folder: Path, form: str, stem: str) -> None:
    """One detection of a generation."""
    created = "creation_date: '2024-01-01'\nmodification_" if form == "findings" else ""
    dates = f"{created}date: '2024-09-30'"
    name = stem.replace("_", " ").title()
    number = list(REST).index(form)
    text = COMMON.format(
        name=name, id=f"00000000-0000-4000-8000-00000000000{number}", dates=dates, stem=stem, rest=REST[form]
    )
    (folder / "detections" / f"{stem}.yml").write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of content: one detection of each generation, and small ones that need particular fields."""
    root = tmp_path / "content"
    for part in ("detections", "macros", "stories"):
        (root / part).mkdir(parents=True)
    for form in REST:
        write(root, form, f"pod_{form}")
    for name, (search, technique) in OTHERS.items():
        (root / "detections" / f"{name}.yml").write_text(
            f"name: {name}\nid: {name}\nversion: 1\ndate: '2024-01-01'\nauthor: a\nstatus: production\ntype: Hunting\n"
            f"description: d\nsearch: '`kube_audit` {search}'\nhow_to_implement: h\nknown_false_positives: k\n"
            f"tags: {{analytic_story: [Other], asset_type: Kubernetes, mitre_attack_id: [{technique}], "
            "product: [Splunk Enterprise], security_domain: network}\n"
        )
    (root / "macros" / "kube_audit.yml").write_text(
        'name: kube_audit\ndefinition: source="kubernetes"\ndescription: Where audit events are.\n'
    )
    (root / "stories" / "example.yml").write_text(
        "name: Example Story\nid: s\nversion: 2\ndate: '2024-01-01'\nauthor: a\ndescription: About <b>pods</b>.\n"
        "narrative: Long.\nreferences: [https://example.org/story]\ntags: {category: [Cloud], usecase: Monitoring, "
        "product: [Splunk Enterprise]}\n"
    )
    return root


@pytest.fixture
def content(folder: Path) -> Content:
    """The same, loaded."""
    return load_content([folder])
