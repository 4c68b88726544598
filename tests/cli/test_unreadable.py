"""Files and folders that cannot be read: an error if they are named, a gap that is told in a folder or glob."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.findings import event
from support.unprivileged import Done, podhawk

pytestmark = pytest.mark.slow

BROKEN_DISK = Path("/proc/self/mem")  # a file whose first byte cannot be read
broken_disk = pytest.mark.skipif(
    not BROKEN_DISK.exists(), reason="needs a file that fails to be read, as Linux has in /proc"
)
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
VERBS = {
    "run": ["run", "--content", "MADE"],
    "run --rows": ["run", "--rows", "--content", "MADE"],
    "run --state": ["run", "--content", "MADE", "--state", "STATE"],
    "run --write": ["run", "--content", "MADE", "--state", "STATE", "--write"],
    "run --quiet": ["run", "--content", "MADE", "--quiet"],
    "search": ["search", "verb=create | table auditID"],
    "search twice": ["search", "[search verb=create | table auditID] | table auditID"],
    "explain": ["explain", "Made", "--content", "MADE"],
    "explain --event": ["explain", "Made", "--content", "MADE", "--event", "a0"],
    "tune": ["tune", "Made", "--content", "MADE"],
    "learn": ["learn", "--content", "MADE"],
    "diff": ["diff", "MADE", "MADE"],
    "fields": ["fields"],
    "who": ["who", "alice", "--content", "MADE"],
    "timeline": ["timeline", "--content", "MADE"],
}
SUMMARISED = (
    "run", "run --rows", "run --state", "run --write", "search", "search twice", "learn", "fields", "who", "timeline",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Logs, some of which can be read. What was locked is unlocked, so that it can be removed."""
    made = tmp_path / "logs"
    made.mkdir()
    write(made / "a.log", "a")
    yield made
    made.chmod(0o700)
    for parent, folders, files in os.walk(made):
        for name in (*folders, *files):
            if not (Path(parent) / name).is_symlink():
                (Path(parent) / name).chmod(0o700)


def write(path: Path, name: str, count: int = 3, size: int = 0) -> Path:
    note = {"note": "x" * size} if size else {}
    path.write_text("".join(json.dumps(event(f"{name}{number}", **note)) + "\n" for number in range(count)))
    return path


def locked(path: Path) -> Path:
    path.chmod(0)
    return path


def each_verb(tmp_path: Path, *arguments: str | Path) -> dict[str, Done]:
    """What each verb makes of the same paths."""
    made = tmp_path / "made.yml"
    made.write_text(DETECTION)
    named = {"MADE": str(made), "STATE": str(tmp_path / "state")}
    done = podhawk(*([named.get(one, one) for one in verb] + list(arguments) for verb in VERBS.values()))
    return dict(zip(VERBS, done, strict=True))


def assert_error(done: dict[str, Done], *messages: str) -> None:
    for verb, one in done.items():
        assert one.code == 4, (verb, one.err)
        assert [message for message in messages if message not in one.err] == [], (verb, one.err)
        assert one.out == "", verb


def assert_told(done: dict[str, Done], warning: str, rejected: str) -> None:
    for verb, one in done.items():
        assert one.code == 0, (verb, one.err)
        assert one.err.count(warning) == 1, (verb, one.err)
        assert (f"rejected: {rejected}" in one.err) is (verb in SUMMARISED), (verb, one.err)


def assert_strict(done: dict[str, Done], rejected: str) -> None:
    for verb, one in done.items():
        assert one.code == 4, (verb, one.err)
        assert f"rejected input under --strict: {rejected}" in one.err, (verb, one.err)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_file_without_permission_was_a_traceback(folder: Path, tmp_path: Path, jobs: str) -> None:
    path = locked(write(folder / "b.log", "b", 30, 1_000_000))
    done = each_verb(tmp_path, folder / "a.log", path, "--jobs", jobs)
    assert_error(done, f"{path} cannot be read: Permission denied", f"sudo cat {path} | podhawk run -")


