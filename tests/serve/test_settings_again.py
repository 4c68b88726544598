"""What podhawk.toml says is taken over while the service runs, and nothing that was taken over is reverted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from podhawk.errors import ContentError
from podhawk.serve.evaluator.evaluate import InboxEvaluator
from podhawk.serve.evaluator.loaded import reload, settings_now
from podhawk.serve.evaluator.process import Order, order_of
from podhawk.serve.jobs.content import JobContent
from podhawk.serve.jobs.process import JobOrder, do_jobs
from podhawk.serve.searches.process import Question, answer
from podhawk.session import session_of
from podhawk.settings.resolve import Settings, resolve
from podhawk.store.begin import policies_of
from support.findings import event
from support.lakes import stored


def settings(folder: Path, text: str, environment: dict[str, str] | None = None, **given: Any) -> Settings:
    """Settings with a podhawk.toml in a folder, as the process of the evaluator gets them."""
    (folder / "podhawk.toml").write_text(text)
    found = resolve("serve", {"state": str(folder / "state"), **given}, environment or {}, folder)
    return msgspec.json.decode(order_of(found), type=Order).settings()


def pack(folder: Path, search: str = "verb=create") -> Path:
    """Content of one detection."""
    (folder / "content" / "detections").mkdir(parents=True)
    one = {
        "name": "One",
        "id": "22222222-2222-2222-2222-222222222222",
        "type": "TTP",
        "search": search,
        "tags": {"message": "m", "risk_score": 10},
    }
    (folder / "content" / "detections" / "one.yml").write_text(json.dumps(one))
    return folder / "content"


@pytest.mark.parametrize("key", ["only", "exclude", "shadow"])
def test_an_option_that_the_file_had_at_the_start_was_never_taken_over(tmp_path: Path, key: str) -> None:
    at_start = settings(tmp_path, f'{key} = ["A*"]\n')
    assert at_start[key] == ["A*"]
    (tmp_path / "podhawk.toml").write_text(f'{key} = ["B*"]\n')
    after = settings_now(at_start)
    assert after[key] == ["B*"]
    (tmp_path / "podhawk.toml").write_text("")
    assert settings_now(after)[key] == []


def test_options_of_the_command_line_and_the_environment_stay(tmp_path: Path) -> None:
    at_start = settings(tmp_path, 'only = ["A*"]\n', {"PODHAWK_SHADOW": "E*"}, only=["C*"], exclude=())
    (tmp_path / "podhawk.toml").write_text('only = ["B*"]\nexclude = ["B*"]\nshadow = ["B*"]\n')
    after = settings_now(at_start)
    assert (after["only"], after["exclude"], after["shadow"]) == (["C*"], ["B*"], ["E*"])


def test_what_was_taken_over_was_reverted_by_a_restarted_evaluator_and_by_jobs(tmp_path: Path) -> None:
    at_start = settings(tmp_path, "[priority]\nbar = 10\n", content=[str(pack(tmp_path))], shadow=())
    (tmp_path / "podhawk.toml").write_text('shadow = ["One"]\n[priority]\nbar = 90\n')
    evaluator, jobs = InboxEvaluator(at_start), JobContent.read(at_start)
    for policies in (evaluator.loaded.policies, jobs.policies):
        assert (policies.priority.bar, [one.detection for one in policies.exceptions]) == (90, ["One"])
    assert not evaluator.reload()


def test_an_evaluator_starts_while_the_file_is_broken(tmp_path: Path) -> None:
    at_start = settings(tmp_path, "[priority]\nbar = 30\n", content=[str(pack(tmp_path))])
    (tmp_path / "podhawk.toml").write_text("[priority\n")
    assert InboxEvaluator(at_start).loaded.policies.priority.bar == 30


def test_a_search_used_the_macros_of_the_start(tmp_path: Path) -> None:
    at_start = settings(tmp_path, "", content=[str(pack(tmp_path))])
    stored(tmp_path / "state", [("prod", [json.dumps(event("a")).encode()])])
    order = msgspec.json.decode(order_of(at_start), type=Order)
    question = Question(order, "search", "verb=`what` | table auditID", None, None, 10, ("*",), 0)
    (tmp_path / "podhawk.toml").write_text('[macros]\nwhat = "create"\n')
    assert answer(question).rows == [{"auditID": "a"}]


def test_content_of_searches_over_the_whole_input_only_could_not_be_read_again(tmp_path: Path) -> None:
    whole = "verb=create | stats count by user.username | append [search verb=none | stats count by user.username]"
    evaluator = InboxEvaluator(settings(tmp_path, "", content=[str(pack(tmp_path, whole))]))
    assert (evaluator.loaded.detections, evaluator.loaded.unable) == (1, [])
    (tmp_path / "exceptions.yml").write_text(
        "- {name: ours, detection: One, when: nofield=alice, owner: o, reason: r, expires: 2099-01-01}\n"
    )
    (tmp_path / "podhawk.toml").write_text("[priority]\nbar = 90\n")
    after = reload(evaluator.loaded, session_of(evaluator.loaded.settings.values))
    assert (after.policies.priority.bar, after.detections) == (90, 1)
    (tmp_path / "podhawk.toml").write_text('exceptions = ["exceptions.yml"]\n')
    with pytest.raises(ContentError, match="nofield"):
        reload(after, session_of(after.settings.values))


@pytest.mark.parametrize(
    ("before", "after"),
    [('user,team\nalice,"a"\nbob,b\n', 'user,team\nalice,"a\nbob,b\n'), ("user,team\nbob,b\n", None)],
    ids=["a quote is not closed", "the file is gone"],
)
def test_a_lookup_that_lost_its_rows_was_taken_over(tmp_path: Path, before: str, after: str | None) -> None:
    content = pack(tmp_path)
    (content / "lookups").mkdir()
    (content / "lookups" / "teams.yml").write_text("name: teams\nlookup_type: csv\ndescription: d\n")
    table = content / "lookups" / "teams.csv"
    table.write_text(before)
    evaluator = InboxEvaluator(settings(tmp_path, "", content=[str(content)]))
    loaded, session = evaluator.loaded, session_of(evaluator.loaded.settings.values)
    assert not loaded.lookup_faults
    if after is None:
        table.unlink()
    else:
        table.write_text(after)
    with pytest.raises(ContentError, match="teams"):
        reload(loaded, session)
    table.write_text(before + "carol,c\n")
    assert len(reload(loaded, session).store.get("teams").rows) == len(loaded.store.get("teams").rows) + 1


def test_a_table_that_was_broken_at_the_start_does_not_keep_other_changes_away(tmp_path: Path) -> None:
    content = pack(tmp_path)
    (content / "lookups").mkdir()
    (content / "lookups" / "teams.csv").write_text('user,team\nalice,"a\nbob,b\n')
    evaluator = InboxEvaluator(settings(tmp_path, "[priority]\nbar = 10\n", content=[str(content)]))
    assert "line 2: a quote is not closed" in evaluator.loaded.lookup_faults[0]
    (tmp_path / "podhawk.toml").write_text("[priority]\nbar = 90\n")
    assert reload(evaluator.loaded, session_of(evaluator.loaded.settings.values)).policies.priority.bar == 90


def test_a_job_wrote_by_policies_that_the_evaluator_had_not_taken_over(tmp_path: Path) -> None:
    """The evaluator and the job then took turns at evaluating every finding again, each by its own."""
    at_start = settings(tmp_path, "[priority]\nbar = 10\n", content=[str(pack(tmp_path))])
    stored(tmp_path / "state", [("prod", [json.dumps(event("a")).encode()])])
    evaluator = InboxEvaluator(at_start)
    while evaluator.step("prod") is not None:
        pass
    known = policies_of(str(tmp_path / "state"))
    order = JobOrder(msgspec.json.decode(order_of(at_start), type=Order), 7.0, 0, 60.0)
    assert not evaluator.policies_changed()
    assert do_jobs(order).due is None
    (tmp_path / "podhawk.toml").write_text("[priority]\nbar = 90\n")
    waits = do_jobs(order)
    assert waits.due is not None
    assert (waits.failed, policies_of(str(tmp_path / "state"))) == (0, known)
    again = InboxEvaluator(at_start)
    assert again.policies_changed()
    again.apply()
    assert not again.policies_changed()
    assert do_jobs(order).due is None
