"""Sigma rules as detections."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracle.logs import results_of, rows_of, without_nothing
from podhawk import api
from podhawk.content.load import load_content
from support.findings import NOW, event, write

pytestmark = pytest.mark.needs("sigma")

RULE = """title: Denied Things
id: 0e95725d-7320-415d-80f7-004da920fc10
name: denied
status: test
level: high
description: Somebody was refused.
author: somebody
date: 2026-11-01
references: [https://example.com/denied]
tags: [attack.discovery, attack.t1613]
logsource:
  product: kubernetes
  service: audit
detection:
  selection:
    responseStatus.code: 403
    verb|startswith: cre
  filter:
    user.username: alice
  condition: selection and not filter
"""
BURST = """title: Burst of Denied Things
id: 0e95725d-7320-415d-80f7-004da920fc11
status: test
level: critical
correlation:
  type: event_count
  rules: [denied]
  group-by: [user.username]
  timespan: 10m
  condition: {gte: 3}
"""


def load(tmp_path: Path, **files: str) -> api.Content:
    for name, content in files.items():
        (tmp_path / f"{name}.yml").write_text(content)
    return load_content([tmp_path])


def test_a_rule_becomes_a_detection_with_what_it_says_of_itself(tmp_path: Path) -> None:
    content = load(tmp_path, rule=RULE)
    assert content.problems == ()
    (one,) = content.detections
    assert (one.name, one.id, one.type, one.status) == (
        "Denied Things",
        "0e95725d-7320-415d-80f7-004da920fc10",
        "TTP",
        "production",
    )
    assert (one.mitre_attack_id, one.risk_score, one.severity) == (("T1613",), 70, "high")
    assert one.date == "2026-11-01"
    log = write(
        tmp_path / "a.log",
        *(
            event(str(number), verb=verb, user={"username": user}, responseStatus={"code": code})
            for number, (verb, user, code) in enumerate(
                [("create", "bob", 403), ("create", "alice", 403), ("get", "bob", 403), ("create", "bob", 201)]
            )
        ),
    )
    (finding,) = api.run(content, log)
    assert finding.title == "Denied Things by bob"


def test_correlation_rules_join_others_from_whatever_file(tmp_path: Path) -> None:
    content = load(tmp_path, burst=BURST, rule=RULE)
    assert content.problems == ()
    (one,) = content.detections
    assert one.name == "Burst of Denied Things"
    users = ("bob", "bob", "bob", "eve", "eve")
    denied = [
        event(str(number), at=f"10:00:0{number}.0", user={"username": user}, responseStatus={"code": 403})
        for number, user in enumerate(users)
    ]
    log = write(tmp_path / "a.log", *denied)
    (finding,) = (each for each in api.run(content, log, now=NOW) if each.kind != "incident")
    assert finding.title == "Burst of Denied Things by bob"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"rule": RULE.replace("condition: selection and not filter", "condition: selection and missing")},
            "Denied Things",
        ),
        ({"rule": RULE.replace("verb|startswith", "verb|nonsense")}, "Denied Things"),
        ({"burst": BURST}, "denied"),
    ],
)
def test_what_does_not_convert_is_refused_by_name(tmp_path: Path, files: dict[str, str], told: str) -> None:
    content = load(tmp_path, **files)
    (problem,) = content.problems
    assert told in problem.message
    assert problem.place.file.endswith(".yml")
    assert content.detections == ()


def test_rules_about_other_logs_are_left_with_a_word(tmp_path: Path) -> None:
    content = load(
        tmp_path, rule=RULE, other=RULE.replace("service: audit", "service: application").replace("fc10", "fc12")
    )
    assert len(content.detections) == 1
    assert "not for the Kubernetes audit log" in content.problems[0].message


SHORT = """title: Short Names
id: 0e95725d-7320-415d-80f7-004da920fc13
level: low
logsource: {product: kubernetes, service: audit}
detection:
  selection:
    verb: create
    resource: pods
    apiGroup: ''
    hostPath: '*'
    capabilities|contains: ADMIN
  condition: selection
"""


def test_short_names_of_fields_were_fields_that_no_event_has(tmp_path: Path) -> None:
    content = load(tmp_path, rule=SHORT.replace("    apiGroup: ''\n", ""))
    assert content.problems == ()
    container = {"name": "a", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}
    pod = {"containers": [container], "volumes": [{"name": "v", "hostPath": {"path": "/"}}]}
    log = write(
        tmp_path / "a.log",
        event("1", requestObject={"kind": "Pod", "spec": pod}),
        event("2", requestObject={"kind": "Pod", "spec": pod | {"volumes": [{"name": "v", "emptyDir": {}}]}}),
        event("3", requestObject={"kind": "Pod", "spec": pod | {"containers": [{"name": "a"}]}}),
        event("4", requestObject={"kind": "Deployment", "spec": {"template": {"spec": pod}}}),
    )
    (rows,) = api.rows(content, log).detections
    assert sorted(row["auditID"] for row in rows.result) == ["1", "4"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("hostPath: '*'", "seLinux: '*'", "audit events have no field 'seLinux'"),
        ("verb: create", "verb: [exec, attach]", "verb is never 'exec'"),
        ("verb: create", "responseStatus.code: ALLOW", "responseStatus.code is never 'ALLOW'"),
        ("verb: create", "stage: Finished", "stage is never 'Finished'"),
    ],
)
def test_a_rule_that_never_fires_was_not_told_of(tmp_path: Path, old: str, new: str, reason: str) -> None:
    content = load(tmp_path, rule=SHORT.replace(old, new))
    (problem,) = content.problems
    assert (problem.severity, problem.message) == ("warning", f"Sigma rule 'Short Names' never fires: {reason}")
    assert len(content.detections) == 1


def test_a_rule_of_which_one_alternative_can_match_is_not_told_of(tmp_path: Path) -> None:
    assert load(tmp_path, rule=SHORT.replace("verb: create", "verb: [create, replace]")).problems == ()


def test_a_rule_can_bring_tests(tmp_path: Path) -> None:
    (one,) = load(tmp_path, rule=RULE + "tests:\n- {name: t, attack_data: [{data: a.log}]}\n").detections
    assert [(test.name, test.attack_data[0].data) for test in one.tests] == [("t", "a.log")]


def test_the_published_rules_give_the_rows_of_the_plain_interpreter(shared: Path) -> None:
    content = load_content([shared / "content" / "sigma"])
    assert [problem.message for problem in content.problems] == [
        "Sigma rule 'Kubernetes Potential Enumeration Activity' never fires: responseStatus.code is never 'ALLOW'"
    ]
    assert len(content.detections) == 16
    fired = 0
    for corpus in ("A-metadata", "C-requestresponse"):
        path = shared / "audit" / "corpus" / f"{corpus}.log.gz"
        events = rows_of(path)
        for one in api.rows(content, path, now=NOW).detections:
            expected = results_of(one.detection.search, content.macros, events, exact=False)
            got = without_nothing(one.result)
            assert [row["auditID"] for row in got] == [row["auditID"] for row in expected], one.detection.name
            for mine, theirs in zip(got, expected, strict=True):
                assert {name: mine.get(name) for name in theirs if name not in ("_time", "index")} == {
                    name: cell for name, cell in theirs.items() if name not in ("_time", "index")
                }
            fired += bool(got)
    assert fired >= 20