@pytest.mark.parametrize("given", ["logs", "logs/*.log", "l*"])
def test_one_unreadable_file_in_a_folder_ended_the_run(folder: Path, tmp_path: Path, given: str) -> None:
    path = locked(write(folder / "b.log", "b"))
    write(folder / "c.log", "c")
    rejected = f"1 × file that cannot be read (first at {path})"
    assert_told(each_verb(tmp_path, tmp_path / given), f"warning: {path} was not read: Permission denied.", rejected)
    assert_strict(each_verb(tmp_path, tmp_path / given, "--strict"), rejected)


@pytest.mark.parametrize("given", ["logs", "logs/*.log"])
def test_a_folder_whose_files_cannot_be_read_is_an_error(folder: Path, tmp_path: Path, given: str) -> None:
    locked(folder / "a.log")
    locked(write(folder / "b.log", "b"))
    done = each_verb(tmp_path, tmp_path / given)
    assert_error(done, f"nothing can be read: {folder / 'a.log'} was not read: Permission denied.")


@pytest.mark.parametrize("given", ["logs", "logs/*.log", "logs/a.log", "logs/*/a.log"])
def test_an_unreadable_folder_was_an_empty_one(folder: Path, tmp_path: Path, given: str) -> None:
    locked(folder)
    done = each_verb(tmp_path, tmp_path / given)
    assert_error(done, "cannot be read: Permission denied", str(folder))
    assert "no such file" not in "".join(one.err for one in done.values())


@pytest.mark.parametrize("given", ["logs", "logs/**/*.log", "logs/*/x.log"])
def test_an_unreadable_folder_inside_was_skipped_in_silence(folder: Path, tmp_path: Path, given: str) -> None:
    for name in ("a", "two"):
        (folder / name).mkdir()
        write(folder / name / "x.log", name)
    path = locked(folder / "two")
    rejected = f"1 × folder that was not read (first at {path})"
    assert_told(each_verb(tmp_path, tmp_path / given), f"warning: {path} was not read: Permission denied.", rejected)
    assert_strict(each_verb(tmp_path, tmp_path / given, "--strict"), rejected)


def test_a_folder_with_nothing_but_a_linked_folder_was_an_empty_one(folder: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "current").symlink_to(folder)
    why = f"{links / 'current'} was not read: links to folders are not followed. Name it to read it."
    assert_error(each_verb(tmp_path, links), "nothing can be read: " + why.partition(". ")[0], "Name it to read it.")
    assert {one.code for one in each_verb(tmp_path, links / "current").values()} == {0}
    write(links / "own.log", "a")
    rejected = f"1 × folder that was not read (first at {links / 'current'})"
    assert_told(each_verb(tmp_path, links), f"warning: {why}", rejected)
    assert_strict(each_verb(tmp_path, links, "--strict"), rejected)


def counted(*arguments: str | Path) -> tuple[int, str]:
    """How many events a search finds, and what it says."""
    (done,) = podhawk(["search", "* | stats count", *arguments])
    assert done.code == 0, done.err
    return int(json.loads(done.out)["count"]), done.err


@pytest.mark.parametrize("target", [".", "inner", "../logs/inner", "ABSOLUTE"])
def test_a_link_to_what_is_read_anyway_is_no_gap(folder: Path, target: str) -> None:
    (folder / "inner").mkdir()
    write(folder / "inner" / "b.log", "b")
    (folder / "link").symlink_to(folder if target == "ABSOLUTE" else Path(target))
    count, told = counted(folder, "--strict")
    assert count == 6
    assert "warning" not in told


@pytest.mark.parametrize("target", ["..", ".hidden", "/proc/self"])
def test_a_link_to_what_is_not_read_is_a_gap(folder: Path, target: str) -> None:
    (folder / ".hidden").mkdir()
    write(folder / ".hidden" / "b.log", "b")
    (folder / "link").symlink_to(target)
    count, told = counted(folder)
    assert count == 3
    assert f"warning: {folder / 'link'} was not read" in told


