"""Standard streams that are closed or fail, and files that cannot be written: an error, never a traceback, and no exit
code 0 where output was lost."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cli.test_unreadable import DETECTION
from podhawk.writing import replacing, write_text
from support.findings import event

pytestmark = pytest.mark.slow
needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, as Linux has")

COUNT = 3
VERBS = {
    "run": "run --content made.yml audit.log",
    "run -o json": "run --content made.yml audit.log -o json",
    "run --rows": "run --content made.yml audit.log --rows -o csv",
    "run --state": "run --content made.yml audit.log --state state",
    "search": "search 'verb=create | table auditID' audit.log",
    "search, much": "search '| makeresults count=100000'",
    "plot": "search '* | timechart count' audit.log --plot",
    "explain": "explain Made --content made.yml audit.log",
    "tune": "tune Made --content made.yml --when verb=create audit.log",
    "learn": "learn --content made.yml audit.log",
    "content list": "content list",
    "lint": "lint faulty.yml",
    "fmt": "fmt --check unformatted.yml",
    "test": "test --content made.yml --allow-skipped -o junit",
    "coverage": "coverage -o html",
    "demo": "demo",
    "help": "help spl stats",
    "--help": "--help",
    "--version": "--version",
}
WRITERS = {
    "--output-file": "run --content made.yml audit.log -o json --output-file out/findings",
    "docs": "docs --output-dir out/site",
    "export": "export splunk --output-dir out",
    "convert": "content convert --to gen3 --output-dir out",
    "new": "new detection Name --output-dir out",
    "outputlookup": "search '| makeresults count=99 | eval x=\"{long}\" | outputlookup t' --state out --write",
    "coverage": "coverage -o html --output-file out/coverage",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "made.yml").write_text(DETECTION)
    (tmp_path / "faulty.yml").write_text("\n".join(line for line in DETECTION.split("\n") if line[:3] != "id:"))
    (tmp_path / "unformatted.yml").write_text(DETECTION.replace("  |", "|"))
    (tmp_path / "audit.log").write_text("".join(json.dumps(event(f"a{number}")) + "\n" for number in range(COUNT)))
    return tmp_path


def shell(folder: Path, call: str, redirected: str = "") -> subprocess.CompletedProcess[str]:
    command = f"{shlex.quote(sys.executable)} -m podhawk {call} {redirected}"
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@needs_full
@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_was_a_traceback(folder: Path, verb: str) -> None:
    done = shell(folder, VERBS[verb], ">/dev/full")
    assert "Traceback" not in done.stderr
    assert "podhawk: cannot write to standard output: No space left on device\n  Free some space" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("verb", VERBS)
def test_closed_standard_output_was_a_traceback(folder: Path, verb: str) -> None:
    done = shell(folder, VERBS[verb], ">&-")
    assert "Traceback" not in done.stderr
    assert "podhawk: cannot write to standard output: it is closed" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("verb", VERBS)
def test_a_reader_that_has_enough_is_no_error(folder: Path, verb: str) -> None:
    done = shell(folder, VERBS[verb], "| true; echo ${PIPESTATUS[0]}")
    assert done.stdout.strip() in ("0", "3")  # 3: a problem of content
    assert "Traceback" not in done.stderr
    assert "Broken pipe" not in done.stderr


def test_closed_standard_error_ended_the_run(folder: Path) -> None:
    done = shell(folder, VERBS["run -o json"], "2>&-")
    assert (done.returncode, len(json.loads(done.stdout))) == (0, COUNT)
    assert shell(folder, "run nowhere", "2>&-").returncode == 4


@needs_full
def test_messages_on_a_full_disk_ended_the_run(folder: Path) -> None:
    done = shell(folder, VERBS["run -o json"], "2>/dev/full")
    assert (done.returncode, len(json.loads(done.stdout))) == (2, COUNT)
    assert shell(folder, "run nowhere", "2>/dev/full").returncode == 4


def test_no_stream_is_needed_to_write_a_file(folder: Path) -> None:
    done = shell(folder, VERBS["run -o json"] + " --output-file out", "<&- >&- 2>&-")
    assert (done.returncode, len(json.loads((folder / "out").read_text()))) == (0, COUNT)


def test_a_file_got_the_number_of_a_closed_stream(folder: Path) -> None:
    """What is printed would stand in the database."""
    done = shell(folder, VERBS["run --state"] + " --output-file out", "<&- >&- 2>&-")
    again = shell(folder, VERBS["run --state"] + " --all-known -o json")
    assert (done.returncode, again.returncode) == (0, 0), again.stderr
    assert len(json.loads(again.stdout)) == COUNT


@pytest.mark.parametrize("call", ["search - audit.log", "search 'verb=create' -", "run -", "run"])
def test_closed_standard_input_is_told(folder: Path, call: str) -> None:
    done = shell(folder, call, "<&-")
    assert "Traceback" not in done.stderr
    assert "standard input is closed" in done.stderr or "no input" in done.stderr
    assert done.returncode in (2, 4)


def room_for(size: int) -> None:
    """Let files of this process have so many bytes. It must not write bytecode, which would stay cut off."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("verb", WRITERS)
def test_no_room_for_a_file_was_a_traceback(folder: Path, verb: str) -> None:
    (folder / "out").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "podhawk", *shlex.split(WRITERS[verb].format(long="x" * 200))],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PODHAWK_CONTENT_CACHE": "off", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: room_for(100),
    )
    assert "Traceback" not in done.stderr
    assert "cannot write" in done.stderr
    assert "out" in done.stderr
    assert "File too large\n  Free some space" in done.stderr
    assert done.returncode == 2
    left = [path for path in (folder / "out").rglob("*") if path.is_file() and verb != "docs"]
    assert left == []  # no half file


@pytest.mark.parametrize("call", ["fmt unformatted.yml", "lint --fix faulty.yml", "lint --baseline audit.known ."])
def test_a_full_disk_emptied_the_detection(folder: Path, call: str) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", "podhawk", *call.split()],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PODHAWK_CONTENT_CACHE": "off", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: room_for(10),
    )
    assert "Traceback" not in done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert "cannot write" in done.stderr
    assert done.returncode == 2


def test_a_file_is_replaced_with_its_mode_and_through_links(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    (tmp_path / "one").chmod(0o640)
    (tmp_path / "link").symlink_to("one")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert ((tmp_path / "one").read_text(), (tmp_path / "one").stat().st_mode & 0o777) == ("new", 0o640)
    with pytest.raises(TypeError), replacing(tmp_path / "one") as file:
        file.writelines(["half", 0])  # type: ignore[list-item]
    assert (tmp_path / "one").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "one"]


def test_memory_that_runs_out_was_a_traceback(folder: Path) -> None:
    limit = 700_000_000
    done = subprocess.run(
        [sys.executable, "-m", "podhawk", "search", "| makeresults count=1000000 | eval x=random()"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert "Traceback" not in done.stderr
    assert "needs more memory than" in done.stderr
    assert done.returncode == 2
