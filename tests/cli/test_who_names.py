"""What `who` says of a name that cannot be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.cli.main import invoke
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
