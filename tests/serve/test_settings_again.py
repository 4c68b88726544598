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
from podhawk.serve.searches.process import Question, answer
from podhawk.session import session_of
from podhawk.settings.resolve import Settings, resolve
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
