"""Content and policies that change while the service runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.findings import event
from support.processes import wait_for
from support.service import Service, event_list, service

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
PATH = "/audit/prod/cp-1"
DETECTION = """name: {name}
id: 11111111-2222-4333-8444-{number:012d}
version: 1
date: '2026-11-01'
author: A
status: production
type: TTP
description: d
search: '{search}'
how_to_implement: h
known_false_positives: k
references: []
rba:
  message: $user.username$ did it
  risk_objects:
  - field: user.username
    type: user
    score: 50
  threat_objects: []
tags:
  analytic_story: []
  asset_type: Kubernetes
  mitre_attack_id: []
  product: [Splunk Enterprise]
  security_domain: threat
"""


def write(folder: Path, name: str, search: str, number: int = 1) -> None:
    (folder / "detections").mkdir(parents=True, exist_ok=True)
    text = DETECTION.format(name=name, search=search, number=number)
    (folder / "detections" / f"{name.lower()}.yml").write_text(text)


def content(live: Service) -> dict[str, object]:
    found: dict[str, object] = live.get("/api/v1/content").json()
    return found


def seen(live: Service) -> list[bool]:
    return [one["visible"] for one in live.findings() if one["kind"] != "incident"]


def found(live: Service) -> set[str]:
    """The audit ids of what was found; incidents aside."""
    known = (one for one in live.findings() if one["kind"] != "incident")
    return {info["audit_id"] for one in known for info in one["requests"]}


def test_content_is_read_again_and_broken_content_keeps_the_old(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    write(folder, "First", 'source="kubernetes" verb=create stage=ResponseComplete')
    with service(tmp_path / "live", "--content", folder) as live:
        assert live.post(PATH, event_list([event("a")])).status_code == 200
        live.wait_until_evaluated()
        assert found(live) == {"a"}
        since = content(live)["since"]

        write(folder, "Second", 'source="kubernetes" verb=delete stage=ResponseComplete', 2)
        wait_for(lambda: content(live)["detections"] == 2, 30, live.log)
        assert live.post(PATH, event_list([event("b", verb="delete")])).status_code == 200
        wait_for(lambda: found(live) == {"a", "b"}, 30, live.log)
        assert content(live)["problem"] == ""
        assert live.metric("podhawk_content_loaded_timestamp_seconds") > float(str(since))

        write(folder, "Second", 'source="kubernetes" | nonsense (', 2)
        wait_for(lambda: live.metric("podhawk_content_problem") == 1, 30, live.log)
        assert "nonsense" in str(content(live)["problem"])
        assert "the content is as it was" in live.log
        assert live.post(PATH, event_list([event("c", verb="delete")])).status_code == 200
        wait_for(lambda: "c" in found(live), 30, live.log)

        write(folder, "Second", 'source="kubernetes" verb=patch stage=ResponseComplete', 2)
        wait_for(lambda: live.metric("podhawk_content_problem") == 0, 30, live.log)


def test_a_changed_exception_hides_what_is_known_without_a_new_event(tmp_path: Path) -> None:
    folder, exceptions = tmp_path / "content", tmp_path / "exceptions.yml"
    write(folder, "First", 'source="kubernetes" verb=create stage=ResponseComplete')
    exceptions.write_text("[]\n")
    with service(tmp_path / "live", "--content", folder, "--exceptions", exceptions) as live:
        assert live.post(PATH, event_list([event("a")])).status_code == 200
        wait_for(lambda: seen(live) == [True], 30, live.log)
        exceptions.write_text(
            "- {name: ours, detection: First, when: user.username=alice, owner: o, reason: r, expires: 2099-01-01}\n"
        )
        wait_for(lambda: seen(live) == [False], 30, live.log)
        assert "ours" in {(one["suppressed_by"] or {}).get("name") for one in live.findings()}


def test_a_detection_in_shadow_finds_and_tells_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    write(folder, "First", 'source="kubernetes" verb=create stage=ResponseComplete')
    write(folder, "Second", 'source="kubernetes" verb=create stage=ResponseComplete | stats count by user.username', 2)
    with service(tmp_path / "live", "--content", folder, "--shadow", "Second") as live:
        assert live.post(PATH, event_list([event("a")])).status_code == 200
        live.wait_until_evaluated()
        known = [one for one in live.findings() if one["kind"] != "incident"]
        told = {one["detection"]["name"]: (one["visible"], one.get("shadow", False)) for one in known}
        assert told == {"First": (True, False), "Second": (False, True)}
        shown = live.get("/api/v1/findings", shadow="true").json()["findings"]
        assert [one["detection"]["name"] for one in shown] == ["Second"]
        assert content(live)["shadow"] == ["Second"]
