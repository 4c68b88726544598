"""A test whose needs are not met is skipped with the reason, and fails where all tests are demanded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT
from support.needs import NEEDS

SAMPLE = """
import pytest

def test_of_the_corpus(shared):
    pass

@pytest.mark.parametrize("row", [])
def test_of_each_row_of_the_corpus(row, shared):
    pass

def test_of_python():
    pass
"""


def outcome(folder: Path, **environment: str) -> str:
    """What pytest says of the sample, on a machine without the shared folder."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_sample.py").write_text(SAMPLE)
    known = {name: text for name, text in os.environ.items() if name != "PODHAWK_TEST_ALL"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-rsf", "-p", "no:cacheprovider", folder],
        capture_output=True,
        text=True,
        env={**known, "PODHAWK_SHARED": str(folder / "nowhere"), **environment},
        check=False,
    )
    return done.stdout


@pytest.mark.slow
def test_without_its_needs_a_test_is_skipped_with_the_reason(tmp_path: Path) -> None:
    said = outcome(tmp_path, CI="true")
    assert "1 passed, 2 skipped" in said
    assert "needs the shared folder" in said
    assert "empty parameter set" not in said


@pytest.mark.slow
def test_where_all_tests_are_demanded_a_skipped_test_fails(tmp_path: Path) -> None:
    said = outcome(tmp_path, PODHAWK_TEST_ALL="1")
    assert "1 passed, 2 errors" in said
    assert "needs the shared folder" in said


def test_every_group_has_a_marker(pytestconfig: pytest.Config) -> None:
    markers = {line.split(":")[0].split("(")[0] for line in pytestconfig.getini("markers")}
    assert {"corpus", "spark", "browser", "postgres"} == markers & NEEDS.keys()
