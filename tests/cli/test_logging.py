"""What podhawk works around is logged, and shown to nobody who does not ask."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.cache import WORTH_IT, kept
from podhawk.content.load import shipped_pack
from podhawk.content.model import Content
from podhawk.content.parsed import SUFFIX
from support.findings import event, write
from without import run_without

pytestmark = pytest.mark.slow


def podhawk(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "podhawk", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **(env or {})},
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "a.log", *(event(str(number)) for number in range(3)))


def test_a_missing_package_that_makes_podhawk_slow_is_told_on_request(log: Path) -> None:
    search = ("search", "verb=create | stats count", log)
    assert "Hyperscan" not in run_without({"hyperscan"}, *search).stderr
    told = run_without({"hyperscan"}, *search, "--verbose").stderr
    assert "WARNING podhawk.engine.prefilter.patterns: no prefilter, every line is decoded: Hyperscan cannot be" in told


@pytest.mark.parametrize(("more", "env"), [(["--verbose"], {}), ([], {"PODHAWK_VERBOSE": "1"})])
def test_content_that_cannot_be_kept_is_told(more: list[str], env: dict[str, str], log: Path) -> None:
    folder = log.parent / "content"
    folder.mkdir()
    for number in range(WORTH_IT):
        (folder / f"{number}.yml").write_text(f"name: m{number}\ndefinition: verb=create\n")
    place = log / "no folder"
    search = ("search", "`m1` | stats count", log, "--content", folder, "--content-cache", place)
    done = podhawk(*search, *more, env=env)
    assert done.returncode == 0, done.stderr
    assert f"podhawk.content.cache: kept content cannot be read and is written anew: {place}" in done.stderr
    assert f"podhawk.content.parsed: content cannot be kept in {place}: " in done.stderr
    quiet = podhawk(*search)
    assert quiet.stdout == done.stdout
    assert "podhawk.content" not in quiet.stderr


def test_damaged_content_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / f"x{SUFFIX}"
    path.write_bytes(b"nonsense")
    with caplog.at_level(logging.DEBUG, "podhawk"):
        assert kept(path) is None
        assert kept(tmp_path / "none") is None
    assert [(one.levelname, one.name) for one in caplog.records] == [
        ("WARNING", "podhawk.content.cache"),
        ("DEBUG", "podhawk.content.cache"),
    ]


def test_a_scan_that_falls_back_to_one_process_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    line = json.dumps(event("1")) + "\n"
    path = tmp_path / "a.log"
    path.write_text(line * 60_000 + '{"kind":"Event",\n "auditID":"two lines","verb":"create"}\n' + line)
    with caplog.at_level(logging.INFO, "podhawk"):
        found = api.search("verb=create | stats count", path, content=Content(), jobs=2)
    assert list(found) == [{"count": "60002"}]
    assert [one.message for one in caplog.records if one.name == "podhawk.engine.run.workers"] == [
        "a process could not finish: the input is read again, in one process"
    ]
    assert f"{path}: every line is read from line " in caplog.text


def test_nothing_is_imported_for_logging_where_there_is_nothing_to_log(log: Path) -> None:
    code = f"""
import sys
import podhawk
podhawk.search("verb=create | stats count", {str(log)!r}, content={str(shipped_pack() / "macros")!r})
print("logging" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
