"""docs/repository.md: its commands run as they stand, then the steps of its workflow and of the action."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.needs("git", "hatchling")]

PAGE = (ROOT / "docs" / "repository.md").read_text("utf-8")
SCRIPT = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
EXPRESSION = re.compile(r"\$\{\{\s*([\w.]+(?:-\w+)*)\s*\}\}")
Values = Mapping[str, str]


def bash(script: str, folder: Path, environment: Values) -> subprocess.CompletedProcess[str]:
    """A script as a step of GitHub runs it."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user: a Python of his own with pip, in which podhawk is not installed but all that it needs;
    podhawk as a program on the PATH."""
    root = tmp_path_factory.mktemp("machine")
    subprocess.run([sys.executable, "-m", "venv", root / "python"], check=True, timeout=120)
    (packages,) = (root / "python" / "lib").glob("python*/site-packages")
    (packages / "needs.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    (root / "bin").mkdir()
    (root / "bin" / "podhawk").write_text(f'#!/bin/sh\nexec {sys.executable} -m podhawk "$@"\n')
    (root / "bin" / "podhawk").chmod(0o755)
    names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PODHAWK_"))},
        **dict.fromkeys(names, "somebody@example.com"),
        "PATH": f"{root / 'bin'}:{root / 'python' / 'bin'}:{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PODHAWK_CONTENT_CACHE": "off",
        # Nothing is downloaded: what podhawk needs is there. (The second name is a negation: 0 means without.)
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_DEPS": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.fixture(scope="module")
def repository(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that the commands of the page make."""
    folder = tmp_path_factory.mktemp("repository")
    done = bash(SCRIPT, folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "content"


def test_the_commands_of_the_page_make_a_repository(repository: Path, environment: dict[str, str]) -> None:
    for name in ("site/index.html", "build/podhawk_content-1.0.0.tar.gz", "build/layer.json", "results.xml"):
        assert (repository / name).is_file(), name
    assert list((repository / "golden").glob("*.jsonl"))
    log = bash("git status --porcelain && git log --format=%s", repository, environment).stdout
    assert log.splitlines() == ["Check content in CI", "The night ends an hour later", "Pods that are made at night"]


def filled(text: str, values: Values) -> str:
    """A text with its expressions replaced. An expression that nothing defines is empty, as on GitHub."""
    return EXPRESSION.sub(lambda found: values.get(found[1], ""), text)


def holds(condition: str | None, values: Values) -> bool:
    """Whether a step runs: `if` compares one value with a text."""
    if condition is None:
        return True
    name, wanted = re.fullmatch(r"([\w.-]+) == '(.*)'", condition).groups()  # type: ignore[union-attr]
    return values.get(name, "") == wanted


def run_steps(
    steps: list[dict[str, Any]], folder: Path, environment: Values, values: Values
) -> subprocess.CompletedProcess[str]:
    """Run steps until one fails: scripts as they stand, our action by its own steps. Actions of others, which give what
    the test has given already, are passed over."""
    done = subprocess.CompletedProcess([], 0, "", "")
    for step in steps:
        uses = step.get("uses", "")
        if not holds(step.get("if"), values):
            continue
        if "/podhawk@" in uses:
            given = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
            assert set(step["with"]) <= set(given)
            given |= {name: filled(str(text), values) for name, text in step["with"].items()}
            inner = {**values, "github.action_path": str(ROOT)} | {f"inputs.{name}": one for name, one in given.items()}
            done = run_steps(ACTION["runs"]["steps"], folder, environment, inner)
        elif uses:
            assert uses.startswith("actions/"), uses
        else:
            own = {name: filled(str(text), values) for name, text in step.get("env", {}).items()}
            done = bash(filled(step["run"], values), folder, {**environment, **own})
        if done.returncode:
            break
    return done


@pytest.fixture
def checkout(repository: Path, environment: dict[str, str], tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A fresh clone of the branch, as actions/checkout makes it, and the environment of its steps: without podhawk."""
    folder = tmp_path / "work" / "content"
    done = bash(f"git clone -q {repository} {folder}", tmp_path, environment)
    assert done.returncode == 0, done.stderr
    path = environment["PATH"].split(":", 1)[1]
    installed = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    return folder, {**installed, "PATH": path, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}


def workflow(folder: Path) -> list[dict[str, Any]]:
    found = yaml.safe_load((folder / ".github" / "workflows" / "content.yml").read_text("utf-8"))
    steps: list[dict[str, Any]] = found["jobs"]["content"]["steps"]
    return steps


def pull_request(folder: Path, environment: Values) -> dict[str, str]:
    """The values of a pull request from this branch into main."""
    base = bash("git rev-parse origin/main", folder, environment).stdout.strip()
    return {"github.event_name": "pull_request", "github.event.pull_request.base.sha": base}


def test_the_steps_of_the_workflow_on_a_pull_request(checkout: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    folder, environment = checkout
    done = run_steps(workflow(folder), folder, environment, pull_request(folder, environment))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "site" / "index.html").is_file()
    assert (folder / "build" / "podhawk_content-1.0.0.tar.gz").is_file()
    assert (tmp_path / "summary.md").is_file()


def test_the_steps_of_the_workflow_on_main(checkout: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    folder, environment = checkout
    done = run_steps(workflow(folder), folder, environment, {"github.event_name": "push"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "summary.md").exists()


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ("s/user.username objectRef.namespace/user.usrname objectRef.namespace/", 3, "::error"),
        ("s/< 6/< 0/", 6, "failed"),
    ],
    ids=["a typo fails lint", "a detection that finds nothing fails its test"],
)
def test_a_fault_fails_the_workflow(checkout: tuple[Path, dict[str, str]], change: str, code: int, told: str) -> None:
    folder, environment = checkout
    done = bash(f"sed -i '{change}' detections/*.yml && git commit -qam fault", folder, environment)
    assert done.returncode == 0, done.stderr
    done = run_steps(workflow(folder), folder, environment, pull_request(folder, environment))
    assert done.returncode == code, done.stdout + done.stderr
    assert told in done.stdout + done.stderr


def test_a_finding_that_is_lost_fails_the_workflow(checkout: tuple[Path, dict[str, str]]) -> None:
    folder, environment = checkout
    values = pull_request(folder, environment)
    script = (
        "rm -r detections/* golden datasets/*day* && podhawk new detection Another && git add -A && git commit -qm lost"
    )
    done = bash(f"python -m pip install -q {ROOT} && {script}", folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    differ = [step for step in workflow(folder) if step.get("name") == "Findings that differ"]
    done = run_steps(differ, folder, environment, values)
    assert done.returncode == 5, done.stdout + done.stderr


def test_every_input_of_the_action_is_in_the_page() -> None:
    for name, one in ACTION["inputs"].items():
        default = f"`{one['default']}`" if one["default"] else ""
        assert f"| `{name}` | {default}" in PAGE, name