def test_links_to_files_are_read_and_those_that_lead_nowhere_told(folder: Path, tmp_path: Path) -> None:
    (folder / "link.log").symlink_to(write(tmp_path / "elsewhere.log", "e"))
    (folder / "nowhere.log").symlink_to(tmp_path / "nowhere")
    (folder / "circle.log").symlink_to("circle.log")
    count, told = counted(folder)
    assert count == 6
    assert f"warning: {folder / 'nowhere.log'} was not read: No such file or directory. It is a link" in told
    assert f"warning: {folder / 'circle.log'} was not read: " in told
    assert "rejected: 2 × file that cannot be read" in told
    (done,) = podhawk(["search", "*", folder / "nowhere.log"])
    assert done.code == 4


@pytest.mark.parametrize("name", ["nothing", "a hidden file", "folders"])
def test_an_empty_folder_was_silent(tmp_path: Path, name: str) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    if name == "a hidden file":
        write(empty / ".hidden.log", "h")
    if name == "folders":
        (empty / "a" / "b").mkdir(parents=True)
    assert_error(each_verb(tmp_path, empty), f"there is no file in {empty}")


def test_an_empty_folder_beside_others_is_normal(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(folder / "empty.log", "", 0)
    assert counted(tmp_path / "empty", folder, "--strict")[0] == 3


@broken_disk
def test_a_disk_that_fails_is_told(folder: Path, tmp_path: Path) -> None:
    done = each_verb(tmp_path, folder / "a.log", BROKEN_DISK)
    assert_error(done, f"{BROKEN_DISK} cannot be read: Input/output error", "Look at the disk")
    path = folder / "b.log"
    path.symlink_to(BROKEN_DISK)
    rejected = f"1 × file that cannot be read to its end (first at {path}:1)"
    warning = f"warning: {path} was not read to its end: Input/output error. Look at the disk"
    assert_told(each_verb(tmp_path, folder), warning, rejected)
    assert_strict(each_verb(tmp_path, folder, "--strict"), rejected)


@broken_disk
def test_a_disk_that_fails_in_one_of_several_processes(folder: Path) -> None:
    for number in range(3):
        write(folder / f"{number}.log", f"{number}-", 10, 1_000_000)
    (folder / "b.log").symlink_to(BROKEN_DISK)
    for jobs in ("1", "2"):
        count, told = counted(folder, "--jobs", jobs)
        assert count == 33
        assert "rejected: 1 × file that cannot be read to its end" in told
        assert "from 5 files" in told


def test_many_gaps_are_counted_after_the_first(folder: Path) -> None:
    for number in range(30):
        locked(write(folder / f"b{number:02}.log", "b"))
    _, told = counted(folder)
    assert told.count("was not read: Permission denied") == 20
    assert "warning: 10 more files could not be read" in told
    assert "rejected: 30 × file that cannot be read" in told


def test_tests_of_content_say_that_a_dataset_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    path = locked(folder / "a.log")
    (tmp_path / "made.yml").write_text(DETECTION + f"tests:\n- name: x\n  attack_data: [{{data: {path}}}]\n")
    (done,) = podhawk(["test", "--content", tmp_path / "made.yml", "-o", "jsonl"])
    assert done.code == 6
    (outcome,) = (json.loads(line) for line in done.out.splitlines())
    assert outcome["outcome"] == "failed"
    assert f"{path} cannot be read: Permission denied" in outcome["message"]


def test_replay_says_that_a_dataset_cannot_be_read(folder: Path) -> None:
    path = locked(folder / "a.log")
    (done,) = podhawk(["replay", path, "--to", "http://127.0.0.1:1/audit", "--dry-run"])
    assert f"{path} cannot be read: Permission denied" in done.err
    assert done.code == 4
