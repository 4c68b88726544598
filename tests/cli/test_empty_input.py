"""An input that holds nothing is an error of every verb that reads logs, not a log in which nothing happened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cli.test_unreadable import assert_error, counted, each_verb
from support.command_line import podhawk

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf", b"\0\0"])
def test_an_input_without_anything_was_silent(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(content)
    assert_error(each_verb(tmp_path, log), "no audit event in the input: it is ")
    assert_error(each_verb(tmp_path, log, "--strict"), "no audit event in the input: it is ")
    done = subprocess.run([sys.executable, "-m", "podhawk", "run", "-"], input=content, capture_output=True, timeout=60)
    assert done.returncode == 4


@pytest.mark.parametrize("form", ["json", "text"])
def test_where_anything_counts_having_nothing_is_a_result(tmp_path: Path, form: str) -> None:
    (tmp_path / "empty").write_text("")
    assert counted(tmp_path / "empty", "--input-format", form)[0] == 0


def test_who_without_a_name_asked_for_the_user_without_one() -> None:
    done = podhawk("who", "", "audit.log")
    assert (done.returncode, done.stdout) == (2, "")
    assert "must not be empty" in done.stderr
