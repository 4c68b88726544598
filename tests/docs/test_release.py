"""What a release needs: one version everywhere, a complete wheel, workflows for the Pythons that are supported."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from podhawk import __version__
from support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
faults = runpy.run_path(str(ROOT / "scripts" / "check-wheel"))["faults"]


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", text, re.MULTILINE)[0] == __version__


def test_the_workflow_tests_every_python_that_the_package_names() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    named = [one.rsplit(" ", 1)[1] for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_forms_and_workflows_can_be_read(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


@pytest.mark.slow
@pytest.mark.needs("hatchling")
def test_the_wheel_is_complete(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert faults(wheel, __version__) == []
    assert faults(wheel, "9.9") == [f"the wheel has version {__version__}, the tag says 9.9"]
    smaller = tmp_path / "smaller" / wheel.name
    smaller.parent.mkdir()
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(smaller, "w") as part:
        for name in whole.namelist():
            if name != "podhawk/api.py":
                part.writestr(name, whole.read(name))
        part.writestr("tests/test_x.py", "")
    assert faults(smaller) == ["missing: podhawk/api.py", "does not belong there: tests/test_x.py"]
