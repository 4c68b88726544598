"""However many events stand on a line, in whatever wrapping, each verb counts all of them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from podhawk.cli.main import invoke
from support.lines_of_events import PER_LINE, WRAPPINGS, line, numbered, rules
from support.samples import event, text

pytestmark = pytest.mark.slow

NAMES = [*WRAPPINGS, "rule tests"]
EXPECTED = {f"{name}.{count}": count for name in NAMES for count in PER_LINE}
SEARCH = "verb=create objectRef.resource=pods | table auditID user.username"
DETECTION = (
    "name: Pod Created\nid: 11111111-1111-1111-1111-111111111111\nversion: 1\ntype: TTP\nstatus: production\n"
    "search: {search}\nfinding:\n  title: a pod\n  entity: {{field: user.username, type: user, score: 90}}\n"
    "severity: high\n"
)
Podhawk = Callable[..., str]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for each wrapping and number of events on a line, between lines that are one event each."""
    folder = tmp_path_factory.mktemp("logs")
    around = text(event("other", "get", objectRef={"resource": "secrets"})) + "\n"
    for name in WRAPPINGS:
        for count in PER_LINE:
            (folder / f"{name}-{count}.log").write_text(around + line(name, count) + around)
    for count in PER_LINE:
        (folder / f"rule tests-{count}.yml").write_text(rules(count))
    return folder


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("content")
    (folder / "made.yml").write_text(DETECTION.format(search=SEARCH))
    return folder


@pytest.fixture
def podhawk(capsys: pytest.CaptureFixture[str]) -> Podhawk:
    """What a command line prints; it must end with code 0."""

    def run(*arguments: str | Path) -> str:
        code = invoke([str(one) for one in arguments])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    return run


def counted(audit_ids: Iterable[str]) -> dict[str, int]:
    return dict(Counter(one.rpartition(".")[0] for one in audit_ids))


def objects(printed: str) -> list[dict]:
    return [json.loads(one) for one in printed.splitlines()]


def test_search_gives_a_row_for_each(podhawk: Podhawk, logs: Path) -> None:
    assert counted(row["auditID"] for row in objects(podhawk("search", SEARCH, logs, "-o", "jsonl"))) == EXPECTED


def test_only_the_first_event_of_a_line_made_a_finding(podhawk: Podhawk, logs: Path, content: Path) -> None:
    found = objects(podhawk("run", "--content", content, "-o", "jsonl", logs))
    assert counted(one["requests"][0]["audit_id"] for one in found if one["kind"] != "incident") == EXPECTED
    strict = objects(podhawk("run", "--content", content, "-o", "jsonl", *ones_without_rejects(logs), "--strict"))
    assert len([one for one in strict if one["kind"] != "incident"]) > len(EXPECTED)


def ones_without_rejects(logs: Path) -> list[Path]:
    return [path for path in sorted(logs.iterdir()) if "in parts" not in path.name]


def test_rows_are_given_for_each(podhawk: Podhawk, logs: Path, content: Path) -> None:
    rows = objects(podhawk("run", "--rows", "--content", content, "-o", "jsonl", logs))
    assert counted(one["row"]["auditID"] for one in rows) == EXPECTED


