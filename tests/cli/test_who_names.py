"""What `who` says of a name that cannot be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk import api
from podhawk.cli.main import invoke
from podhawk.content.model import Content
from podhawk.detect.activity.digests import entity_scan, near_names
from podhawk.detect.activity.near_names import near_clause
from podhawk.events.inputs import Inputs
from podhawk.spl.clause import Compare, Or
from support.findings import event, write


def test_a_log_in_place_of_a_name_was_read_as_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "audit.log", event("a"))
    monkeypatch.chdir(tmp_path)
    assert invoke(["who", "audit.log"]) == 2
    assert "podhawk who NAME audit.log" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["10.0.0.0/24", "10.0.0.7/24", "2001:db8::/32"])
def test_nothing_was_found_of_a_network(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path / "audit.log", event("a"))
    assert invoke(["who", name, str(log)]) == 2
    assert "is a network, not an address" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("mallori", "did you mean 'mallory'?"),
        ("Mallory", "did you mean 'mallory'?"),
        ("builder", "did you mean 'system:serviceaccount:team-a:builder'?"),
        ("web-l", "did you mean 'web-1'?"),
        ("system:serviceaccount:team-a:bulder", "did you mean 'system:serviceaccount:team-a:builder'?"),
        ("system:serviceaccount:team-b:builder", "did you mean 'system:serviceaccount:team-a:builder'?"),
        ("z" * 100_000, "podhawk fields lists frequent values"),
        ("zzz", "podhawk fields lists frequent values"),
        ("192.0.2.1", "podhawk fields lists frequent values"),
    ],
)
def test_a_misspelt_name_was_only_said_to_be_absent(
    asked: str, meant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write(
        tmp_path / "audit.log",
        event("a", user={"username": "mallory"}),
        event(
            "b",
            user={"username": "system:serviceaccount:team-a:builder"},
            objectRef={"resource": "pods", "name": "web-1"},
        ),
    )
    assert invoke(["who", asked, str(log)]) == 0
    assert meant in capsys.readouterr().err


def test_a_near_name_was_looked_for_by_reading_the_log_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Most lines are of others, so that neither a sample nor the beginning of the log has the name."""
    others = (event(f"{number}", user={"username": f"user-{number % 50}"}) for number in range(4000))
    log = write(tmp_path / "audit.log", *others, event("m", user={"username": "mallory"}))
    session = api.session_of({"jobs": 1})
    with Inputs([str(log)], keep=True) as inputs:
        near = near_names("mallori", inputs, session)
        scan, digest = entity_scan("mallori", Content(), session, near.parts)
        assert digest(inputs).events.count == 0
    assert near.meant(scan.beside[0]) == ["mallory"]  # the input is closed


def test_what_a_near_name_has_in_common_with_most_lines_is_not_looked_for() -> None:
    line = b'{"user":{"username":"system:serviceaccount:team-a:builder"}}\n'
    clause = near_clause("system:serviceaccount:team-a:bulder", line * 1000 + b'{"user":{"username":"mallory"}}\n')
    assert isinstance(clause, Or)
    asked = {one.value for one in clause.parts if isinstance(one, Compare)}
    assert "*:bulder" in asked
    assert not asked & {"system:serviceacc*", "*der"}
    assert near_clause("192.0.2.1", b"") is None
    assert near_clause("b*", b"") is None
