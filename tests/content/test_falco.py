"""Rules of Falco as detections."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from oracle.falco import RULES, alerts_of
from podhawk import api
from podhawk.content.falco.condition import AllOf, AnyOf, Comparison, FalcoField, Negation, read_condition
from podhawk.content.load import load_content
from podhawk.errors import ContentError
from support.command_line import podhawk
from support.findings import event, write

HEAD = """- required_engine_version: 15
- list: quiet_users
  items: [ci, cd]
- list: known_users
  items: [quiet_users, "bob"]
- macro: done
  condition: (jevt.value[/stage] in (ResponseComplete))
- macro: known
  condition: ka.user.name in (known_users)
"""
RULE = """- rule: Pod Made
  desc: Somebody made a pod.
  condition: done and ka.target.resource=pods and ka.verb=create and not known
  output: Pod made (user=%ka.user.name pod=%ka.target.name images=%ka.req.pod.containers.image.repository)
  priority: WARNING
  source: k8s_audit
  tags: [k8s, mitre_execution, T1610]
"""


def load(tmp_path: Path, *parts: str) -> api.Content:
    for number, part in enumerate(parts):
        (tmp_path / f"rules-{number}.yaml").write_text(part)
    return load_content([tmp_path])


def rule(condition: str, **keys: str) -> str:
    """A rule with a condition, after the macros and lists that all rules here can use."""
    more = "".join(f"  {key}: {value}\n" for key, value in keys.items())
    return (
        f"{HEAD}- rule: R\n  condition: >-\n    {condition}\n  output: o\n  priority: INFO\n  source: k8s_audit\n{more}"
    )


def alerts(tmp_path: Path, text: str, *events: dict[str, Any]) -> list[str]:
    """The audit ids of the events for which the one rule of a file raises an alert."""
    content = load(tmp_path, text)
    assert [one for one in content.problems if one.severity == "error"] == []
    (found,) = api.rows(content, write(tmp_path / "a.log", *events)).detections
    return sorted(row["auditID"] for row in found.result)


def pod(**spec: Any) -> dict[str, Any]:
    return {"requestObject": {"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "x/y:1"}], **spec}}}


def test_a_rule_becomes_a_detection_with_what_it_says_of_itself(tmp_path: Path) -> None:
    content = load(tmp_path, HEAD + RULE)
    assert content.problems == ()
    (one,) = content.detections
    assert (one.name, one.form, one.type, one.risk_score, one.severity) == (
        "Pod Made",
        "falco",
        "Anomaly",
        50,
        "medium",
    )
    assert (one.mitre_attack_id, one.category) == (("T1610",), ("k8s", "mitre_execution", "T1610"))
    log = write(
        tmp_path / "a.log",
        event("1", **pod()),
        *(event(str(number), user={"username": name}) for number, name in enumerate(("ci", "cd", "bob"), 2)),
        event("5", stage="RequestReceived"),
    )
    (finding,) = (one for one in api.run(content, log) if one.kind != "incident")
    assert finding.title == "Pod made (user=alice pod=web images=x/y)"


@pytest.mark.parametrize("folder", ["detections", "rules", "macros"])
def test_rules_are_found_in_every_folder(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "k8s.yaml").write_text(HEAD + RULE)
    assert [one.name for one in load_content([tmp_path]).detections] == ["Pod Made"]


def test_conditions_are_read_as_falco_reads_them() -> None:
    a, b, c = (Comparison(FalcoField("ka.verb"), "=", (value,)) for value in "abc")
    text = "ka.verb=a or ka.verb = 'b' and not (ka.verb==\"c\")"
    assert read_condition(text, {}, {}) == AnyOf((a, AllOf((b, Negation(c)))))
    assert read_condition("not not m", {"m": "ka.verb=a"}, {}) == a
    assert read_condition('ka.uri.param[command] in (a,"b c", l)', {}, {"l": ["d", "m"], "m": ["e"]}) == Comparison(
        FalcoField("ka.uri.param", "command"), "in", ("a", "b c", "d", "e")
    )
    assert read_condition('ka.verb in ("l")', {}, {"l": ["d"]}) == Comparison(FalcoField("ka.verb"), "in", ("l",))
    assert read_condition("ka.uri startswith /healthz?", {}, {}) == Comparison(
        FalcoField("ka.uri"), "startswith", ("/healthz?",)
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ka.verb=", "expected a value"),
        ("ka.verb", "expected an operator"),
        ("(ka.verb=a", "expected ')'"),
        ("ka.verb=a b", "expected 'and', 'or' or the end"),
        ("nothing and ka.verb=a", "unknown macro 'nothing'"),
        ("loop", "the macro 'loop' contains itself"),
        ("and ka.verb=a", "unknown macro 'and'"),
        ("ka.verb in x", "expected a list of values"),
        ("(" * 200 + "ka.verb=a" + ")" * 200, "too many parentheses"),
    ],
)
def test_text_that_is_no_condition_is_an_error(text: str, told: str) -> None:
    with pytest.raises(ContentError) as error:
        read_condition(text, {"loop": "ka.verb=a or loop"}, {})
    assert told in error.value.message


HOST = pod(volumes=[{"name": "v", "hostPath": {"path": "/etc"}}, {"name": "w", "emptyDir": {}}])
TWO = pod(containers=[{"name": "a", "image": "a/b:1@sha256:0"}, {"name": "b", "image": "c/d@sha256:1"}])
URI = "/api/v1/namespaces/default/pods/web/exec?x=1&command=sh%20-c&command=ls"


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ("ka.verb=create", True),
        ("ka.verb=CREATE", False),
        ("ka.verb!=get", True),
        ("ka.user.name in (alice, bob)", True),
        ("ka.user.name in (Alice)", False),
        ("ka.user.name in ()", False),
        ("not ka.user.name in ()", True),
        ("ka.user.groups intersects (dev, ops)", True),
        ("ka.user.groups in (dev)", False),
        ("ka.user.groups in (dev, system:authenticated)", True),
        ("ka.impuser.name exists", False),
        ("ka.impuser.name != bob", False),
        ("not ka.impuser.name = bob", True),
        ("not ka.impuser.name in (bob)", True),
        ("not ka.impuser.name startswith bo", True),
        ("not ka.impuser.name != bob", True),
        ("ka.uri startswith /api/v1 and ka.uri endswith '=ls'", True),
        ("ka.uri contains 'command=sh%20'", True),
        ("ka.uri icontains COMMAND", True),
        ("ka.uri contains COMMAND", False),
        ("ka.uri glob '/api/*/pods/???/exec?*'", True),
        ("ka.uri glob '/api'", False),
        ("ka.uri regex '/api/v[0-9]+/.*'", True),
        ("ka.uri regex '/api/v[0-9]+'", False),
        ("ka.uri pmatch (/api/v1, /apis)", True),
        ("ka.uri pmatch (/api/v)", False),
        ("ka.uri.param[command] = 'sh -c'", True),
        ("ka.uri.param[comm] exists", False),
        ("tolower(ka.user.name) = alice and toupper(ka.verb) = CREATE", True),
        ("basename(ka.uri) startswith exec?", True),
        ("ka.target.name = val(ka.req.configmap.name)", True),
        ("ka.response.code startswith 2", True),
        ("ka.response.code >= 400", False),
        ("ka.auth.decision=allow", True),
        ("jevt.value[/objectRef/name] = web", True),
        ("jevt.value[/sourceIPs/0] = 10.0.0.7", True),
        ("jevt.value[/annotations/authorization.k8s.io~1decision] = allow", True),
        ("jevt.value[/requestObject/spec/tls] exists", False),
        ("jevt.value[/requestObject/spec/containers] exists", True),
        ("jevt.value[/requestObject/spec/containers] contains c/d", True),
        ("ka.req.pod.containers.image intersects (c/d@sha256:1)", True),
        ("ka.req.pod.containers.image[1] in (c/d@sha256:1)", True),
        ("ka.req.pod.containers.image[0] in (c/d@sha256:1)", False),
        ("ka.req.pod.containers.image.repository in (a/b, c/d)", True),
        ("ka.req.pod.containers.image.repository in (a/b)", False),
        ("ka.req.container.image.repository in (a/b)", True),
        ("ka.req.pod.volumes.hostpath intersects (/etc)", True),
        ("ka.req.volume.hostpath[/et*] = true", True),
        ("ka.req.volume.hostpath[/proc] = false", True),
        ("ka.req.container.privileged = false", True),
        ("ka.req.binding.subjects.user_names intersects (eve)", True),
        ("ka.req.binding.subjects.group_names intersects (eve)", False),
        ("ka.target.pod.name exists", False),
        ("jevt.rawtime exists", True),
        ("not jevt.rawtime=0", True),
    ],
)
def test_fields_and_operators_mean_what_they_mean_to_falco(tmp_path: Path, condition: str, fires: bool) -> None:
    spec = TWO["requestObject"]["spec"] | {"volumes": HOST["requestObject"]["spec"]["volumes"]}
    body = {
        "kind": "Pod",
        "spec": spec,
        "subjects": [{"kind": "Group", "name": "dev"}, {"kind": "User", "name": "eve"}],
    }
    found = alerts(tmp_path, rule(condition), event("1", requestURI=URI, requestObject=body))
    assert found == (["1"] if fires else [])


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("proc.name = bash", "the field proc.name is not one of the Kubernetes audit log"),
        ("ka.verbs = get", "unknown field ka.verbs"),
        ("ka.req.pod.containers.eff_run_as_user intersects (0)", "cannot be read"),
        ("ka.user.groups = dev", "is a list, which = does not compare"),
        ("ka.user.name bcontains 00ff", "the operator bcontains is not supported"),
        ("b64(ka.user.name) = x", "the transformer b64() is not supported"),
        ("ka.user.name >= 7", "is text, which podhawk does not order"),
        ("jevt.rawtime > 7", "can only be tested with exists"),
        ("jevt.value = 7", "needs a JSON pointer"),
        ("missing", "unknown macro 'missing'"),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_name(tmp_path: Path, condition: str, told: str) -> None:
    content = load(tmp_path, rule(condition), RULE)
    (problem,) = content.problems
    assert problem.severity == "error"
    assert "Falco rule 'R' cannot be converted" in problem.message
    assert told in problem.message
    assert [one.name for one in content.detections] == ["Pod Made"]


@pytest.mark.parametrize("lacking", ["condition", "output", "priority"])
def test_a_rule_without_a_part_is_refused(tmp_path: Path, lacking: str) -> None:
    text = "\n".join(line for line in RULE.splitlines() if not line.startswith(f"  {lacking}:"))
    (problem,) = load(tmp_path, HEAD + text + "\n").problems
    assert f"it has no {lacking}" in problem.message


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ("- rule: R\n  append: true\n  condition: and ka.verb=get\n", False),
        ("- rule: R\n  condition: or ka.verb=create\n  override: {condition: append}\n", True),
        ("- rule: R\n  condition: ka.verb=create\n  override: {condition: replace}\n", True),
        ("- macro: known\n  condition: ka.verb=create\n", False),
        ("- macro: known\n  condition: or ka.verb=create\n  append: true\n", False),
        ("- list: quiet_users\n  items: [alice]\n  append: true\n", False),
        ("- list: quiet_users\n  items: [alice]\n  override: {items: append}\n", False),
        ("- list: quiet_users\n  items: [alice]\n", False),
        (
            "- rule: R\n  exceptions:\n  - {name: e, fields: [ka.user.name, ka.verb], values: [[alice, get]]}\n"
            "  append: true\n",
            True,
        ),
        (
            "- rule: R\n  exceptions:\n  - {name: e, fields: [ka.user.name, ka.verb], values: [[alice, create]]}\n"
            "  override: {exceptions: append}\n",
            False,
        ),
        ("- rule: R\n  exceptions:\n  - {name: old, values: [alice]}\n  override: {exceptions: append}\n", False),
    ],
)
def test_later_items_change_earlier_ones(tmp_path: Path, change: str, fires: bool) -> None:
    text = rule("not known", exceptions="[{name: old, fields: ka.user.name, values: [eve]}]")
    assert alerts(tmp_path, text + change, event("1")) == (["1"] if fires else [])


@pytest.mark.parametrize(
    ("exception", "fires"),
    [
        ("{name: e, fields: [ka.user.name], values: []}", True),
        ("{name: e, fields: ka.user.name, values: [alice, bob]}", False),
        ("{name: e, fields: [ka.user.name, ka.uri], comps: [in, startswith], values: [[[bob, alice], /api]]}", False),
        ("{name: e, fields: [ka.user.name, ka.uri], comps: [in, startswith], values: [[[bob, alice], /apis]]}", True),
        ("{name: e, fields: ka.uri, comps: startswith, values: [/x, /api]}", False),
    ],
)
def test_exceptions_keep_events_out(tmp_path: Path, exception: str, fires: bool) -> None:
    text = rule("ka.verb=create", exceptions=f"[{exception}]")
    assert alerts(tmp_path, text, event("1")) == (["1"] if fires else [])


def test_what_is_not_loaded_is_told(tmp_path: Path) -> None:
    text = HEAD + RULE
    off = "- rule: Pod Made\n  enabled: false\n"
    other = RULE.replace("k8s_audit", "syscall").replace("Pod Made", "Other")
    stray = "- rule: Nowhere\n  append: true\n  condition: and ka.verb=get\n"
    content = load(tmp_path, text + off + other + stray)
    assert content.detections == ()
    assert [(one.severity, one.message) for one in content.problems] == [
        ("error", "Falco rule 'Nowhere': changes the rule 'Nowhere', which no file before it defines"),
        ("warning", "Falco rule 'Pod Made' is disabled, and is not loaded"),
        ("warning", "Falco rule 'Other' is for the source syscall, and is not loaded"),
    ]


def test_a_rule_that_is_switched_off_is_told_and_fires_never(tmp_path: Path) -> None:
    text = rule("ka.verb=create and jevt.rawtime=0")
    assert alerts(tmp_path, text, event("1")) == []
    (problem,) = load(tmp_path, text).problems
    assert (problem.severity, problem.message) == (
        "warning",
        "Falco rule 'R' never fires: its condition is always false",
    )


def test_lint_test_explain_and_coverage_take_rules(tmp_path: Path) -> None:
    tests = "  tests:\n  - {name: a pod, expected_results: 1, attack_data: [{data: a.log}]}\n"
    (tmp_path / "rules.yaml").write_text(HEAD + RULE + tests)
    log = write(tmp_path / "a.log", event("1"), event("2", user={"username": "bob"}))
    linted = podhawk("lint", tmp_path)
    assert (linted.returncode, linted.stdout) == (0, "")
    assert "1 passed, 0 failed" in podhawk("test", tmp_path).stderr
    assert "fired: 1 row" in podhawk("explain", "Pod Made", "--content", tmp_path, log).stdout
    assert "T1610" in podhawk("coverage", "--content", tmp_path).stdout
    assert '"name":"Pod Made"' in podhawk("content", "list", "--content", tmp_path).stdout


def test_the_default_rules_all_load(shared: Path) -> None:
    content = load_content([shared / "content" / "falco"])
    assert {one.name for one in content.detections} == RULES.keys()
    assert [one.message for one in content.problems if one.severity == "error"] == []


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["A-metadata", "C-requestresponse", "D-background-1", "F-background-bodies"])
def test_alerts_equal_those_of_the_rules_written_out_by_hand(shared: Path, corpus: str) -> None:
    content = load_content([shared / "content" / "falco"])
    log = shared / "audit" / "corpus" / f"{corpus}.log.gz"
    expected = Counter(alerts_of(log))
    got = Counter(
        (one.detection.name, row["auditID"], row["stage"])
        for one in api.rows(content, log).detections
        for row in one.result
    )
    assert got == expected
    assert len(expected) > 500
