"""What pyproject.toml says of the package, and what the script that checks wheels makes of it."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path

import podhawk

ROOT = Path(__file__).resolve().parent.parent
FILE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = FILE["project"]
CHECK = runpy.run_path(str(ROOT / "scripts" / "check-wheels"))


def test_the_version_is_declared_once() -> None:
    assert "version" in PROJECT["dynamic"]
    file = ROOT / FILE["tool"]["hatch"]["version"]["path"]
    assert f'__version__ = "{podhawk.__version__}"' in file.read_text(encoding="utf-8")


def test_types_are_shipped() -> None:
    assert (ROOT / "src" / "podhawk" / "py.typed").is_file()
    assert "Typing :: Typed" in PROJECT["classifiers"]


def test_wheels_are_checked_for_each_python_that_is_classified() -> None:
    named = {line.rpartition(" :: ")[2] for line in PROJECT["classifiers"] if "Python :: 3." in line}
    assert named == set(CHECK["PYTHONS"])
    assert PROJECT["requires-python"] == f">={CHECK['PYTHONS'][0]}"


def test_markers_are_evaluated_for_the_platform_that_is_asked_about() -> None:
    found = {
        python: CHECK["requirements"](PROJECT, ["postgres"], python, "linux", "aarch64") for python in CHECK["PYTHONS"]
    }
    assert any(line.startswith("backports.zstd") for line in found["3.13"])
    assert not any(line.startswith("backports.zstd") for line in found["3.14"])
    assert any(line.startswith("psycopg") for line in found["3.14"])
    assert not any(";" in line for lines in found.values() for line in lines)


def test_no_large_package_comes_back() -> None:
    """numpy, plotext, rich and zstandard were half of what an installation took."""
    large = {"numpy", "pandas", "pyarrow", "polars", "plotext", "rich", "zstandard"}
    named = {line.partition(">")[0].strip().lower() for line in PROJECT["dependencies"]}
    assert named & large == set()
