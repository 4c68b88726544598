"""Which content a verb takes if none is named: that of the working folder, never the shipped pack in its place."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support.command_line import podhawk
from support.findings import event, write

pytestmark = pytest.mark.slow

DETECTION = """\
name: Made
id: 11111111-1111-1111-1111-111111111111
version: 1
type: TTP
status: production
search: verb=create | table auditID user.username
severity: high
finding:
  title: $auditID$
  entity: {field: user.username, type: user, score: 90}
"""


def git(folder: Path, *arguments: str) -> None:
    name = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True)


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    """The root of a fork; it has a folder below that is no content."""
    root = tmp_path / "fork"
    (root / "detections").mkdir(parents=True)
    (root / "ci").mkdir()
    (root / "detections" / "made.yml").write_text(DETECTION)
    return root


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "audit.log", event("a"))


@pytest.mark.parametrize("where", [".", "ci", "detections"])
def test_the_shipped_pack_ran_in_place_of_the_working_folders_content(fork: Path, log: Path, where: str) -> None:
    done = podhawk("content", "list", "-o", "jsonl", cwd=fork / where)
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == ["Made"]
    assert f"content: {fork.resolve()} (of the working folder)\n" in done.stderr
    for verb in (["run"], ["search", "verb=create"], ["explain", "Made"], ["tune", "Made"]):
        done = podhawk(*verb, log, cwd=fork / where)
        assert (done.returncode, f"content: {fork.resolve()}" in done.stderr) == (0, True), done.stderr


def test_lint_and_test_checked_the_shipped_pack_in_the_root_of_a_fork(fork: Path) -> None:
    assert "1 detection:" in podhawk("lint", cwd=fork).stderr
    assert "Made" in podhawk("test", "-o", "jsonl", cwd=fork).stdout + podhawk("lint", cwd=fork).stdout


@pytest.mark.parametrize(
    "verb", [["lint"], ["test"], ["lint", "--changed", "main"], ["run", "--changed", "main", "LOG"]]
)
def test_without_content_the_shipped_pack_passed(empty: Path, log: Path, verb: list[str]) -> None:
    done = podhawk(*(str(log) if one == "LOG" else one for one in verb), cwd=empty)
    assert (done.returncode, done.stdout) == (3, "")
    assert "there is no content in" in done.stderr
    assert "name a content file or folder" in done.stderr


@pytest.mark.parametrize("marker", ["podhawk.toml", "contentctl.yml"])
def test_a_settings_file_alone_is_no_content(empty: Path, log: Path, marker: str) -> None:
    (empty / marker).write_text("")
    done = podhawk("run", log, cwd=empty)
    assert done.returncode == 0
    assert "content: the shipped pack\n" in done.stderr
    assert podhawk("lint", cwd=empty).returncode == 3
    (empty / "macros").mkdir()
    (empty / "macros" / "m.yml").write_text("name: m\ndefinition: verb=create\ndescription: d\n")
    assert "content: the shipped pack" not in podhawk("search", "`m`", log, cwd=empty).stderr


def test_a_folder_of_pictures_is_no_content(empty: Path, log: Path) -> None:
    (empty / "detections").mkdir()
    (empty / "detections" / "cat.png").write_bytes(b"\x89PNG")
    assert "content: the shipped pack\n" in podhawk("run", log, cwd=empty).stderr


@pytest.mark.needs("git")
@pytest.mark.parametrize("verb", [["lint"], ["test"], ["run", "LOG"], ["docs", "--output-dir", "site"]])
def test_changed_compared_content_that_is_not_in_the_repository(
    fork: Path, empty: Path, log: Path, verb: list[str]
) -> None:
    git(empty, "init", "-b", "main")
    git(empty, "commit", "--allow-empty", "-m", "a")
    content = ("--content", str(fork))
    named = [str(log) if one == "LOG" else one for one in verb]
    done = podhawk(*named, "--changed", "main", *content, cwd=empty)
    assert done.returncode == 2, done.stderr
    assert "git cannot list the changes" in done.stderr


@pytest.mark.needs("git")
def test_changed_in_the_root_of_a_fork(fork: Path) -> None:
    git(fork, "init", "-b", "main")
    git(fork, "add", ".")
    git(fork, "commit", "-m", "a")
    assert "0 detections:" in podhawk("lint", "--changed", "main", cwd=fork).stderr
    (fork / "detections" / "made.yml").write_text(DETECTION.replace("create", "delete"))
    assert "1 detection:" in podhawk("lint", "--changed", "main", cwd=fork / "ci").stderr


def test_quiet_says_nothing_and_rows_stay_alone_on_standard_output(fork: Path, log: Path) -> None:
    done = podhawk("search", "verb=create | table auditID", log, "--quiet", cwd=fork)
    assert (done.stdout, done.stderr) == ('{"auditID":"a"}\n', "")
