"""The fast path gives what the slow path gives, on events of every odd shape."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.engine.profile import profiling
from support.sessions import SLOW_PATH, session_with

NOTHING = Content()
SEARCHES = [
    "* | stats count by verb",
    "* | stats count by user.username verb objectRef.resource",
    "* | stats count by stage level",
    "* | stats count by responseStatus.code",
    "* | stats count by sourceIPs{} verb",
    "* | stats count by user.groups{}",
    "* | stats count dc(verb) values(user.username) by objectRef.namespace",
    "* | stats count",
    "* | stats first(verb) last(auditID) earliest(verb) list(verb) by user.username",
    "* | timechart span=10s count by verb",
    "NOT verb=get | stats count by verb",
    "NOT (verb=get OR user.username=bob) | table auditID verb user.username",
    "* | table verb _time",
    "* | top verb",
    "verb=delete requestObject.verb=inner | table auditID",
    "inner NOT verb=zzz | table auditID verb",
    "bob verb=create | stats count by verb",
    "b\u00e9 | stats count by user.username",
    '"sourceIPs" TERM(10.0.0.1) (verb=get OR verb=create) | stats count by verb user.username',
    "verb=create (user.username=ann OR (inner NOT objectRef.resource=pods)) | table auditID verb",
    "NOT (verb=get NOT sourceIPs) NOT requestObject.verb=inner | table auditID verb",
    '_raw="*inner*" verb=create | stats count by verb',
    "CASE(BOB) OR user.username=ann | stats count by verb",
    "verb=nothing objectRef.resource=pods requestObject.verb=inner annotations.a=b | stats count by verb",
    "* | fields verb | stats count by verb",
    '* | eval x=verb."!" | stats count by x',
    "NOT responseStatus.code>400 | stats count by responseStatus.code",
    "* | stats count by source index host",
    "NOT verb=zzz | stats min(responseStatus.code) max(_time) by verb",
    "* | dedup user.username | table user.username",
    "* | stats count by user.extra.example.com/id{} user.username",
    "user.extra.example.com/id{}=x NOT user.extra.scopes{}=* | table auditID user.extra.example.com/id{}",
    '* | stats count by "user.extra.authentication.kubernetes.io/pod-name{}"',
    '"user.extra.authentication.kubernetes.io/pod-name{}"=web-1 OR user.extra.scopes{}=* | stats count by verb',
    'NOT "user.extra.authentication.kubernetes.io/pod-name{}"=web-1 | table auditID "user.extra.scopes{}"',
]


def event(chance: random.Random, number: int) -> str:
    def some(*values: object) -> object:
        return chance.choice(values)

    made: dict[str, object] = {"auditID": f"id-{number}", "verb": some("get", "create", "GET", "", "b\u00e9")}
    parts: dict[str, object] = {
        "kind": "Event",
        "level": some("Metadata", "Request", 3, None),
        "stage": some("ResponseComplete", "Panic"),
        "user": some(
            {"username": "bob"},
            {"username": "ann", "groups": ["a", "b"]},
            {"username": 7},
            {"username": "eve", "extra": {"example.com/id": ["x", "y"], "scopes": []}},
            {"username": "eve", "extra": {"example.com/id": ["x"]}},
            {"username": "eve", "extra": {"example.com/id": "x", "n": [1]}},
            {"extra": {"example.com": {"id": ["x"]}, "scopes": None}},
            {"extra": None},
            {"username": None},
            {"username": ["x"]},
            {"groups": []},
            {"groups": [1, "a", None]},
            {},
            None,
            "text",
            ["x"],
            {"username": {"first": "x"}},
            {"user.name": "dotted"},
            *(
                {"username": "sa", "extra": extra}
                for extra in (
                    {"authentication.kubernetes.io/pod-name": ["web-1"]},
                    {"authentication.kubernetes.io/pod-name": ["web-1", "web-2"], "scopes": []},
                    {"authentication_kubernetes_io/pod-name": ["web-1"]},
                    {"authentication": {"kubernetes": {"io/pod-name": ["web-1"]}}},
                    {"authentication.kubernetes.io/pod-name": "web-1", "scopes": [1]},
                    {"scopes": ["a"]},
                    {},
                    None,
                )
            ),
        ),
        "sourceIPs": some(["10.0.0.1"], ["10.0.0.1", "10.0.0.2"], [], "10.0.0.1, 10.0.0.2", None),
        "objectRef": some({"resource": "pods", "namespace": "x"}, {"resource": "pods"}, {"resource": True}, {}),
        "responseStatus": some({"code": 200}, {"code": 403}, {"code": 0}, {"code": 4.0}, {"code": "200"}),
        "annotations": some(
            {"a": "b"},
            {"audit.k8s.io/truncated": "true"},
            {"audit.k8s.io/truncated": "false"},
            None,
            {"authorization_k8s_io/decision": "allow"},
        ),
        "requestObject": some({"verb": "inner"}, [{"op": "add"}]),
        "requestReceivedTimestamp": some("2026-11-25T10:00:01.000001Z", "2026-11-25T10:00:02Z", "odd", 5, None),
        "stageTimestamp": some("2026-11-25T10:00:03.000001Z", "odd"),
        "extra": some("member", {"x": 1}),
        "user.username": "flattened",
    }
    for name, value in parts.items():
        if chance.random() < (0.1 if name in ("extra", "user.username") else 0.7):
            made[name] = value
    text = json.dumps(made, ensure_ascii=chance.random() < 0.5)
    if chance.random() < 0.1:
        text = text.replace('"code": 0', '"code": -0')
    if chance.random() < 0.1:
        text = text[:-1] + ', "verb": "twice"}'
    return text


def account(result: api.Result) -> tuple[object, ...]:
    report = result.report
    return (
        report.events,
        dict(report.by_stage),
        dict(report.by_level),
        dict(report.by_format),
        report.truncated,
        report.lines,
        report.bytes,
        {reason: entry.count for reason, entry in report.rejected.items()},
    )


def by_slow_path(search: str, path: Path, content: Content) -> api.Result:
    """The rows without the fast path."""
    return api.search(search, path, content=content, session=session_with(SLOW_PATH))


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
def test_the_fast_path_gives_what_the_slow_path_gives(search: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for seed in range(3):
        chance = random.Random(f"{seed}")
        path.write_text("".join(event(chance, number) + "\n" for number in range(400)), encoding="utf-8")
        slow = by_slow_path(search, path, NOTHING)
        for jobs in (1, 2):
            result = api.search(search, path, content=NOTHING, jobs=jobs)
            assert list(result) == list(slow)
            assert account(result) == account(slow)
            assert result.observed.unseen == slow.observed.unseen
            assert result.observed.not_evaluable == slow.observed.not_evaluable


def test_plain_events_take_the_fast_path(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text(
        "".join(
            json.dumps(
                {
                    "kind": "Event",
                    "apiVersion": "audit.k8s.io/v1",
                    "level": "Metadata",
                    "auditID": str(number),
                    "verb": "get",
                    "stage": "ResponseComplete",
                    "user": {"username": "bob", "groups": ["a"]},
                    "sourceIPs": ["::1"],
                    "requestReceivedTimestamp": "2026-11-25T10:00:01.000001Z",
                    "stageTimestamp": "2026-11-25T10:00:01.000001Z",
                    "annotations": {"authorization.k8s.io/decision": "allow"},
                }
            )
            + "\n"
            for number in range(500)
        )
    )
    with profiling() as profile:
        result = api.search("* | stats count dc(user.username) by verb", path, content=NOTHING, jobs=1)
    assert list(result) == [{"verb": "get", "count": "500", "dc(user.username)": "1"}]
    assert profile.scans[0].fast_lines == 500


def test_a_field_of_a_body_is_seen_where_nothing_else_rules_a_search_out(tmp_path: Path) -> None:
    """A detection was said to lack a field that was there; bodies were decoded for searches that want other verbs."""
    path = tmp_path / "audit.log"
    path.write_text(
        "".join(
            json.dumps(
                {
                    "kind": "Event",
                    "level": "Request",
                    "auditID": str(number),
                    "verb": "create",
                    "stage": "ResponseComplete",
                    "requestObject": {"kind": "Pod"},
                    "requestReceivedTimestamp": "2026-11-25T10:00:01Z",
                }
            )
            + "\n"
            for number in range(20)
        ),
        encoding="utf-8",
    )
    for strict in (False, True):
        for search, unseen in (
            ("verb=create requestObject.kind=Pod userAgent=x", {"userAgent"}),
            ("verb=create requestObject.kind=Job userAgent=x", {"userAgent"}),
            ("verb=delete requestObject.kind=Pod userAgent=x", {"requestObject.kind", "userAgent"}),
        ):
            result = api.search(f"{search} | table auditID", path, content=NOTHING, jobs=1, strict=strict)
            assert result.observed.unseen == unseen, search


def test_a_body_that_is_null_is_there(tmp_path: Path) -> None:
    """It was taken for one that is missing."""
    path = tmp_path / "audit.log"
    path.write_text(
        "".join(
            json.dumps(
                {
                    "kind": "Event",
                    "level": "Request",
                    "auditID": str(number),
                    "verb": "create",
                    "stage": "ResponseComplete",
                    "requestObject": body,
                    "requestReceivedTimestamp": "2026-11-25T10:00:01.000001Z",
                }
            )
            + "\n"
            for number, body in enumerate([None, {"a": 1}, None])
        ),
        encoding="utf-8",
    )
    search = "verb=create requestObject=null | table auditID requestObject"
    expected = [{"auditID": "0", "requestObject": "null"}, {"auditID": "2", "requestObject": "null"}]
    assert sorted(by_slow_path(search, path, NOTHING), key=str) == expected
    assert sorted(api.search(search, path, content=NOTHING, jobs=1), key=str) == expected
