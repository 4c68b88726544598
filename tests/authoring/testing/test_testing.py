"""podhawk test: what passes, what fails, what is weak, and whether the pack's own tests would notice."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from podhawk import api
from podhawk.authoring.testing.datasets import Places, locate
from podhawk.authoring.testing.junit import junit
from podhawk.authoring.testing.mutate import mutants, score
from podhawk.authoring.testing.results import read_results
from podhawk.authoring.testing.run import cases_of, run_case
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.model import Detection
from podhawk.detect.evaluate.prepare import prepare
from support.command_line import podhawk
from support.findings import event, write

pytestmark = pytest.mark.slow

PACK = load_content([shipped_pack()])
SESSION = api.session_of({"jobs": 1})
DETECTION = """name: Pods
id: 5b0d6c5e-1111-4a86-8d6c-5a2f7d1e9b41
version: 1
type: Anomaly
status: production
search: 'verb=create objectRef.resource=pods | stats count by user.username | rename user.username as user'
rba:
  message: $user$ made a pod
  risk_objects:
  - {field: user, type: user, score: 60}
  threat_objects: []
tests:
- name: attack
  attack_data:
  - data: attack.log
  expected_results: 2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "detections").mkdir()
    write(tmp_path / "attack.log", event("1"), event("2", user={"username": "bob"}))
    return tmp_path


def run(folder: Path, text: str = DETECTION, *more: object) -> subprocess.CompletedProcess[str]:
    (folder / "detections" / "pods.yml").write_text(text)
    return podhawk("test", folder / "detections" / "pods.yml", "-o", "jsonl", *more)


def result(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    found = json.loads(done.stdout)
    return found["outcome"], found["message"]


def test_the_right_number_of_rows_passes_and_is_called_weak(folder: Path) -> None:
    done = run(folder)
    assert (done.returncode, result(done)) == (0, ("passed", "2 rows"))
    assert "no golden rows: only the number of rows is checked" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("expected_results: 2", "expected_results: 3", "expected 3 rows, got 2 rows"),
        ("  expected_results: 2\n", "", "2 rows"),
        ("verb=create", "verb=delete", "expected 2 rows, got 0 rows"),
        ("field: user,", "field: account,", "no row has a value for risk object account"),
        (
            "threat_objects: []",
            "threat_objects: [{field: src_ip, type: ip_address}]",
            "no row has a value for threat object src_ip",
        ),
        ("| stats", "| stast", "Did you mean"),
        ("attack.log", "nowhere.log", "dataset nowhere.log not found"),
    ],
)
def test_what_is_wrong_is_told(folder: Path, old: str, new: str, message: str) -> None:
    done = run(folder, DETECTION.replace(old, new))
    outcome, told = result(done)
    assert message in told
    assert (outcome, done.returncode) == {"2 rows": ("passed", 0), "dataset nowhere.log not found": ("skipped", 6)}.get(
        message, ("failed", 6)
    )


def test_a_negative_test_wants_no_rows(folder: Path) -> None:
    write(folder / "attack.log", event("1", verb="get"))
    assert result(run(folder, DETECTION.replace("results: 2", "results: 0")))[0] == "passed"


@pytest.mark.slow
def test_golden_rows_are_written_when_approved_and_compared_from_then_on(folder: Path) -> None:
    shown = run(folder, DETECTION, "--update")
    assert not (folder / "golden").exists(), shown.stdout
    assert '+ {"count": "1", "user": "bob"}' in shown.stdout
    run(folder, DETECTION, "--update", "--yes")
    assert (folder / "golden" / "pods-1.jsonl").exists()
    done = run(folder)
    assert result(done)[0] == "passed"
    assert "weak" not in done.stderr
    write(folder / "attack.log", event("1"), event("2", user={"username": "carol"}))
    failed = run(folder)
    assert result(failed) == ("failed", "rows differ from pods-1.jsonl")
    assert '- {"count": "1", "user": "bob"}' in failed.stderr
    assert '+ {"count": "1", "user": "carol"}' in failed.stderr


