"""podhawk lint and fmt: the faults it finds, and that good content has none."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from podhawk.authoring.changed import changed, changed_files
from podhawk.authoring.lint.format import pipes
from podhawk.authoring.lint.run import CHECKS, ignored_of, lint
from podhawk.authoring.lint.searches import contradictions
from podhawk.commands.parse import parse_search
from podhawk.content import Content, load_content, shipped_pack
from podhawk.content.root import load_around
from podhawk.errors import UsageError
from podhawk.spl.clause import read_clause
from podhawk.spl.macros import expand
from support import ROOT
from support.command_line import podhawk

pytestmark = pytest.mark.slow

GOOD = """name: Pods Made
id: 5b0d6c5e-1c1e-4a86-8d6c-5a2f7d1e9b41
version: 1
date: '2026-11-01'
author: somebody
status: production
type: Anomaly
description: Somebody made a pod.
data_source:
- Kubernetes Audit
search: |-
  `kube_audit` verb=create objectRef.resource=pods
  | stats count values(objectRef.namespace) as namespace by user.username
  | rename user.username as user
  | `pods_made_filter`
how_to_implement: Send audit logs.
known_false_positives: People who make pods.
references:
- https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
tags:
  analytic_story:
  - Kubernetes Security
  asset_type: Kubernetes
  confidence: 70
  impact: 70
  message: $user$ made a pod in $namespace$
  mitre_attack_id:
  - T1610
  nist:
  - DE.AE
  cis20:
  - CIS 10
  observable:
  - name: user
    type: User
    role:
    - Victim
  required_fields:
  - verb
  - objectRef.resource
  - objectRef.namespace
  - user.username
  security_domain: threat
tests:
- name: attack
  attack_data:
  - data: attack.log
"""

SEEDED: list[tuple[str, str, str]] = [
    ("id", "id: 5b0d6c5e-1c1e-4a86-8d6c-5a2f7d1e9b41\n", ""),
    ("id", "5b0d6c5e-1c1e-4a86-8d6c-5a2f7d1e9b41", "12345"),
    ("content-broken", "5b0d6c5e-1c1e-4a86-8d6c-5a2f7d1e9b41", "aaaaaaaa-1c1e-4a86-8d6c-5a2f7d1e9b41"),
    ("name-unique", "Pods Made", "Other"),
    ("version", "version: 1", "version: one"),
    ("version", "version: 1", "version: 0"),
    ("date", "2026-11-01", "01/11/2026"),
    ("date", "2026-11-01", "2126-11-01"),
    ("type", "type: Anomaly", "type: Anomoly"),
    ("status", "status: production", "status: live"),
    ("placeholder", "$user$ made a pod in $namespace$", "tbd"),
    ("placeholder", "Somebody made a pod.", "TODO"),
    ("file-name", "name: Pods Made", "name: Pods Were Made"),
    ("test", "tests:\n- name: attack\n  attack_data:\n  - data: attack.log\n", ""),
    ("reference", "https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/", "see the wiki"),
    ("attack-unknown", "T1610", "T9999"),
    ("attack-parent", "  - T1610\n", "  - T1552\n  - T1552.007\n"),
    ("attack-missing", "  mitre_attack_id:\n  - T1610\n", ""),
    ("annotation-form", "DE.AE", "DE-AE"),
    ("annotation-form", "CIS 10", "CIS10"),
    ("story-unknown", "Kubernetes Security", "Kubernetes Secruity"),
    ("data-source-unknown", "Kubernetes Audit", "Kubernets Audit"),
    ("score", "  observable:\n  - name: user\n    type: User\n    role:\n    - Victim\n", ""),
    ("message-token", "in $namespace$", "in $objectRef.name$"),
    ("risk-object", "- name: user\n", "- name: account\n"),
    (
        "threat-object",
        "    role:\n    - Victim\n",
        "    role:\n    - Victim\n  - name: src_ip\n    type: IP Address\n    role:\n    - Attacker\n",
    ),
    ("required-fields", "  - objectRef.namespace\n", ""),
    ("required-fields", "  - user.username\n", "  - user.username\n  - user.uid\n"),
    ("filter-macro", "  | `pods_made_filter`\n", ""),
    ("filter-macro", "`pods_made_filter`", "`pods_filter`"),
    ("macro-unknown", "`kube_audit`", "`kube_audits`"),
    ("macro-unknown", "`kube_audit`", "`kube_audit(1)`"),
    ("field-unknown", "objectRef.resource=pods", "objectRef.resource=pods objectref.namespace=x"),
    ("field-unknown", "verb=create", "verb=create user.name=x"),
    ("search-broken", "| stats count", "| stast count"),
    ("search-broken", "objectRef.resource=pods", "(objectRef.resource=pods"),
    ("search-broken", "| rename", "| lookup nowhere user | rename"),
    ("search-unsupported", "| rename", "| predict count | rename"),
    ("search-duplicate", "objectRef.resource=pods", "objectRef.resource=secrets"),
    ("clause-unreachable", "verb=create", "verb=create verb=delete"),
    ("clause-unreachable", "verb=create", "verb=create NOT verb=create"),
    ("value-unknown", "verb=create", "verb=exec"),
    ("value-unknown", "verb=create", "responseStatus.code IN (allow, deny)"),
    ("or-beside-and", "objectRef.resource=pods", "objectRef.resource=pods OR objectRef.resource=jobs"),
    ("or-bareword", "objectRef.resource=pods", "(objectRef.resource=pods OR jobs)"),
    ("fillnull", "  | stats", "  | fillnull\n  | stats"),
    ("regex-blowup", "  | rename", '  | rex field=userAgent "(?<agent>(\\w+)+)/"\n  | rename'),
    ("wildcards", "verb=create", "verb=create requestURI=*a*b*c*"),
    (
        "throttling",
        "  security_domain: threat\n",
        "  security_domain: threat\n  throttling:\n    fields: host\n    period: 1h\n",
    ),
]
OTHER = (
    GOOD.replace("Pods Made", "Other")
    .replace("5b0d6c5e", "aaaaaaaa")
    .replace("pods_made", "other")
    .replace("=pods", "=secrets")
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a good detection, another one, and what they name."""
    for folder in ("detections", "macros", "stories", "data_sources"):
        (tmp_path / folder).mkdir()
    (tmp_path / "detections" / "pods_made.yml").write_text(GOOD)
    (tmp_path / "detections" / "other.yml").write_text(OTHER)
    (tmp_path / "macros" / "kube_audit.yml").write_text("name: kube_audit\ndefinition: source=kubernetes\n")
    for name in ("stories/kubernetes_security.yml", "data_sources/kubernetes_audit.yml"):
        shutil.copy(shipped_pack() / name, tmp_path / name)
    return tmp_path


