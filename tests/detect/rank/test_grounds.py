"""The rule of visibility: nothing lowers a finding on the requester's word alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from podhawk.content import load_content, shipped_pack
from podhawk.detect.finding import ActorKind
from podhawk.detect.noise.registry import NOISE_CLASSES
from podhawk.detect.rank.grounds import GROUNDS, Evidence, Ground, unfounded
from podhawk.detect.rank.priority import FACTORS
from podhawk.detect.risk.factors import DEFAULTS

PAGE = Path(__file__).parents[3] / "docs" / "visibility.md"


def effects(kind: str) -> dict[str, str]:
    return {one.name: one.effect for one in GROUNDS if one.kind == kind}


def test_nothing_lowers_on_the_requesters_word_alone() -> None:
    assert unfounded(GROUNDS) == []


@pytest.mark.parametrize("evidence", [(), ("requester",)])
def test_a_rule_that_does_is_refused(evidence: tuple[Evidence, ...]) -> None:
    made = Ground("noise", "friendly-user-agent", "lowers", evidence, "it says that it is kubectl")
    assert unfounded([*GROUNDS, made]) == ["noise friendly-user-agent"]


def test_every_rule_is_declared_once() -> None:
    keys = [(one.kind, one.name) for one in GROUNDS]
    assert len(set(keys)) == len(keys)
    assert set(effects("actor")) == set(get_args(ActorKind))


def test_noise_classes_do_what_they_declare() -> None:
    acts = {"hide": "lowers", "lower": "lowers", "tag": "tags"}
    assert {one.name: acts[one.action] for one in NOISE_CLASSES} == effects("noise")


def test_factors_do_what_they_declare() -> None:
    assert {one.name: "lowers" if one.points < 0 else "raises" for one in FACTORS} == effects("priority")
    assert {one.name: "lowers" for one in DEFAULTS if one.multiply < 1 or one.add < 0} == effects("risk")


def test_macros_of_the_pack_do_what_they_declare() -> None:
    pack = load_content([shipped_pack()])
    texts = [one.search for one in pack.detections] + [one.definition for one in pack.macros.values()]
    excluding = {name for text in texts for name in re.findall(r"NOT `(\w+)`", text)}
    assert {name for name, _ in pack.macros if not name.endswith("_filter")} == set(effects("macro"))
    assert [name for name in excluding if effects("macro")[name] != "lowers"] == []


def test_the_page_has_a_line_for_each_rule() -> None:
    page = PAGE.read_text(encoding="utf-8")
    lines = [f"| {one.kind} | `{one.name}` | {one.effect} | {', '.join(one.evidence)} | {one.why} |" for one in GROUNDS]
    assert [line for line in lines if line not in page] == []
    assert [name for name in get_args(Evidence) if f"| `{name}` |" not in page] == []