def test_rows_that_splunk_exported_are_compared(folder: Path) -> None:
    exported = folder / "splunk.csv"
    exported.write_text("user,count,__mv_user\nbob,1,\nalice,1,\n")
    assert run(folder, DETECTION, "--golden", exported).returncode == 0
    exported.write_text("user,count\nbob,1\nalice,2\n")
    done = run(folder, DETECTION, "--golden", exported)
    assert done.returncode == 6
    assert '- {"count": "2", "user": "alice"}' in done.stdout


def test_a_pointer_of_git_lfs_is_told_from_data_and_found_in_the_cache(folder: Path) -> None:
    oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    (folder / "attack.log").rename(folder / oid)
    (folder / "attack.log").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n")
    outcome, told = result(run(folder))
    assert outcome == "skipped"
    assert "git lfs pull" in told
    assert oid in told
    assert result(run(folder, DETECTION, "--cache", folder))[0] == "passed"


def test_a_url_is_looked_for_in_a_checkout(folder: Path) -> None:
    url = "https://media.githubusercontent.com/media/splunk/attack_data/master/datasets/attack_techniques/T1610/a.log"
    target = folder / "checkout" / "datasets" / "attack_techniques" / "T1610"
    target.mkdir(parents=True)
    (folder / "attack.log").rename(target / "a.log")
    text = DETECTION.replace("attack.log", url)
    assert "--attack-data" in result(run(folder, text))[1]
    assert result(run(folder, text, "--attack-data", folder / "checkout"))[0] == "passed"
    one = Detection(name="x", search="")
    assert locate(url, one, Places(attack_data=folder)).path is None


def test_junit_is_what_coverage_reads(folder: Path) -> None:
    (folder / "detections" / "pods.yml").write_text(DETECTION.replace("results: 2", "results: 7"))
    content = load_content([folder / "detections"])
    outcomes = [run_case(case, content, SESSION, Places()) for case in cases_of(content.detections)]
    (folder / "out.xml").write_text(junit(outcomes))
    (found,) = read_results(folder / "out.xml")
    assert (found.detection, found.name, found.outcome, found.message) == (
        "Pods",
        "attack",
        "failed",
        "expected 7 rows, got 2 rows",
    )


@pytest.mark.slow
def test_the_packs_own_tests_pass() -> None:
    done = podhawk("test", shipped_pack())
    assert done.returncode == 0, done.stderr
    assert "0 failed, 0 skipped" in done.stderr
    assert "weak" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("stem", [one.stem for one in PACK.detections])
def test_a_broken_copy_of_a_detection_is_found(stem: str) -> None:
    """What the mutants of `--mutate` change in the plan: a lost clause, a wrong value, a renamed field."""
    (one,) = (one for one in PACK.detections if one.stem == stem)
    found = score([case for case in cases_of([one]) if case.test.attack_data], PACK, SESSION, Places())
    survivors = [each.change for each in found.survivors]
    assert found.mutants >= 15
    assert not any(change.startswith(("another value", "another field")) or "renamed" in change for change in survivors)
    assert len(survivors) / found.mutants < 0.3


@pytest.mark.slow
def test_the_kill_rate_over_the_pack_is_at_least_what_it_was() -> None:
    done = podhawk("test", "--mutate", shipped_pack(), timeout=900)  # thousands of searches
    last = done.stdout.strip().splitlines()[-1].replace(",", "")
    killed, total = map(int, last.split(" mutants")[0].split(" of "))
    assert total > 400
    assert killed / total >= 0.9


def test_every_mutant_differs_from_its_search() -> None:
    for one in PACK.detections:
        prepared = prepare(one, PACK, SESSION, SESSION.lookups(PACK))
        assert prepared.request is not None
        stages = prepared.request.pipeline.stages
        made = list(mutants(stages))
        assert len({mutant.change for mutant in made}) == len(made)
        assert all(mutant.stages != stages for mutant in made)


def test_content_without_tests_is_skipped_and_told(folder: Path) -> None:
    assert result(run(folder, DETECTION.split("tests:")[0])) == ("skipped", "the detection has no test")
