"""explain, tune and diff, as they are called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from podhawk.content.load import load_content
from podhawk.detect.findings import Policies
from podhawk.detect.rank.exceptions import load_exceptions
from support.command_line import podhawk
from support.findings import NOW, event, received, run, write

pytestmark = pytest.mark.slow

CONTENT = """name: Pods
id: 5b0d6c5e-1111-4a86-8d6c-5a2f7d1e9b41
version: 1
type: Anomaly
status: production
search: >-
  verb=create `pods` objectRef.namespace IN (default, kube-system)
  | stats count by user.username user.uid | rename user.uid as uid
rba:
  message: $user.username$ made a pod
  risk_objects:
  - {field: user.username, type: user, score: 60}
tests:
- name: attack
  attack_data:
  - data: attack.log
"""
MACRO = "name: pods\ndefinition: objectRef.resource=pods\n"
UID = {"username": "alice", "uid": "u-1", "groups": ["dev"]}


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "pods.yml").write_text(CONTENT)
    (folder / "macro.yml").write_text(MACRO)
    write(folder / "attack.log", event("x", user={**UID, "username": "mallory"}))
    return folder


def explain(content: Path, log: Path, *more: object) -> str:
    done = podhawk("explain", "pods", "--content", content, log, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_explain_counts_what_each_part_and_step_leaves_and_expands_macros(content: Path, tmp_path: Path) -> None:
    log = write(
        tmp_path / "a.log",
        event("1", user=UID),
        event("2", user=UID, verb="get"),
        event("3", objectRef={"resource": "secrets"}),
        event("4", user=UID, objectRef={"resource": "pods", "namespace": "team-a"}),
    )
    lines = [line.split() for line in explain(content, log).splitlines()]
    assert ["3", "search", "verb=create"] in lines
    assert ["2", "objectRef.resource=pods"] in lines
    assert ["1", "objectRef.namespace", "IN", "(default,", "kube-system)"] in lines
    assert ["1", "|", "rename", "user.uid", "AS", "uid"] in lines


def test_explain_shows_the_nearest_misses_with_the_part_they_fail_and_the_value(content: Path, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("near", user=UID, objectRef={"resource": "pods", "namespace": "team-a"}))
    told = explain(content, log)
    assert "a.log:1 near create /api/v1/namespaces/default/pods by alice" in told
    assert "fails objectRef.namespace IN (default, kube-system): objectRef.namespace is team-a" in told


def test_explain_names_the_field_that_nothing_has(content: Path, tmp_path: Path) -> None:
    told = explain(content, write(tmp_path / "a.log", event()))
    assert "0 rows, because no row before this step has user.uid" in told


def test_explain_follows_one_request(content: Path, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", received("r", user=UID), event("r", user=UID, objectRef={"resource": "nodes"}))
    told = explain(content, log, "--event", "r")
    assert "a.log:1 RequestReceived: passes all steps" in told
    assert "fails objectRef.resource=pods: objectRef.resource is nodes" in told
    assert podhawk("explain", "pods", "--content", content, log, "--event", "no").returncode == 4


def test_explain_prints_the_events_behind_a_finding(content: Path, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", received("r", user=UID), event("r", user=UID))
    loaded = load_content([content])
    finding = next(iter(run(log, *loaded.detections[:0], *loaded.detections)), None)
    assert finding is None  # the macro is not in this content: a detection that cannot run says so
    done = podhawk("run", "--content", content, log, "-o", "jsonl", "--state", tmp_path / "state")
    finding_id = done.stdout.split('"finding_id":"')[1].split('"')[0]
    for where in ([log, "--content", content], ["--state", tmp_path / "state", "--content", content]):
        assert podhawk("explain", "--finding", finding_id, "-o", "jsonl", *where).stdout == log.read_text()
        listed = json.loads(podhawk("explain", "--finding", finding_id, "-o", "json", *where).stdout)
        assert listed == [json.loads(line) for line in log.read_text().splitlines()]
        told = podhawk("explain", "--finding", finding_id, *where).stdout
        assert "\nWhy it fired\n" in told
        assert "objectRef.namespace is default" in told
    assert podhawk("explain", "--finding", "nothing", "--content", content, log).returncode == 2


def tune(content: Path, log: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return podhawk("tune", "pods", "--content", content, "--now", NOW, log, *more)


def benign(tmp_path: Path) -> Path:
    return write(
        tmp_path / "a.log",
        *(event(f"r{number}", at=f"10:00:0{number}.1", user=UID) for number in range(4)),
        event("m", user={**UID, "username": "mallory"}),
    )


def test_tune_proposes_the_smallest_conditions_with_what_they_hide(content: Path, tmp_path: Path) -> None:
    done = tune(content, benign(tmp_path))
    line = next(line for line in done.stdout.splitlines() if 'user.username="alice"' in line)
    assert line.split()[1:5] == ["4", "80%", "1", "0"]


def test_an_exception_that_would_hide_an_attack_is_refused_unless_the_risk_is_accepted(
    content: Path, tmp_path: Path
) -> None:
    log, target = benign(tmp_path), tmp_path / "exceptions.yml"
    write_it = ("--owner", "me", "--reason", "because", "--output-file", target)
    refused = tune(content, log, "--when", "objectRef.namespace=default", *write_it)
    assert refused.returncode == 2
    assert "would hide" in refused.stderr
    assert not target.exists()
    accepted = tune(content, log, "--when", "objectRef.namespace=default", *write_it, "--accept-risk", "we know")
    assert accepted.returncode == 0, accepted.stderr
    assert "accepted risk: we know" in target.read_text()


def test_a_written_exception_can_be_used(content: Path, tmp_path: Path) -> None:
    log, target = benign(tmp_path), tmp_path / "exceptions.yml"
    done = tune(
        content, log, "--when", "user.username=alice", "--owner", "me", "--reason", "r", "--output-file", target
    )
    assert done.returncode == 0, done.stderr
    (made,) = load_exceptions([target])
    assert (made.owner, made.expires.isoformat()) == ("me", "2026-12-25")
    shown = podhawk("run", "--content", content, "--exceptions", target, "--now", NOW, log, "-o", "csv")
    assert "alice" not in shown.stdout.split("Risk")[0]
    assert "mallory" in shown.stdout
    assert Policies(exceptions=[made]).exceptions == [made]


def test_a_second_exception_is_added_to_a_file_whatever_form_the_first_one_has(content: Path, tmp_path: Path) -> None:
    log, target = benign(tmp_path), tmp_path / "exceptions.yml"
    target.write_text("name: one\ndetection: Pods\nwhen: verb=list\nowner: me\nreason: r\nexpires: 2027-01-01\n")
    for _ in range(2):
        done = tune(
            content, log, "--when", "user.username=alice", "--owner", "me", "--reason", "r", "--output-file", target
        )
        assert done.returncode == 0, done.stderr
    assert len(load_exceptions([target])) == 3
    nowhere = tune(
        content,
        log,
        "--when",
        "user.username=alice",
        "--owner",
        "me",
        "--reason",
        "r",
        "--output-file",
        tmp_path / "no" / "where.yml",
    )
    assert (nowhere.returncode, "cannot write" in nowhere.stderr) == (2, True)


def test_what_has_an_exception_already_is_not_proposed_again(content: Path, tmp_path: Path) -> None:
    log, known = benign(tmp_path), tmp_path / "known.yml"
    known.write_text("name: x\ndetection: Pods\nwhen: user.username=alice\nowner: me\nreason: r\nexpires: 2027-01-01\n")
    done = tune(content, log, "--exceptions", known)
    assert "alice" not in done.stdout
    assert done.returncode == 0, done.stderr


def test_an_attack_of_the_contents_own_datasets_counts_though_its_priority_is_low(
    content: Path, tmp_path: Path
) -> None:
    detection = content / "pods.yml"
    detection.write_text(CONTENT.replace("score: 60", "score: 10"))
    done = tune(content, benign(tmp_path), "--when", "user.username=mallory")
    assert "hides 1 of 1 attack in" in done.stdout


def test_tune_needs_an_owner_and_a_reason_to_write(content: Path, tmp_path: Path) -> None:
    done = tune(content, benign(tmp_path), "--when", "user.username=alice", "--output-file", tmp_path / "x.yml")
    assert done.returncode == 2
    assert "--owner" in done.stderr


def test_diff_names_what_appears_vanishes_and_changes(content: Path, tmp_path: Path) -> None:
    log = benign(tmp_path)
    new = tmp_path / "new"
    new.mkdir()
    (new / "pods.yml").write_text(CONTENT.replace("`pods`", "user.username=alice").replace("score: 60", "score: 70"))
    (new / "more.yml").write_text(CONTENT.replace("Pods", "More").replace("`pods`", "").replace("1111", "2222"))
    done = podhawk("diff", content, new, log, "-o", "jsonl")
    assert done.returncode == 0, done.stderr
    assert "Pods: 4 change" in done.stderr
    assert "Pods: 1 vanishes" in done.stderr
    assert "More: 5 appear" in done.stderr
    assert '"change":"score 60 → 70' in done.stdout


def test_diff_printed_single_rows_only(content: Path, tmp_path: Path) -> None:
    log = benign(tmp_path)
    new = tmp_path / "new"
    new.mkdir()
    (new / "pods.yml").write_text(CONTENT.replace("`pods`", "user.username=alice").replace("score: 60", "score: 70"))
    (new / "more.yml").write_text(CONTENT.replace("Pods", "More").replace("`pods`", "").replace("1111", "2222"))
    done = podhawk("diff", content, new, log, "-o", "md")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()]
    assert lines[0][:4] == ["detection", "before", "after", "appear"]
    assert lines[2][:6] == ["More", "0", "5", "5", "0", "0"]
    assert lines[3][:6] == ["Pods", "5", "4", "0", "1", "4"]
    assert lines[3][7] == "alice (4), mallory (1)"
    assert sum(line[:2] == ["appears", "More"] for line in lines) == 3
    assert "3 more differences: -o jsonl prints all." in done.stdout


@pytest.mark.parametrize(
    ("what", "code"), [("any", 5), ("appears", 5), ("vanishes", 5), ("changes", 5), (None, 0), ("high", 2)]
)
def test_diff_had_no_exit_code(content: Path, tmp_path: Path, what: str | None, code: int) -> None:
    log = benign(tmp_path)
    new = tmp_path / "new"
    new.mkdir()
    (new / "pods.yml").write_text(CONTENT.replace("`pods`", "user.username=alice").replace("score: 60", "score: 70"))
    (new / "more.yml").write_text(CONTENT.replace("Pods", "More").replace("`pods`", "").replace("1111", "2222"))
    given = ("--fail-on", what) if what else ()
    assert podhawk("diff", content, new, log, *given).returncode == code
    if code == 5:
        assert podhawk("diff", content, content, log, *given).returncode == 0


def test_diff_of_one_detection_leaves_all_others_out_of_both_versions(content: Path, tmp_path: Path) -> None:
    """Regression: --only held for the new version alone, and everything else seemed to vanish."""
    log = benign(tmp_path)
    (content / "more.yml").write_text(CONTENT.replace("Pods", "More").replace("1111", "2222"))
    new = tmp_path / "new"
    new.mkdir()
    for name, text in (("pods", CONTENT), ("new", CONTENT.replace("Pods", "New").replace("1111", "3333"))):
        (new / f"{name}.yml").write_text(text.replace("`pods`", "objectRef.resource=pods"))
    same = podhawk("diff", content, new, log, "-o", "jsonl", "--only", "Pods")
    assert (same.returncode, same.stdout, "5 findings unchanged" in same.stderr) == (0, "", True), same.stderr
    added = podhawk("diff", content, new, log, "-o", "jsonl", "--only", "New")
    assert "New: 5 appear" in added.stderr
    assert "vanish" not in added.stderr
    assert podhawk("diff", content, new, log, "--only", "Neither").returncode == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[noise]\nhabits = "off"\n', "Did you mean 'habit'?"),
        ("[priority]\nbar = 900\n", "bar"),
        ("[risk]\nlid = 1\n", "lid"),
    ],
)
def test_a_fault_in_a_table_of_the_settings_file_names_the_file(
    content: Path, tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "podhawk.toml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "podhawk", "run", "--content", content, benign(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "podhawk.toml" in done.stderr


def test_tune_measured_a_condition_on_a_field_that_nothing_has(content: Path, tmp_path: Path) -> None:
    log = benign(tmp_path)
    done = tune(content, log, "--when", "user=alice")
    assert done.returncode == 0
    assert "warning: audit events have no field 'user'. Did you mean 'user.username'?" in done.stderr
    written = tune(
        content, log, "--when", "user=alice", "--owner", "me", "--reason", "r", "--output-file", tmp_path / "x.yml"
    )
    assert written.returncode == 2
    assert not (tmp_path / "x.yml").exists()
    assert "warning" not in tune(content, log, "--when", "user.username=alice").stderr


def test_a_risk_factor_on_a_field_that_findings_lack_is_told(content: Path, tmp_path: Path) -> None:
    log = benign(tmp_path)
    (tmp_path / "podhawk.toml").write_text('[risk.factors.ours]\nwhen = "namespce=a"\nmultiply = 2\n')
    for verb in (["run", "--content", content, log], ["diff", content, content, log]):
        assert "Did you mean 'namespace'?" in podhawk(*verb, cwd=tmp_path).stderr


def test_an_event_could_not_be_explained_without_a_detection(content: Path, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", received("r", user=UID), event("r", user=UID))
    (content / "never.yml").write_text("name: Never\nid: n\nversion: 1\ntype: Hunting\nsearch: verb=delete\n")
    for paths, stdin in (([log], None), (["-"], log.read_text()), ([], log.read_text())):
        done = podhawk("explain", "--event", "r", "--content", content, *paths, stdin=stdin)
        assert done.returncode == 0, done.stderr
        assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["Pods", "Never", "    fails verb=delete"]
        assert "passes all steps" in done.stdout.splitlines()[0]
    assert podhawk("explain", "--event", "no", "--content", content, log).returncode == 4
    assert podhawk("explain", "--event", "r", "--content", content, tmp_path / "none.log").returncode == 2
