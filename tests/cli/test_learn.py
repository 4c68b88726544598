"""podhawk learn, as it is called: what it prints, what it writes, and that run reads it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from podhawk.content import load_content, shipped_pack
from podhawk.content.datasets import shipped_attacks
from support.command_line import podhawk
from support.findings import event, write

CONTENT = """name: Secrets
id: 11111111-1111-1111-1111-111111111111
version: 1
type: Anomaly
status: production
search: verb=get objectRef.resource=secrets | table auditID user.username
intermediate_findings:
  entities:
    - {field: user.username, type: user, score: 50, message: $user.username$ read a secret}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "detections").mkdir()
    (tmp_path / "detections" / "secrets.yml").write_text(CONTENT, encoding="utf-8")
    target = {"resource": "secrets", "namespace": "shop", "name": "tls"}
    account = {"username": "system:serviceaccount:shop:web", "groups": ["system:serviceaccounts:shop"]}
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "c", "image": "ghcr.io/acme/web:1.2@sha256:00"}]}}
    reads = [
        event(f"a{n}", at=f"0{n}:00:00.1", verb="get", objectRef=target, user=account, responseStatus={"code": 200})
        for n in range(1, 6)
    ]
    write(tmp_path / "reference.log", *reads, event("pod", requestObject=pod))
    return tmp_path


def test_what_it_writes_hides_in_the_content_root_and_as_overrides(folder: Path) -> None:
    done = podhawk("learn", "--output-dir", "baseline", "reference.log", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "1 habit proposed, which would have hidden 5 visible findings." in done.stderr
    kinds = {json.loads(line)["kind"] for line in done.stdout.splitlines()}
    assert kinds == {"habit", "component", "image", "secret reader"}
    with open(folder / "baseline" / "kube_baseline_images.csv", encoding="utf-8") as file:
        (image,) = csv.DictReader(file)
    assert (image["repository"], image["registry"], image["count"]) == ("ghcr.io/acme/web", "ghcr.io", "1")
    hidden = podhawk("run", "-o", "jsonl", "reference.log", cwd=folder)
    assert hidden.stdout
    assert not any(json.loads(line)["visible"] for line in hidden.stdout.splitlines())
    shutil.move(folder / "baseline", folder / "elsewhere")
    overrides = podhawk("run", "-o", "jsonl", "--overrides", "elsewhere", "reference.log", cwd=folder)
    assert overrides.stdout == hidden.stdout
    shown = podhawk("run", "-o", "jsonl", "reference.log", cwd=folder)
    assert all(json.loads(line)["visible"] for line in shown.stdout.splitlines())


def test_searches_read_its_macros_and_tables(folder: Path) -> None:
    podhawk("learn", "--output-dir", "baseline", "reference.log", cwd=folder)
    assert load_content([folder]).problems == ()
    search = '| makeresults | eval repository=split("ghcr.io/acme/web evil.example/x", " ") | mvexpand repository'
    outside = podhawk(
        "search", f"{search} | `kube_outside_baseline_images` | table repository", "-o", "jsonl", cwd=folder
    )
    assert [json.loads(line) for line in outside.stdout.splitlines()] == [{"repository": "evil.example/x"}]


def test_the_reference_period_of_an_attack_teaches_nothing_grave(tmp_path: Path) -> None:
    done = podhawk(
        "learn", "-o", "jsonl", "--content", shipped_pack(), "--output-dir", tmp_path / "made", shipped_attacks()
    )
    habits = [one for line in done.stdout.splitlines() if (one := json.loads(line))["kind"] == "habit"]
    accepted = [one for one in habits if not one["refused"]]
    assert len(habits) > 100
    assert max(one["highest_priority"] for one in accepted) < 80
    assert {"mallory", "eve", "system:anonymous"}.isdisjoint(one["identity"] for one in accepted)