def test_a_state_keeps_each(podhawk: Podhawk, logs: Path, content: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    for _ in range(2):  # what is kept is joined with what is read
        found = objects(podhawk("run", "--all-known", "--content", content, "-o", "jsonl", "--state", state, logs))
        assert counted(one["requests"][0]["audit_id"] for one in found if one["kind"] != "incident") == EXPECTED
    rows = objects(
        podhawk("search", '| from datamodel:Findings.All_Findings | table "requests{}.audit_id"', "--state", state)
    )
    assert counted(row["requests{}.audit_id"] for row in rows) == EXPECTED


def test_explain_counts_each(podhawk: Podhawk, logs: Path, content: Path) -> None:
    printed = podhawk("explain", "--content", content, "made", logs)
    total = sum(EXPECTED.values())
    assert [line.split()[0] for line in printed.splitlines() if line.endswith("objectRef.resource=pods")] == [
        f"{total}"
    ], printed


@pytest.mark.parametrize("name", WRAPPINGS)
def test_explain_finds_the_event_that_is_asked_for(podhawk: Podhawk, logs: Path, content: Path, name: str) -> None:
    (last,) = (one["auditID"] for one in numbered(name, 5)[-1:])
    printed = podhawk("explain", "--content", content, "made", "--event", last, logs / f"{name}-5.log")
    assert printed.count("passes all steps") == 1


def test_tune_measures_each(podhawk: Podhawk, logs: Path, content: Path) -> None:
    printed = podhawk("tune", "--content", content, "made", "--when", "verb=create", logs)
    total = sum(EXPECTED.values())
    assert f"hides {total} of {total} visible findings" in printed


def test_diff_compares_each(podhawk: Podhawk, logs: Path, content: Path, tmp_path: Path) -> None:
    (tmp_path / "made.yml").write_text(DETECTION.format(search="verb=nothing | table auditID"))
    rows = objects(podhawk("diff", tmp_path, content, logs, "-o", "jsonl"))
    assert len([row for row in rows if row["what"] == "appears" and row["detection"] == "Pod Created"]) == sum(
        EXPECTED.values()
    )


def test_tests_of_content_see_each(podhawk: Podhawk, logs: Path, tmp_path: Path) -> None:
    logs = shutil.copytree(logs, tmp_path / "logs")  # datasets lie in the content
    for number, (name, count) in enumerate((name, count) for name in NAMES for count in PER_LINE):
        path = logs / f"{name}-{count}.{'yml' if name == 'rule tests' else 'log'}"
        made = DETECTION.format(search=SEARCH).replace("Pod Created", f"{name} {count}").replace("1111-", f"{number}-")
        tests = f"tests:\n- name: x\n  attack_data: [{{data: {json.dumps(str(path))}}}]\n  expected_results: {count}\n"
        (tmp_path / f"made{number}.yml").write_text(made + tests)
    results = objects(podhawk("test", "--content", tmp_path, "-o", "jsonl"))
    assert {one["detection"]["name"]: one["outcome"] for one in results} == {
        f"{name} {count}": "passed" for name in NAMES for count in PER_LINE
    }


@pytest.mark.parametrize("name", WRAPPINGS)
def test_replay_sends_each(podhawk: Podhawk, logs: Path, name: str) -> None:
    printed = podhawk("replay", logs / f"{name}-5.log", "--to", "http://127.0.0.1:1/audit", "--dry-run")
    assert "would send 7 events" in printed


@pytest.mark.parametrize("name", WRAPPINGS)
def test_several_processes_count_each(podhawk: Podhawk, content: Path, tmp_path: Path, name: str) -> None:
    log = tmp_path / "audit.log"
    long = text(event("other", "get", objectRef={"resource": "secrets"}, note="x" * 1_000_000)) + "\n"
    with log.open("w") as file:  # large enough to be shared out
        for count in (0, *PER_LINE):
            file.write(long * 7 + (line(name, count) if count else ""))
    expected = {f"{name}.{count}": count for count in PER_LINE}
    for jobs in ("1", "2"):
        rows = objects(podhawk("search", SEARCH, log, "-o", "jsonl", "--jobs", jobs))
        assert counted(row["auditID"] for row in rows) == expected
        found = objects(podhawk("run", "--content", content, "-o", "jsonl", log, "--jobs", jobs))
        assert counted(one["requests"][0]["audit_id"] for one in found if one["kind"] != "incident") == expected


def test_places_are_told_apart(podhawk: Podhawk, logs: Path, content: Path) -> None:
    found = objects(podhawk("run", "--content", content, "-o", "jsonl", logs))
    places = Counter(one["requests"][0]["source"] for one in found if one["kind"] != "incident")
    assert {place: count for place, count in places.items() if count > 1} == {}
