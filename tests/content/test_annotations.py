"""Facts that follow from what content states."""

from __future__ import annotations

import pytest

from podhawk.content import annotations


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (0, "informational"),
        (20, "informational"),
        (21, "low"),
        (40, "low"),
        (41, "medium"),
        (49, "medium"),
        (60, "medium"),
        (61, "high"),
        (80, "high"),
        (81, "critical"),
        (100, "critical"),
        (None, "high"),
    ],
)
def test_severity_bands(score: int | None, band: str) -> None:
    assert annotations.severity(score) == band


def test_a_technique_has_its_name_and_tactics() -> None:
    one = annotations.technique("t1053.007")
    assert one.name == "Scheduled Task/Job: Container Orchestration Job"
    assert [tactic.name for tactic in one.tactics] == ["Execution", "Persistence", "Privilege Escalation"]


def test_an_unknown_sub_technique_has_its_parents_tactics() -> None:
    one = annotations.technique("T1552.999")
    assert (one.name, one.known) == ("T1552.999", False)
    assert [tactic.id for tactic in one.tactics] == ["TA0006"]
    assert annotations.technique("T9999").tactics == ()


def test_kill_chain_phases_come_from_tactics() -> None:
    assert annotations.kill_chain_phases(["T1204"]) == ("Installation",)
    assert annotations.kill_chain_phases(["T1046", "T1190"]) == ("Delivery", "Exploitation")


def test_nist_and_cis() -> None:
    assert annotations.nist("TTP") == ("DE.CM",)
    assert annotations.nist("Anomaly") == ("DE.AE",)
    assert annotations.cis20("network") == ("CIS 13",)
    assert annotations.cis20("threat") == ("CIS 10",)


def test_the_table_is_whole() -> None:
    assert len(annotations.tactics()) == 14
    for one in annotations.techniques():
        assert one.tactics, one.id
        parent = one.id.split(".")[0]
        assert parent == one.id or annotations.technique(parent).known, one.id