def checks(root: Path, text: str) -> list[str]:
    file = root / "detections" / "pods_made.yml"
    file.write_text(text)
    content, chosen = load_around([file])
    return [one.check for one in lint(content, chosen)]


def test_good_content_has_no_fault(root: Path) -> None:
    assert checks(root, GOOD) == []


@pytest.mark.parametrize(
    ("check", "old", "new"), SEEDED, ids=[f"{number}-{one[0]}" for number, one in enumerate(SEEDED)]
)
def test_a_seeded_fault_is_found(root: Path, check: str, old: str, new: str) -> None:
    assert old in GOOD
    assert check in checks(root, GOOD.replace(old, new, 1))


def test_every_check_has_a_seeded_fault_and_an_entry_in_the_docs() -> None:
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    assert [one.id for one in CHECKS if one.id not in {seed[0] for seed in SEEDED} | {"disagreement"}] == []
    assert [one.id for one in CHECKS if f"| `{one.id}` | {one.level} | {one.doc} |" not in page] == []


def test_a_file_that_contradicts_itself_is_told(root: Path) -> None:
    assert "disagreement" in checks(root, GOOD.replace("    role:\n    - Victim\n", "    role:\n    - Bystander\n"))


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        ("type: Anomaly", "type: Anomoly", "type"),
        ("status: production", "status: live", "status"),
        ("T1610\n", "T1552\n  - T1552.007\n", "attack-parent"),
        ("    role:\n    - Victim\n", "    role:\n    - Victim\n    - Other\n", ""),
        ("confidence: 70\n  impact: 70", "confidence: 120\n  impact: 100\n  risk_score: 120", "score"),
    ],
)
def test_one_fault_was_told_two_or_three_times(root: Path, old: str, new: str, check: str) -> None:
    """By what reading noted, by a check that repeats these notes, and by a check of its own."""
    found = checks(root, GOOD.replace(old, new, 1))
    assert "content-broken" not in found
    assert "disagreement" not in found
    assert found == [check] * len(found)


def test_a_file_and_a_detection_of_different_names_got_contrary_advice(root: Path) -> None:
    """To rename the file, and to name the filter macro after the file as it is called now."""
    other = GOOD.replace("name: Pods Made", "name: Pods Were Made")
    assert checks(root, other) == ["file-name"]
    assert checks(root, other.replace("pods_made_filter", "pods_were_made_filter")) == ["file-name"]
    (root / "detections" / "pods_made.yml").write_text(other.replace("  | `pods_made_filter`\n", ""))
    content, chosen = load_around([root / "detections" / "pods_made.yml"])
    told = {one.check: one.remedy for one in lint(content, chosen)}
    assert "pods_were_made_filter" in told["filter-macro"]
    assert "pods_were_made_filter" in told["file-name"]


