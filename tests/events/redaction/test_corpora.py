"""No secret of real logs in anything that is kept or shown."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from support.command_line import podhawk

LOGS = {"C": "C-requestresponse", "F": "F-background-bodies", "H": "H-evasions"}
SHORTEST = 6
"""Shorter values are parts of ordinary words."""
NAMES = frozenset({"token-id", "auth-extra-groups", "username", "namespace"})
"""Keys of Secrets whose values are names, which stand in names of objects and elsewhere too."""
PUBLIC = "-----BEGIN CERTIFICATE-----"
"""A certificate is public: that of the cluster stands in a config map of each namespace."""
REDACTED = "(redacted)"
WORD = re.compile(r"[A-Za-z0-9+/=_.-]+")
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+")
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


def secrets_of(log: Path) -> set[str]:
    """Every value of a Secret, in base64 and plain, and every token."""
    found: set[str] = set()
    with gzip.open(log, "rt", encoding="utf-8") as lines:
        for line in lines:
            found.update(_JWT.findall(line))
            if "Secret" in line:
                event = json.loads(line)
                for body in (event.get("requestObject"), event.get("responseObject")):
                    for values in _values(body):
                        found.update(values)
    return {one for one in found if len(one) >= SHORTEST and not one.startswith(PUBLIC)}


def _values(node: Any, secret: bool = False) -> Iterator[list[str]]:
    if isinstance(node, list):
        for item in node:
            yield from _values(item, secret)
    if not isinstance(node, dict):
        return
    secret = secret or node.get("kind") in ("Secret", "SecretList")
    for name, value in node.items():
        if secret and name in ("data", "stringData") and isinstance(value, dict):
            for key, one in value.items():
                if key not in NAMES:
                    yield [one, _decoded(one)] if name == "data" else [one]
        elif name == "kubectl.kubernetes.io/last-applied-configuration" and isinstance(value, str):
            yield from _values(json.loads(value))
        elif isinstance(value, (dict, list)):
            yield from _values(value, secret and name == "items")


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except ValueError:
        return ""


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


def held_in(text: str, secrets: set[str]) -> list[str]:
    """The secrets that stand in a text, however often it is quoted. Those of one word are looked up among its words."""
    plain = text.replace("\\", "")
    words = set(WORD.findall(plain))
    several = [one for one in secrets if WORD.fullmatch(one) is None]
    return [
        *sorted(one for one in secrets if one in words),
        *sorted(one for one in several if one.replace("\\", "") in plain or json.dumps(one)[1:-1] in text),
    ]
