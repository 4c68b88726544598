"""Findings on real logs whose attacks are known."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from podhawk import api
from podhawk.api import FindingsResult
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.model import Content, Detection
from podhawk.detect.finding import Finding
from podhawk.detect.report.finding_json import to_record
from podhawk.detect.risk.table import risk_table

NAMES = {"A": "A-metadata", "C": "C-requestresponse", "D": "D-background-1"}
SEED = "Kubernetes Pod Created in Default Namespace"
CHECKED = ("default", "kube-system", "kube-public")


@cache
def content(which: str, shared: Path) -> tuple[Content, tuple[Detection, ...]]:
    """The published audit detections, or the shipped pack."""
    loaded = load_content([shipped_pack() if which == "pack" else shared / "content" / "splunk"])
    chosen = (
        loaded.detections
        if which == "pack"
        else [one for one in loaded.detections if "`kube_audit`" in one.search and one.status == "production"]
    )
    return loaded, tuple(one for one in chosen if which != "seed" or one.name == SEED)


@cache
def found(which: str, corpus: str, shared: Path) -> FindingsResult:
    loaded, chosen = content(which, shared)
    path = shared / "audit" / "corpus" / f"{NAMES[corpus]}.log.gz"
    return api.run(loaded, path, detections=chosen, now="2026-11-25T12:00:00Z")


def truth(corpus: str, shared: Path) -> list[dict[str, Any]]:
    actions: list[dict[str, Any]] = json.loads(
        (shared / "audit" / "corpus" / f"{NAMES[corpus]}.truth.json").read_text()
    )["actions"]
    return actions


def findings(which: str, corpus: str, shared: Path) -> list[Finding]:
    return [one for one in found(which, corpus, shared) if one.kind != "incident"]


@pytest.mark.parametrize("corpus", ["A", "C", "D"])
def test_each_pod_creation_is_one_finding_and_what_only_looks_like_one_is_out_of_sight(
    shared: Path, corpus: str
) -> None:
    expected: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    with gzip.open(shared / "audit" / "corpus" / f"{NAMES[corpus]}.log.gz", "rt", encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            ref = event.get("objectRef", {})
            if event["verb"] == "create" and ref.get("resource") == "pods" and ref.get("namespace") in CHECKED:
                key = (
                    event["auditID"],
                    event["requestReceivedTimestamp"],
                    event["user"].get("username", ""),
                    event["requestURI"],
                )
                expected[key].add(ref.get("subresource", ""))
    got = findings("seed", corpus, shared)
    keys = Counter(
        (one.requests[0].audit_id, one.requests[0].received, one.requests[0].user, one.requests[0].uri) for one in got
    )
    assert keys == Counter(dict.fromkeys(expected, 1))
    for one in got:
        if one.target.subresource:
            assert not one.visible, one.title
    hidden = {name: count for what, name, count in found("seed", corpus, shared).found.hidden() if what == "noise"}
    assert hidden["subresource"] == sum(bool(max(parts)) for parts in expected.values())


@pytest.mark.parametrize("corpus", ["A", "C"])
def test_actor_and_outcome_of_a_scripted_pod_creation_are_those_of_the_script(shared: Path, corpus: str) -> None:
    by_id = defaultdict(list)
    for one in findings("seed", corpus, shared):
        by_id[one.requests[0].audit_id].append(one)
    looked_at = 0
    for action in truth(corpus, shared):
        for request in action["key_requests"]:
            for one in by_id.get(request.get("audit_id", ""), []):
                if one.requests[0].uri.split("?")[0] != request["path"].split("?")[0] or request["method"] != "POST":
                    continue
                looked_at += 1
                if action["user"]:
                    assert one.actor.user == action["user"], action["id"]
                assert one.requests[0].code == request["status"], action["id"]
                dry = "dryRun=All" in request["path"]
                assert one.outcome == (
                    "denied"
                    if request["status"] in (401, 403)
                    else "failed"
                    if request["status"] >= 400
                    else "dry_run"
                    if dry
                    else "success"
                ), action["id"]
    assert looked_at > 20


@pytest.mark.parametrize("which", ["published", "pack"])
def test_a_day_of_ordinary_work_shows_no_incident_and_few_rows(shared: Path, which: str) -> None:
    """Its first minutes are an administrator's, who sets up the cluster. The pack shows these, a row per identity."""
    result = found(which, "D", shared)
    assert [one.title for one in result if one.kind == "incident"] == []
    if which == "pack":
        assert len({one.actor.user for one in result.found.visible}) <= 9
    else:
        assert len(result.found.visible) <= 3
    assert len(result) > 10


