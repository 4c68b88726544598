"""No secret of real logs in anything that is kept or shown."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pytest

from support.command_line import podhawk
from support.secret_values import held_in, secrets_of

LOGS = {"C": "C-requestresponse", "F": "F-background-bodies", "H": "H-evasions"}
REDACTED = "(redacted)"
EVERYTHING = """
name: Everything about Secrets and tokens
id: 00000000-0000-4000-8000-00000000000a
version: 1
date: '2026-11-01'
author: test
status: production
type: TTP
description: Shows whole events.
data_source: [Kubernetes Audit]
search: '(objectRef.resource IN (secrets, tokenreviews, bindings) OR objectRef.subresource IN (token, exec) OR
  requestObject.kind=Secret OR "last-applied-configuration") | eval whole=_raw | table auditID whole requestURI'
how_to_implement: none
known_false_positives: none
rba:
  message: $whole$ by $user.username$
  risk_objects: [{field: whole, type: other, score: 50}]
  threat_objects: [{field: requestURI, type: other}]
tags: {asset_type: Kubernetes, security_domain: threat}
"""


@pytest.mark.slow
@pytest.mark.parametrize("corpus", LOGS)
def test_no_secret_of_a_real_log_is_kept_or_shown(shared: Path, tmp_path: Path, corpus: str) -> None:
    log = shared / "audit" / "corpus" / f"{LOGS[corpus]}.log.gz"
    secrets = secrets_of(log)
    assert len(secrets) > 100
    content = tmp_path / "detections" / "everything.yml"
    content.parent.mkdir()
    content.write_text(EVERYTHING)
    given, state = ("--content", content.parent, log), tmp_path / "state"
    outputs = {
        "jsonl": podhawk("run", "--all", "-o", "jsonl", "--state", state, *given),
        "table": podhawk("run", "--all", "-o", "table", *given),
        "md": podhawk("run", "--all", "-o", "md", *given),
        "csv": podhawk("run", "--all", "-o", "csv", *given),
        "html": podhawk("run", "--all", "-o", "html", *given),
        "html of the pack": podhawk("run", "--all", "-o", "html", log),
        "pack": podhawk("run", "--all", "-o", "jsonl", log),
        "explain": podhawk("explain", "everything", *given),
        "tune": podhawk("tune", "everything", *given),
        "data model": podhawk("search", "--state", state, "| from datamodel:Findings.All_Findings | head 500"),
    }
    found = [json.loads(line) for line in outputs["jsonl"].stdout.splitlines()]
    assert len(found) > 50
    one = next(one for one in found if REDACTED in one["title"])
    outputs["finding"] = podhawk("explain", "--finding", one["finding_id"], *given)
    outputs["event"] = podhawk("explain", "everything", "--event", one["requests"][0]["audit_id"], *given)
    assert {name: done.stderr[-500:] for name, done in outputs.items() if done.returncode} == {}
    texts = {name: unescape(done.stdout + done.stderr) for name, done in outputs.items()}
    texts |= {path.name: path.read_bytes().decode("utf-8", "replace") for path in state.iterdir()}
    assert REDACTED in texts["podhawk.db"]
    assert {name: held for name, text in texts.items() if (held := held_in(text, secrets))} == {}
