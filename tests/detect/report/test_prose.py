"""A finding in prose: sentences, evidence, sums, and commands that can be pasted whatever the log holds."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.detect.match import Match
from podhawk.detect.report.brief_search import brief
from podhawk.detect.report.evidence import evidence_of
from podhawk.detect.report.next_steps import next_steps
from podhawk.detect.report.prose import explained
from podhawk.detect.report.sentences import what_happened
from support.findings import NOW, detection, event, run, write

SEARCH = 'verb=create (objectRef.resource=secrets OR objectRef.resource=pods) NOT user.username="x*" | where true()'


def explained_run(tmp_path: Path, *events: dict[str, Any], **members: Any) -> tuple[Match, str]:
    log = write(tmp_path / "audit.log", *events)
    result = run(log, detection(SEARCH, **members))
    match = result.found.matches[0]
    context = api.session_of({"now": NOW}).context(Content())
    lines = explained(match, result.found.matches, result.found.risk, context, 50, ["audit.log"])
    return match, "\n".join(lines)


def test_two_sentences_say_who_did_what_and_what_came_of_it(tmp_path: Path) -> None:
    match, _ = explained_run(tmp_path, event())
    assert what_happened(match.finding) == (
        "At 2026-11-25 10:00:00 UTC, alice (a user) created pods web in namespace default from 10.0.0.7 with "
        "kubectl/v1.32. The request succeeded (HTTP 201)."
    )


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (
            {"responseStatus": {"code": 403}, "annotations": {"authorization.k8s.io/decision": "forbid"}},
            ["tried to create pods web", "The request was denied (HTTP 403)."],
        ),
        (
            {"objectRef": {"resource": "pods", "subresource": "exec", "namespace": "default", "name": "web"}},
            ["ran a command in pods web in namespace default"],
        ),
        ({"impersonatedUser": {"username": "admin"}}, ["alice (a user, impersonating admin)"]),
        ({"userAgent": None, "sourceIPs": None}, ["created pods web in namespace default. The"]),
    ],
)
def test_the_sentences_follow_the_outcome(tmp_path: Path, members: dict[str, Any], told: list[str]) -> None:
    match, _ = explained_run(tmp_path, event(**members))
    assert [one for one in told if one not in what_happened(match.finding)] == []


def test_evidence_names_each_condition_and_only_the_arms_that_hold(tmp_path: Path) -> None:
    match, text = explained_run(tmp_path, event())
    found = evidence_of(match, api.session_of({"now": NOW}).context(Content()))
    assert found is not None
    assert [(one.text, one.values) for one in found.conditions] == [
        ("verb=create", (("verb", "create"),)),
        ("objectRef.resource=pods (of 2 alternatives)", (("objectRef.resource", "pods"),)),
        ("NOT user.username=x*", (("user.username", "alice"),)),
    ]
    assert "| where true()" in text


def test_the_points_of_the_priority_add_up_to_it(tmp_path: Path) -> None:
    match, text = explained_run(tmp_path, event())
    part = text.split("Priority")[1].split("It is")[0]
    points = [int(line.split()[0]) for line in part.splitlines()[1:] if line.strip()]
    assert sum(points) == match.finding.priority
    assert "+49  user alice" in text
    assert "Known false positives\n  none are documented" in text


def test_commands_hold_names_as_one_word_of_the_shell(tmp_path: Path) -> None:
    user = "eve'; rm -rf / #$(id)`id`"
    match, _ = explained_run(tmp_path, event(user={"username": user}, objectRef={"resource": "pods", "name": "$(id)"}))
    steps = next_steps(match.finding, ["a log.json"])
    assert steps
    for one in steps:
        words = shlex.split(one.command.split(" | grep")[0])
        assert words[0] in ("podhawk", "kubectl")
        assert "rm" not in words
        assert "$(id)" not in words
    assert any(user in word for one in steps for word in shlex.split(one.command))


def test_a_user_that_a_terminal_would_not_show_is_in_no_command(tmp_path: Path) -> None:
    match, text = explained_run(tmp_path, event(user={"username": "e\x1b[2J\nrm"}, objectRef={"resource": "pods"}))
    assert next_steps(match.finding, []) == []
    assert "\x1b" not in text


def test_kubectl_commands_only_read(tmp_path: Path) -> None:
    secret = {"resource": "secrets", "namespace": "default", "name": "db", "apiVersion": "v1"}
    match, _ = explained_run(tmp_path, event(objectRef=secret))
    verbs = {one.command.split()[1] for one in next_steps(match.finding, []) if one.command.startswith("kubectl")}
    assert verbs <= {"get", "describe", "auth"}
    assert not any("-o yaml" in one.command for one in next_steps(match.finding, []))


def test_a_condition_with_dozens_of_names_filled_the_screen(tmp_path: Path) -> None:
    names = ", ".join(f"system:serviceaccount:kube-system:controller-{number}" for number in range(40))
    log = write(tmp_path / "audit.log", event())
    result = run(log, detection(f"verb=create NOT user.username IN ({names})"))
    found = result.found.matches[0]
    context = api.session_of({"now": NOW}).context(Content())
    told = list(explained(found, result.found.matches, result.found.risk, context, 50, ["audit.log"]))
    start, end = told.index("Why it fired"), next(at for at, one in enumerate(told) if one.startswith("Priority"))
    assert "… 37 more)" in " ".join(" ".join(told[start:end]).split())
    assert max(map(len, told[start + 2 : end])) <= 100  # the line before has the path of the log


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("a IN (1, 2, 3, 4)", "a IN (1, 2, 3, 4)"),
        ("a IN (1, 2, 3, 4, 5)", "a IN (1, 2, 3 … 2 more)"),
        ('a IN ("x, )y", "b", "c\\"", d, e) b=1', 'a IN ("x, )y", "b", "c\\"" … 2 more) b=1'),
        ("NOT (a IN (1, 2, 3, 4, 5) OR b IN (1, 2))", "NOT (a IN (1, 2, 3 … 2 more) OR b IN (1, 2))"),
    ],
)
def test_lists_are_named_by_their_first_values(text: str, short: str) -> None:
    assert brief(text) == short


def test_a_long_command_filled_the_screen(tmp_path: Path) -> None:
    uri = "/api/v1/namespaces/default/pods/web/exec?command=" + "A" * 50_000
    match, told = explained_run(tmp_path, event(requestURI=uri), message="$requestURI$")
    assert uri[:900] in told
    assert max(map(len, told.splitlines())) < 2000
    assert match.finding.requests[0].uri == uri
