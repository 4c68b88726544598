"""What verbs show on terminals of three widths, kept as files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from podhawk.content.datasets import shipped_attacks
from support.command_line import podhawk
from support.screens import WIDTHS, check_screen

pytestmark = pytest.mark.slow

SCREENS = {
    "run": ("run", "audit.log.gz", "--limit", "3"),
    "run-flat": ("run", "audit.log.gz", "--group-by", "none", "--limit", "20"),
    "explain": ("explain", "audit.log.gz", "--finding", "0ce2f7b4"),
    "fields": ("fields", "audit.log.gz", "--limit", "25"),
    "timeline": ("timeline", "audit.log.gz", "--group-by", "actor", "--limit", "12"),
    "who": ("who", "mallory", "audit.log.gz", "--limit", "5"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("screens")
    shutil.copy(shipped_attacks(), made / "audit.log.gz")
    return made


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_screen(name: str, width: int, folder: Path) -> None:
    check_screen(name, width, *SCREENS[name], cwd=folder)


def test_fields_as_records(folder: Path) -> None:
    done = podhawk("fields", "audit.log.gz", "-o", "jsonl", cwd=folder)
    assert done.returncode == 0
    assert '"field":"user.username"' in done.stdout
    assert "Read " in done.stderr
