"""The macros of a site in the verbs for authors: --overrides and [macros] of podhawk.toml, as run takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import podhawk

pytestmark = pytest.mark.slow

DETECTION = """\
name: Elsewhere
id: 11111111-1111-1111-1111-111111111111
version: 1
type: Hunting
status: production
search: '`site_audit` verb=create | table auditID | `elsewhere_filter`'
tests:
- name: True Positive Test
  attack_data:
  - data: log.jsonl
    source: kubernetes
    sourcetype: _json
"""
EVENT = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"ResponseComplete","verb":"create"}\n'


@pytest.fixture
def content(tmp_path: Path) -> Path:
    root = tmp_path / "content"
    (root / "detections").mkdir(parents=True)
    (root / "detections" / "elsewhere.yml").write_text(DETECTION)
    (root / "detections" / "log.jsonl").write_text(EVENT)
    (tmp_path / "site" / "macros").mkdir(parents=True)
    (tmp_path / "site" / "macros" / "site_audit.yml").write_text("name: site_audit\ndefinition: source=kubernetes\n")
    return root


@pytest.mark.parametrize("verb", ["lint", "test"])
@pytest.mark.parametrize("given", ["option", "settings"])
def test_lint_and_test_did_not_see_the_macros_of_the_site(content: Path, verb: str, given: str) -> None:
    done = podhawk(verb, "-o", "jsonl", cwd=content)
    assert (done.returncode, "site_audit" in done.stdout) == ({"lint": 3, "test": 6}[verb], True)
    if given == "settings":
        (content / "podhawk.toml").write_text('[macros]\nsite_audit = "source=kubernetes"\n')
    done = podhawk(verb, "-o", "jsonl", *(["--overrides", "../site"] if given == "option" else []), cwd=content)
    assert "macro-unknown" not in done.stdout
    if verb == "test":
        assert done.returncode == 0, done.stdout
