"""podhawk new, podhawk content convert, the action and the hooks."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from podhawk.authoring.convert import converted, kept
from podhawk.content.load import load_content, shipped_pack
from podhawk.detect.rank.exceptions import load_exceptions
from podhawk.engine.plan.runnable import runnability
from support.command_line import podhawk

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_a_first_draft_lints_but_for_what_is_yet_to_say_tests_and_runs(tmp_path: Path) -> None:
    done = podhawk("new", "detection", "Kubernetes Pod Made/At Night", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    draft = tmp_path / "detections" / "kubernetes_pod_made_at_night.yml"
    assert draft.is_file()
    assert podhawk("lint", draft, "--strict").returncode == 0
    assert podhawk("test", draft).returncode == 0
    run = podhawk("run", "--content", tmp_path, tmp_path / "datasets" / "kubernetes_pod_made_at_night.log")
    assert "mallory created a pod in default" in run.stdout
    assert podhawk("new", "detection", "Kubernetes Pod Made/At Night", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("generation", ["1", "2", "3"])
def test_a_draft_in_an_empty_folder_failed_its_own_lint_and_test(tmp_path: Path, generation: str) -> None:
    """The macro that it calls was missing; and a name with a colon was no YAML."""
    for name in ("Kubernetes Pod: Made", "Another One"):
        done = podhawk("new", "detection", name, "--generation", generation, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    content = load_content([tmp_path])
    assert [one.generation for one in content.detections] == [int(generation)] * 2
    assert content.problems == ()
    linted = podhawk("lint", "--strict", cwd=tmp_path)
    assert (linted.returncode, linted.stdout) == (0, "")
    assert podhawk("test", cwd=tmp_path).returncode == 0


def test_a_draft_has_the_generation_the_story_and_the_source_of_the_content_around_it(tmp_path: Path) -> None:
    """It was always of generation 3, and named a story that was not there."""
    for kind in ("detection", "story"):
        assert podhawk("new", kind, "First", "--generation", "2", cwd=tmp_path).returncode == 0
    (tmp_path / "data_sources").mkdir()
    (tmp_path / "data_sources" / "ours.yml").write_text("name: Our Audit\nsourcetype: _json\n")
    assert podhawk("new", "detection", "Second", cwd=tmp_path).returncode == 0
    (second,) = (one for one in load_content([tmp_path]).detections if one.name == "Second")
    assert (second.generation, second.analytic_story, second.data_source) == (2, ("First",), ("Our Audit",))


def test_stories_and_exceptions_are_such(tmp_path: Path) -> None:
    podhawk("new", "story", "Night Shift", "--output-dir", tmp_path)
    podhawk("new", "exception", "CI makes pods", "--output-dir", tmp_path)
    assert set(load_content([tmp_path / "stories"]).stories) == {"Night Shift"}
    assert [one.name for one in load_exceptions([tmp_path / "exceptions"])] == ["CI makes pods"]
    assert podhawk("new", "detecton", "x", "--output-dir", tmp_path).returncode == 2


def _pairs(source: Path, tmp_path: Path) -> None:
    for one in load_content([source]).detections:
        file = tmp_path / f"{one.stem}.yml"
        file.write_text(converted(one), encoding="utf-8")
        (again,) = load_content([file]).detections
        assert again.generation == 3
        differing = kept(one, again)
        assert differing == [] or (differing == ["risk_score"] and not one.risk_objects), one.name


def test_a_converted_detection_is_the_same_detection(tmp_path: Path) -> None:
    _pairs(shipped_pack(), tmp_path)


def test_published_detections_convert_too(shared: Path, tmp_path: Path) -> None:
    _pairs(shared / "content" / "splunk", tmp_path)


def test_convert_writes_files_and_says_what_has_no_place(shared: Path, tmp_path: Path) -> None:
    arguments = (
        "content",
        "convert",
        "--to",
        "gen3",
        "--content",
        shared / "content" / "splunk",
        "--only",
        "Kubernetes Cron Job Creation",
        "--output-dir",
        tmp_path,
    )
    done = podhawk(*arguments)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kubernetes_cron_job_creation.yml").is_file()
    assert "required_fields" in done.stderr
    assert podhawk(*arguments).returncode == 2


def test_converted_content_could_not_run_without_its_macros(tmp_path: Path) -> None:
    done = podhawk("content", "convert", "--content", shipped_pack(), "--output-dir", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    source, made = load_content([shipped_pack()]), load_content([tmp_path / "out"])
    assert made.problems == ()
    assert {runnability(one, made) for one in made.detections} == {runnability(one, source) for one in made.detections}
    for key, macro in made.macros.items():
        assert (macro.definition, macro.arguments) == (source.macros[key].definition, source.macros[key].arguments)
    for name, one in made.lookups.items():
        before = source.lookups[name]
        assert Path(one.path).read_bytes() == Path(before.path).read_bytes()
        assert replace(one, file="", path="") == replace(before, file="", path="")
    assert made.lookups


def test_a_macro_that_is_called_like_a_path_stays_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in" / "detections").mkdir(parents=True)
    (tmp_path / "in" / "detections" / "a.yml").write_text("name: A\nid: a\nsearch: '`../../x` `..__x`'\n")
    for number, name in enumerate(("../../x", "..__x")):
        (tmp_path / "in" / f"{number}.yml").write_text(f"name: {name}\ndefinition: verb=create\n")
    done = podhawk("content", "convert", "--content", tmp_path / "in", "--output-dir", tmp_path / "out" / "deep")
    outside = [path for path in tmp_path.rglob("*x*.yml") if not path.is_relative_to(tmp_path / "out" / "deep")]
    assert outside == [], done.stderr


@pytest.mark.parametrize("name", ["podhawk-lint", "podhawk-test", "podhawk-fmt"])
def test_the_hooks_name_verbs_that_there_are(name: str) -> None:
    (hook,) = (one for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()) if one["id"] == name)
    verb = hook["entry"].split()[1:]
    assert podhawk(*verb, "--help").returncode == 0


def test_the_action_calls_verbs_with_options_that_there_are() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert set(action["inputs"]) == {"path", "changed", "test", "strict", "fetch", "allow-skipped"}
    script = "\n".join(step["run"] for step in action["runs"]["steps"])
    for verb, option in (
        ("lint", "--changed"),
        ("lint", "--strict"),
        ("test", "--changed"),
        ("test", "--fetch"),
        ("test", "--allow-skipped"),
    ):
        assert f"podhawk {verb}" in script
        assert option in podhawk(verb, "--help").stdout