@pytest.mark.parametrize("corpus", ["A", "C"])
@pytest.mark.parametrize("which", ["published", "pack"])
def test_every_scripted_attack_that_is_covered_stays_in_sight(shared: Path, which: str, corpus: str) -> None:
    """But for requests to subresources that only a search for pods catches: those are out of sight by design."""
    every: defaultdict[str, list[Finding]] = defaultdict(list)
    for one in findings(which, corpus, shared):
        for request in one.requests:
            every[request.audit_id].append(one)
    lost = []
    covered = 0
    for action in truth(corpus, shared):
        ids = {*action["observed_audit_ids"], *(one.get("audit_id") for one in action["key_requests"])} & set(every)
        seen = [one for id_ in ids for one in every[id_]]
        meant = [one for one in seen if not any(hit.noise_class == "subresource" for hit in one.noise)]
        if action["attack"] and meant:
            covered += 1
            if not any(one.visible for one in meant):
                lost.append(action["id"])
    assert covered > 15
    assert lost == []


@pytest.mark.parametrize("corpus", ["A", "C"])
@pytest.mark.parametrize("which", ["published", "pack"])
def test_the_attackers_lead_the_risk_table(shared: Path, which: str, corpus: str) -> None:
    attackers = {action["user"] for action in truth(corpus, shared) if action["attack"] and action["user"]}
    leaders = [one.object for one in risk_table(found(which, corpus, shared).found.risk)[:5]]
    assert set(leaders) <= attackers


@pytest.mark.parametrize("corpus", ["A", "C"])
def test_what_controllers_did_is_charged_to_who_made_them_or_not_seen(shared: Path, corpus: str) -> None:
    """`generateName` of the ground truth tells the consequences apart; each link says whether it is a guess."""
    charged: Counter[str] = Counter()
    for which in ("published", "pack"):
        for action in truth(corpus, shared):
            for effect in action["consequences"]:
                if effect.get("resource") != "pods" or effect.get("verb") != "create":
                    continue
                for one in findings(which, corpus, shared):
                    link = one.actor.chain[0] if one.actor.chain else None
                    if (
                        one.actor.user != effect["user"]
                        or one.target.namespace != effect["namespace"]
                        or (link is not None and not f"{link.name}-".startswith(effect.get("generateName", "psa-d")))
                    ):
                        continue
                    if not one.actor.chain_complete:
                        charged["not seen"] += 1
                        continue
                    assert link is not None
                    last = one.actor.chain[-1]
                    assert last.user == action["user"], (action["id"], one.actor.chain)
                    assert all(step.certain for step in one.actor.chain) is (corpus == "C")
                    charged["certain" if last.certain else "guess"] += 1
    assert charged["certain" if corpus == "C" else "guess"] > 5
    assert charged["guess" if corpus == "C" else "certain"] == 0


def test_a_hundred_shuffled_pieces_give_the_findings_of_the_whole_file(shared: Path, tmp_path: Path) -> None:
    with gzip.open(shared / "audit" / "corpus" / "A-metadata.log.gz", "rb") as file:
        lines = file.read().splitlines(keepends=True)
    Random(11).shuffle(lines)
    pieces = []
    for number in range(100):
        piece = tmp_path / f"{number:03}.log"
        piece.write_bytes(b"".join(lines[number::100]))
        pieces.append(piece)
    loaded, chosen = content("pack", shared)
    again = api.run(loaded, *pieces, detections=chosen, now="2026-11-25T12:00:00Z")
    assert [_plain(one) for one in again] == [_plain(one) for one in found("pack", "A", shared)]


def _plain(one: Finding) -> dict[str, Any]:
    made = to_record(one)
    for request in made["requests"]:
        request.pop("source")
    return made
