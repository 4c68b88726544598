"""Standard input, and pipes in place of files: read as often as needed, under their own name, and never left behind."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.test_unreadable import DETECTION, VERBS
from support.findings import event

pytestmark = pytest.mark.slow

COUNT = 40


def lines(count: int = COUNT, size: int = 0) -> str:
    note = {"note": "x" * size} if size else {}
    return "".join(json.dumps(event(f"a{number}", **note)) + "\n" for number in range(count))


@pytest.fixture
def command(tmp_path: Path) -> dict[str, list[str]]:
    """Each verb as a command that reads standard input."""
    (tmp_path / "made.yml").write_text(DETECTION)
    named = {"MADE": str(tmp_path / "made.yml"), "STATE": str(tmp_path / "state")}
    return {
        verb: [sys.executable, "-m", "podhawk", *(named.get(one, one) for one in arguments), "-"]
        for verb, arguments in VERBS.items()
    }


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def start(command: list[str], temporary: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("size", [0, 700_000], ids=["small", "for several processes"])
def test_a_copy_of_the_log_stayed_in_the_temporary_folder(
    command: dict[str, list[str]], temporary: Path, verb: str, size: int
) -> None:
    running = start([*command[verb], *(["-o", "jsonl"] if verb.startswith(("run", "search")) else [])], temporary)
    out, err = running.communicate(lines(size=size), timeout=120)
    assert running.returncode == 0, err
    assert list(temporary.iterdir()) == []
    assert "podhawk-stdin" not in out + err
    if verb.startswith(("run", "search")):
        rows = [one for one in map(json.loads, out.splitlines()) if one.get("kind") != "incident"]
        assert len(rows) == COUNT
        assert {re.sub(r"\d+", "N", info["source"]) for row in rows for info in row.get("requests", ())} <= {"-:N"}
    if verb == "explain":
        assert out.splitlines()[-1].split()[0] == str(COUNT)
    if verb == "diff":
        assert out == ""
        assert re.search(r"\b4\d findings unchanged", err)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("when", ["while it is copied", "while it is read"])
def test_a_run_that_is_killed_leaves_no_copy(
    command: dict[str, list[str]], temporary: Path, how: signal.Signals, when: str
) -> None:
    running = start([*command["run --rows"], "--jobs", "2"], temporary)
    assert running.stdin is not None
    assert running.stdout is not None
    if when == "while it is copied":
        running.stdin.write(lines())
        running.stdin.write("\n" * 2_000_000)  # more than a pipe holds: some of it has been copied
    else:
        running.stdin.write(lines(100_000))
        running.stdin.close()
        assert running.stdout.read(1000)  # it has begun to print, and goes on to
    running.stdin = None if running.stdin.closed else running.stdin
    running.send_signal(how)
    running.communicate(timeout=60)
    assert running.returncode != 0
    assert list(temporary.iterdir()) == []


def test_no_room_for_the_copy_is_told(command: dict[str, list[str]], temporary: Path) -> None:
    done = subprocess.run(
        command["run"],
        input=lines(size=100_000),
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TMPDIR": str(temporary), "PODHAWK_CONTENT_CACHE": "off", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )
    assert done.returncode == 4
    assert "cannot copy standard input to a temporary file: File too large" in done.stderr
    assert "TMPDIR" in done.stderr
    assert list(temporary.iterdir()) == []


def test_closed_standard_input_is_told(command: dict[str, list[str]]) -> None:
    for verb in ("run", "search", "explain"):
        script = " ".join(f"'{part}'" for part in command[verb]) + " <&-"
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
        assert done.returncode == 4
        assert "standard input is closed" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_a_pipe_in_the_place_of_a_file_was_read_once_by_searches_that_read_twice(
    command: dict[str, list[str]], temporary: Path, verb: str
) -> None:
    log = temporary.parent / "audit.log"
    log.write_text(lines())
    script = " ".join(f"'{part}'" for part in command[verb][:-1]) + f" <(cat {log})"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    shutil.rmtree(temporary.parent / "state", ignore_errors=True)
    plain = subprocess.run([*command[verb][:-1], str(log)], capture_output=True, text=True, timeout=60)
    assert done.returncode == plain.returncode == 0, done.stderr
    assert re.sub(r"/dev/fd/\d+", str(log), done.stdout) == plain.stdout


def test_baselines_and_detections_see_the_same_standard_input(tmp_path: Path, temporary: Path) -> None:
    """Baselines took all of it."""
    for folder, text in {
        "baselines": "name: Users\nid: b\nversion: 1\ntype: Baseline\nstatus: production\n"
        "search: '* | stats count by user.username | rename user.username as user | outputlookup known_users'\n",
        "detections": "name: Known User\nid: d\nversion: 1\ntype: Anomaly\nstatus: production\n"
        "search: verb=create | table auditID user.username\n",
        "lookups": "name: known_users\nfilename: known_users.csv\n",
    }.items():
        (tmp_path / "content" / folder).mkdir(parents=True)
        (tmp_path / "content" / folder / "one.yml").write_text(text)
    (tmp_path / "content" / "lookups" / "known_users.csv").write_text("user,count\n")
    command = [sys.executable, "-m", "podhawk", "run", "--content", str(tmp_path / "content"), "-"]
    options = ["--state", str(tmp_path / "state"), "--write", "--rows", "-o", "jsonl"]
    running = start([*command, *options], temporary)
    out, err = running.communicate(lines(), timeout=60)
    assert "baseline  Users: 1 row" in err
    assert len(out.splitlines()) == COUNT
