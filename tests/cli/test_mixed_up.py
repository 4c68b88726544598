"""Logs where content belongs, and content where logs belong: an error with the remedy, never a quiet result."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import podhawk as library
from cli.test_content_choice import DETECTION
from support.command_line import podhawk
from support.findings import event, write

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    log = write(tmp_path / "a.log", event("a"), event("b"))
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(log.read_bytes()))
    (tmp_path / "a.yml").write_bytes(log.read_bytes())
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(log.read_bytes())
    (tmp_path / "dets").mkdir()
    for name in ("made.yml", "dets/made.yml"):
        (tmp_path / name).write_text(DETECTION)
    return tmp_path


@pytest.mark.parametrize(
    "call",
    [
        "diff a.log a.log a.log",
        "diff made.yml a.log a.log",
        "run --content a.log a.log",
        "run --content a.log.gz a.log",
        "run --content a.yml a.log",
        "run --content logs a.log",
        "lint a.log",
        "test a.log.gz",
        "fmt a.log",
        "docs --content logs --output-dir site",
    ],
)
def test_logs_in_place_of_content_gave_no_findings_and_no_error(folder: Path, call: str) -> None:
    done = podhawk(*call.split(), cwd=folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert "contains audit events, not detection content" in done.stderr
    assert "podhawk run --content DIR LOG" in done.stderr


@pytest.mark.parametrize(
    "call",
    ["run made.yml", "run dets", "run dets a.log", "run a.log made.yml", "search * made.yml", "diff dets dets dets"],
)
def test_content_in_place_of_logs_was_rejected_without_a_remedy(folder: Path, call: str) -> None:
    done = podhawk(*call.split(), cwd=folder)
    assert done.returncode == 4
    assert "is detection content, not an audit log" in done.stderr
    assert "podhawk run --content" in done.stderr


def test_a_log_before_the_detection_is_an_error_that_says_so(folder: Path) -> None:
    done = podhawk("explain", "a.log", "Made", cwd=folder)
    assert done.returncode == 2
    assert "Name the detection before the log" in done.stderr


def test_content_may_be_searched_as_text(folder: Path) -> None:
    done = podhawk("search", "name", "--input-format", "text", "made.yml", cwd=folder)
    assert (done.returncode, "name: Made" in done.stdout) == (0, True)


def test_broken_content_was_a_diff_without_changes(folder: Path) -> None:
    (folder / "dets" / "broken.yml").write_text("name: [")
    done = podhawk("diff", "dets", "made.yml", "a.log", cwd=folder)
    assert done.returncode == 3
    assert "broken.yml" in done.stderr


def test_the_library_raises_the_same_errors(folder: Path) -> None:
    with pytest.raises(library.ContentError, match="contains audit events"):
        library.load_content(folder / "a.log")
    with pytest.raises(library.InputError, match="is detection content"):
        library.run(library.shipped_pack(), folder / "made.yml")


@pytest.mark.parametrize("name", ["a.log", "a.log.gz", "a.yml", "logs"])
def test_a_log_in_place_of_exceptions_was_bad_yaml_or_none(folder: Path, name: str) -> None:
    for call in (f"run --exceptions {name} a.log", f"diff dets dets --exceptions {name} a.log"):
        done = podhawk(*call.split(), cwd=folder)
        assert (done.returncode, done.stdout) == (3, "")
        assert f"{name}: contains audit events, not exceptions" in done.stderr
        assert "logs are named as PATH" in done.stderr


@pytest.mark.parametrize("call", ["run -", "run", "search * -", "run --rows -", "search verb=x", "explain Made -"])
def test_content_on_standard_input_was_broken_events(folder: Path, call: str) -> None:
    content = ["--content", "dets"] if call.startswith(("run", "explain")) else []
    done = podhawk(*call.split(), *content, cwd=folder, stdin=DETECTION)
    assert (done.returncode, done.stdout) == (4, "")
    assert "standard input is detection content, not an audit log" in done.stderr
    assert "podhawk run --content CONTENT LOG" in done.stderr


def test_events_on_standard_input_are_read_and_other_text_is_as_it_was(folder: Path) -> None:
    log = (folder / "a.log").read_text()
    assert podhawk("run", "--content", "dets", "-", cwd=folder, stdin=log).returncode == 0
    done = podhawk("run", "--content", "dets", "-", cwd=folder, stdin="some text\n" * 10)
    assert (done.returncode, "no audit event in the input; found instead" in done.stderr) == (4, True)