@pytest.mark.parametrize("id_", ["T1003", "T1003.001", "T1566.002", "T1027.017"])
def test_every_technique_outside_the_container_matrix_was_unknown(root: Path, id_: str) -> None:
    assert checks(root, GOOD.replace("T1610", id_)) == []


@pytest.mark.parametrize("id_", ["T1699", "T1003.009", "T0801", "TA0001"])
def test_a_technique_that_does_not_exist_is_unknown(root: Path, id_: str) -> None:
    assert "attack-unknown" in checks(root, GOOD.replace("T1610", id_))


def test_the_shipped_pack_has_no_fault() -> None:
    content = load_content([shipped_pack()])
    assert lint(content, content.detections) == []


def test_real_faults_of_published_content_are_told(published: Content) -> None:
    found = lint(published, published.detections)
    told = {(one.check, one.detection) for one in found}
    assert ("search-duplicate", "Kubernetes Access Scanning") in told
    assert ("search-duplicate", "Kubernetes Scanning by Unauthenticated IP Address") in told
    assert sum(one.check == "placeholder" and "'tbd'" in one.message for one in found) >= 30
    assert any(one.check in ("risk-object", "message-token") for one in found)
    assert any(one.check == "fillnull" for one in found)
    assert any(one.check == "or-bareword" for one in found)
    assert all(one.place.file and one.place.line for one in found)


@pytest.mark.parametrize(
    ("clause", "bad"),
    [
        ("a=1 a=2", True),
        ("a=1 NOT a=1", True),
        ("a=1 a!=1", True),
        ("x=1 (a=1 a=2)", True),
        ("a=1 OR a=2", False),
        ("a=1 a=1*", False),
        ("g{}=1 g{}=2", False),
        ("a=1 b=2 NOT c=1", False),
    ],
)
def test_contradictions_are_those_that_no_event_satisfies(clause: str, bad: bool) -> None:
    assert bool(list(contradictions(read_clause(clause, "test")))) is bad


def test_a_single_file_finds_its_content_and_the_exit_code_tells_errors(root: Path) -> None:
    file = root / "detections" / "pods_made.yml"
    assert podhawk("lint", file, "-o", "jsonl").returncode == 0
    file.write_text(GOOD.replace("T1610", "T9999"))
    done = podhawk("lint", file, "-o", "jsonl")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert (found["check"], found["line"]) == ("attack-unknown", 28)


def test_warnings_fail_only_under_strict(root: Path) -> None:
    file = root / "detections" / "pods_made.yml"
    file.write_text(GOOD.replace("$user$ made a pod in $namespace$", "tbd"))
    assert podhawk("lint", file).returncode == 0
    assert podhawk("lint", file, "--strict").returncode == 3


def test_sarif_has_places_rules_and_fingerprints_that_lines_do_not_change(root: Path) -> None:
    file = root / "detections" / "pods_made.yml"
    prints = []
    for text in (GOOD, "# a comment\n" + GOOD):
        file.write_text(text.replace("T1610", "T9999"))
        log = json.loads(podhawk("lint", file, "-o", "sarif", cwd=root).stdout)
        (result,) = log["runs"][0]["results"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "detections/pods_made.yml", "uriBaseId": "ROOT"}
        assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "attack-unknown"
        prints.append((result["partialFingerprints"], place["region"]["startLine"]))
    assert prints[0][0] == prints[1][0]
    assert prints[1][1] == prints[0][1] + 1


def test_github_annotations_stand_at_the_line(root: Path) -> None:
    (root / "detections" / "pods_made.yml").write_text(GOOD.replace("T1610", "T9999"))
    done = podhawk("lint", "detections", "-o", "github", cwd=root)
    assert done.stdout.startswith("::error file=detections/pods_made.yml,line=28,col=")


def test_a_baseline_lets_old_problems_be(root: Path) -> None:
    file, baseline = root / "detections" / "pods_made.yml", root / "baseline.json"
    file.write_text(GOOD.replace("T1610", "T9999"))
    assert podhawk("lint", file, "--baseline", baseline).returncode == 0
    assert podhawk("lint", file, "--baseline", baseline, "-o", "jsonl").stdout == ""
    file.write_text(GOOD.replace("T1610", "T9998"))
    assert podhawk("lint", file, "--baseline", baseline).returncode == 3
    assert podhawk("lint", file, "--baseline", file).returncode == 2


def test_checks_are_ignored_with_a_reason(root: Path) -> None:
    (root / "podhawk.toml").write_text('[lint.ignore]\n"pods_made:attack-unknown" = "our own technique"\n')
    (root / "detections" / "pods_made.yml").write_text(GOOD.replace("T1610", "T9999"))
    assert podhawk("lint", "detections", cwd=root).returncode == 0
    for table in ({"ignore": {"attack-unknown": ""}}, {"ignore": {"atack": "x"}}, {"ignor": {}}):
        with pytest.raises(UsageError):
            ignored_of(table)


def test_what_is_certain_is_fixed(root: Path) -> None:
    file = root / "detections" / "pods_made.yml"
    file.write_text(GOOD.replace("  | `pods_made_filter`\n", ""))
    assert podhawk("lint", file, "--fix").returncode == 0
    assert file.read_text() == GOOD
    file.write_text(GOOD.replace("id: 5b0d6c5e-1c1e-4a86-8d6c-5a2f7d1e9b41\n", ""))
    podhawk("lint", file, "--fix")
    assert checks(root, file.read_text()) == []


@pytest.mark.needs("git")
def test_a_changed_macro_counts_as_a_change_of_its_users(root: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments], cwd=root, check=True, capture_output=True
        )

    (root / "macros" / "inner.yml").write_text("name: inner\ndefinition: verb=create\n")
    (root / "macros" / "outer.yml").write_text("name: outer\ndefinition: '`inner`'\n")
    (root / "detections" / "other.yml").write_text(OTHER.replace("verb=create", "`outer`"))
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "first")
    content = load_content([root])
    names = lambda: [one.stem for one in changed(content, content.detections, changed_files(root, "main"))]  # noqa: E731
    assert names() == []
    (root / "macros" / "inner.yml").write_text("name: inner\ndefinition: verb=delete\n")
    assert names() == ["other"]
    (root / "macros" / "kube_audit.yml").write_text("name: kube_audit\ndefinition: source=k8s\n")
    assert sorted(names()) == ["other", "pods_made"]
    done = podhawk("lint", "detections", "--changed", "main", cwd=root)
    assert "2 detections" in done.stderr
    assert podhawk("lint", "detections", "--changed", "nothing", cwd=root).returncode == 2


def test_fmt_changes_nothing_but_the_lines_of_the_search(root: Path) -> None:
    file = root / "detections" / "pods_made.yml"
    flat = (
        GOOD.replace("search: |-\n", "search: '")
        .replace("  `kube_audit`", "`kube_audit`")
        .replace("pods\n  | stats", "pods | stats")
        .replace("username\n  | rename", "username|rename")
        .replace("user\n  | `pods_made_filter`", "user | `pods_made_filter`'")
    )
    file.write_text(flat)
    assert podhawk("fmt", "--check", file).returncode == 3
    assert file.read_text() == flat
    assert podhawk("fmt", file).returncode == 0
    assert file.read_text() == GOOD
    assert podhawk("fmt", "--check", file).returncode == 0


def test_published_searches_mean_the_same_one_pipe_a_line(published: Content) -> None:
    for one in published.detections:
        lines = pipes(one.search)
        before, after = (
            parse_search(expand(text, published.macros, keep_unknown=True)) for text in (one.search, "\n".join(lines))
        )
        assert [(stage.name, stage.node) for stage in before.stages] == [
            (stage.name, stage.node) for stage in after.stages
        ]
        assert len(lines) >= len(before.stages) - 5


@pytest.mark.parametrize("generation", ["1", "2", "3"])
def test_schemas_are_printed(generation: str) -> None:
    schema = json.loads(podhawk("lint", "--schema", generation).stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "search" in schema["required"]


@pytest.mark.parametrize("generation", ["1", "2", "3"])
def test_one_missing_column_was_told_three_times_and_without_its_line(tmp_path: Path, generation: str) -> None:
    """As a risk object, as a token of the message and as a throttling field."""
    assert podhawk("new", "detection", "Made", "--generation", generation, cwd=tmp_path).returncode == 0
    path = tmp_path / "detections" / "made.yml"
    text = path.read_text().replace("user.username as user,", "user.username as account,")
    path.write_text(text + ("throttling: {fields: [user], period: 1h}\n" if generation == "3" else ""))
    done = podhawk("lint", "-o", "jsonl", cwd=tmp_path)
    (fault,) = map(json.loads, done.stdout.splitlines())
    assert fault["check"] == "risk-object"
    assert text.splitlines()[fault["line"] - 1].strip() in ("- name: user", "- field: user")
