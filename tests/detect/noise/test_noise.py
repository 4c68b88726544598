"""Noise classes, priority, visibility and throttling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podhawk.detect.finding import Finding
from podhawk.detect.findings import Policies
from podhawk.detect.noise.registry import NOISE_CLASSES, policy_of
from podhawk.errors import UsageError
from support.findings import detection, event, only_finding, received, run, write

PODS = "verb=create objectRef.resource=pods"
SCHEDULER = {"username": "system:kube-scheduler", "groups": ["system:authenticated"]}
ACCOUNT = {"username": "system:serviceaccount:payments:api", "groups": ["system:serviceaccounts"]}
NODE = {"username": "system:node:n1", "groups": ["system:nodes"]}
ANONYMOUS = {"username": "system:anonymous", "groups": ["system:unauthenticated"]}
LEASE = {"resource": "leases", "namespace": "x", "apiGroup": "coordination.k8s.io"}
REF = {"resource": "pods", "namespace": "default", "name": "web"}


def classes(finding: Finding) -> set[str]:
    return {hit.noise_class for hit in finding.noise}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("members", "search", "expected"),
    [
        (
            {"objectRef": {**REF, "subresource": "binding"}, "user": SCHEDULER, "userAgent": "kube-scheduler/v1"},
            PODS,
            {"subresource", "controller-made"},
        ),
        ({"objectRef": {**REF, "subresource": "eviction"}}, PODS, {"subresource"}),
        ({"objectRef": {**REF, "subresource": "exec"}}, PODS, {"subresource"}),
        ({"objectRef": {**REF, "subresource": "exec"}}, f"{PODS} objectRef.subresource=exec", set()),
        (
            {"objectRef": {**REF, "subresource": "exec"}, "responseStatus": {"code": 403}},
            "responseStatus.code=403",
            {"denied"},
        ),
        ({"objectRef": {**REF, "subresource": "ephemeralcontainers"}}, PODS, set()),
        ({"requestURI": "/api/v1/namespaces/default/pods?dryRun=All"}, PODS, {"dry-run"}),
        ({"responseStatus": {"code": 403}}, PODS, {"denied"}),
        (
            {"user": {"username": "system:serviceaccount:kube-system:replicaset-controller"}, "userAgent": "kcm"},
            PODS,
            {"controller-made"},
        ),
        ({"requestURI": "/livez?verbose", "objectRef": None, "verb": "get"}, "verb=get", {"probes"}),
        ({"requestURI": "/healthz/etcd", "objectRef": None, "verb": "get"}, "verb=get", {"probes"}),
        ({"requestURI": "/healthz/../api/v1/secrets", "objectRef": None, "verb": "get"}, "verb=get", set()),
        ({"requestURI": "/healthz", "objectRef": None, "verb": "post"}, "verb=post", set()),
        ({"objectRef": LEASE, "verb": "update", "user": NODE, "userAgent": "kubelet/1"}, "verb=update", {"probes"}),
        ({"objectRef": LEASE, "verb": "delete", "user": NODE, "userAgent": "kubelet/1"}, "verb=delete", set()),
        ({"objectRef": LEASE, "verb": "update"}, "verb=update", {"ordinary-work"}),
        ({"objectRef": LEASE, "verb": "list", "user": ANONYMOUS}, "verb=list", set()),
        (
            {
                "objectRef": {**LEASE, "apiGroup": "dhcp.example.com"},
                "verb": "update",
                "user": NODE,
                "userAgent": "x/1",
            },
            "verb=update",
            set(),
        ),
        # The credential of a component in other hands.
        ({"user": SCHEDULER, "userAgent": "kubectl/v1.32"}, PODS, set()),
        ({"user": SCHEDULER, "userAgent": "kube-scheduler/v1", "impersonatedUser": {"username": "root"}}, PODS, set()),
        (
            {"user": SCHEDULER, "userAgent": "kube-scheduler/v1", "objectRef": {**REF, "subresource": "exec"}},
            f"{PODS} objectRef.subresource=exec",
            set(),
        ),
        ({"user": {"username": "system:serviceaccount:kube-system:my-controller"}, "userAgent": "my/1"}, PODS, set()),
        (
            {"user": {"username": "system:apiserver"}, "sourceIPs": ["::1"], "userAgent": "kube-apiserver/v1"},
            PODS,
            {"controller-made", "loopback"},
        ),
        (
            {
                "user": {"username": "system:apiserver"},
                "sourceIPs": ["::1"],
                "userAgent": "kube-apiserver/v1",
                "impersonatedUser": {"username": "root"},
            },
            PODS,
            set(),
        ),
        (
            {"user": {"username": "system:serviceaccount:velero:velero"}, "userAgent": "velero/1.14"},
            PODS,
            {"known-operators"},
        ),
        ({"user": {"username": "system:serviceaccount:velero:velero"}, "userAgent": "curl/8"}, PODS, set()),
        ({}, PODS, set()),
    ],
)
def test_a_request_belongs_to_the_classes_that_describe_it(
    tmp_path: Path, members: dict[str, object], search: str, expected: set[str]
) -> None:
    assert classes(only_finding(tmp_path, event(**members), search=search)) == expected


TEAM = {"resource": "pods", "namespace": "team-a", "name": "web"}
ENTERED = {"objectRef": {**TEAM, "subresource": "exec"}, "verb": "get", "responseStatus": {"code": 101}}
HARMLESS = {"level": "Request", "requestObject": {"kind": "Pod", "spec": {"containers": [{"image": "nginx"}]}}}


@pytest.mark.parametrize(
    ("members", "ordinary"),
    [
        (ENTERED, True),
        ({**ENTERED, "userAgent": "curl/8"}, True),
        ({**ENTERED, "sourceIPs": ["203.0.113.9"]}, False),
        ({**ENTERED, "sourceIPs": ["10.0.0.7", "203.0.113.9"]}, False),
        ({**ENTERED, "sourceIPs": ["127.0.0.1"]}, False),
        ({**ENTERED, "sourceIPs": ["::ffff:127.0.0.1"]}, False),
        ({**ENTERED, "sourceIPs": []}, False),
        ({**ENTERED, "user": ACCOUNT}, False),
        ({**ENTERED, "user": ANONYMOUS}, False),
        ({**ENTERED, "impersonatedUser": {"username": "root"}}, False),
        ({**ENTERED, "objectRef": {**ENTERED["objectRef"], "namespace": "kube-system"}}, False),
        ({**ENTERED, "objectRef": {"resource": "nodes", "name": "n1", "subresource": "proxy"}}, False),
        ({"objectRef": {"resource": "secrets", "namespace": "team-a", "name": "tls"}, "verb": "get"}, False),
        ({"objectRef": TEAM}, False),
        ({"objectRef": TEAM, **HARMLESS}, True),
        ({"objectRef": TEAM, "level": "Request", "requestObject": {"spec": {"hostPID": True}}}, False),
    ],
)
def test_what_people_do_all_day_inside_the_network_is_ordinary_work(
    tmp_path: Path, members: dict[str, Any], ordinary: bool
) -> None:
    found = only_finding(tmp_path, event(**members), search="objectRef.resource=*")
    assert ("ordinary-work" in classes(found)) is ordinary
    assert any(one.points == -15 for one in found.priority_reasons) is ordinary


EXEC = event(objectRef={**REF, "subresource": "exec"}, requestURI="/api/v1/namespaces/default/pods/web/exec?command=sh")


@pytest.mark.parametrize(
    "search",
    [
        f"{PODS} requestURI=*/exec*",
        f"{PODS} requestURI IN (*/exec*, */attach*)",
        f"{PODS} exec",
        f'{PODS} "pods/web/exec"',
        f'{PODS} | where like(requestURI, "%/exec?%")',
        f"{PODS} | regex requestURI=exec",
        f"{PODS} | where 'objectRef.subresource'=\"exec\"",
        f"{PODS} | rename objectRef.subresource as part | search part=exec",
        f"{PODS} | rename objectRef.* as * | search subresource=exec",
        f"{PODS} NOT objectRef.subresource=binding",
        f"{PODS} `only_exec`",
        "verb=create objectRef.resource!=events",
        "verb=create objectRef.resource=*",
        "verb=create (objectRef.resource=pods OR user.username=alice)",
    ],
)
def test_a_search_that_picks_a_part_in_any_way_or_names_no_resource_keeps_its_findings(
    tmp_path: Path, search: str
) -> None:
    found = only_finding(tmp_path, EXEC, search=search, macros={"only_exec": "objectRef.subresource=exec"})
    assert "subresource" not in classes(found)
    assert found.visible


@pytest.mark.parametrize(
    "search",
    [
        f"{PODS} | stats count by objectRef.subresource, user.username",
        f"{PODS} | table objectRef.subresource requestURI",
        "`the_pods` NOT requestURI=*/log",
        "verb=create objectRef.resource IN (pods, secrets) | eval part=if(isnull('responseStatus.code'), 0, 1)",
        "verb=create (objectRef.resource=pods OR objectRef.resource=secrets)",
    ],
)
def test_a_search_that_means_pods_and_only_shows_the_part_has_its_exec_findings_out_of_sight(
    tmp_path: Path, search: str
) -> None:
    found = only_finding(tmp_path, EXEC, search=search, macros={"the_pods": PODS})
    assert "subresource" in classes(found)
    assert not found.visible


@pytest.mark.parametrize(
    ("account", "known"),
    [
        ("argocd:argocd-application-controller", True),
        ("monitoring:kube-state-metrics", True),
        ("monitoring:kube-prometheus-stack-prometheus", True),
        ("cert-manager:cert-manager-cainjector", True),
        ("karpenter:karpenter", True),
        ("argocd:argocd-application-controller2", False),
        ("payments:argocd-application-controller", False),
        ("default:prometheus", False),
        ("monitoring:grafana", False),
    ],
)
def test_operators_are_known_by_namespace_and_name_and_lowered_if_the_site_says_so(
    tmp_path: Path, account: str, known: bool
) -> None:
    user = {"username": f"system:serviceaccount:{account}", "groups": ["system:serviceaccounts"]}
    seen = event(user=user, userAgent="operator/1")
    assert not _lowered(only_finding(tmp_path, seen))  # everybody who may create accounts can take such a name
    policies = Policies(noise=policy_of({"known-operators": "lower"}))
    found = only_finding(tmp_path, seen, policies=policies)
    assert ("known-operators" in classes(found)) is known
    assert ("known noise: known-operators" in [reason.reason for reason in found.priority_reasons]) is known


def _lowered(finding: Finding) -> bool:
    return any(hit.action != "tag" for hit in finding.noise)


def test_stages_are_noted_and_hide_nothing(tmp_path: Path) -> None:
    found = only_finding(tmp_path, received(), event())
    assert [(hit.noise_class, hit.action) for hit in found.noise] == [("stages", "tag")]
    assert found.visible


def test_a_habit_is_twenty_earlier_matches_within_a_day_and_not_by_hand(tmp_path: Path) -> None:
    def reads(count: int, agent: str = "app/1", hour: int = 1) -> list[dict[str, object]]:
        return [
            event(
                f"{hour}-{agent}-{number}",
                at=f"{hour:02}:{number:02}:00.000001",
                verb="get",
                userAgent=agent,
                user=ACCOUNT,
                objectRef={"resource": "secrets", "namespace": "payments"},
            )
            for number in range(count)
        ]

    def hidden(*events: dict[str, object]) -> int:
        return sum(
            "habit" in classes(finding)
            for finding in run(write(tmp_path / "a.log", *events), detection("verb=get objectRef.resource=secrets"))
        )

    assert hidden(*reads(20)) == 0
    assert hidden(*reads(23)) == 3
    assert hidden(*reads(20), *reads(2, "curl/8.5", 2)) == 0
    assert hidden(*reads(20)[::-1], *reads(1, hour=2)) == 1


def test_a_success_after_twenty_refusals_is_no_habit(tmp_path: Path) -> None:
    def read(number: int, code: int) -> dict[str, object]:
        return event(
            f"r{number}",
            at=f"01:{number:02}:00.000001",
            verb="get",
            userAgent="app/1",
            user=ACCOUNT,
            objectRef={"resource": "secrets", "namespace": "payments"},
            responseStatus={"code": code},
        )

    log = write(tmp_path / "a.log", *(read(number, 403) for number in range(21)), read(21, 200), read(22, 200))
    found = list(run(log, detection("verb=get objectRef.resource=secrets")))
    assert ["habit" in classes(one) for one in found[-3:]] == [True, False, False]


@pytest.mark.slow
@pytest.mark.parametrize("name", [known.name for known in NOISE_CLASSES])
def test_the_policy_can_turn_every_class(tmp_path: Path, name: str) -> None:
    denied = event(responseStatus={"code": 403}, requestURI="/x?dryRun=All")
    for action in ("tag", "lower", "hide", "off"):
        found = only_finding(tmp_path, denied, policies=Policies(noise=policy_of({name: action})))
        if name == "denied":
            assert ("denied" in classes(found)) is (action != "off")
            assert found.visible is (action in ("tag", "off"))


@pytest.mark.parametrize("table", [{"subresorce": "hide"}, {"denied": "remove"}])
def test_unknown_classes_and_actions_are_refused_with_the_nearest(table: dict[str, str]) -> None:
    with pytest.raises(UsageError) as told:
        policy_of(table)
    assert "subresource" in str(told.value) or "tag, lower, hide, off" in str(told.value)


def test_the_credential_of_a_component_in_other_hands_is_no_machinery(tmp_path: Path) -> None:
    def reasons(**members: object) -> set[str]:
        return {reason.reason for reason in only_finding(tmp_path, event(user=SCHEDULER, **members)).priority_reasons}

    assert "control plane or node" in reasons(userAgent="kube-scheduler/v1")
    assert "control plane or node" not in reasons(userAgent="kubectl/v1.32")
    assert "controller acting for a known owner" not in reasons(userAgent="kubectl/v1.32")
    assert "control plane or node" not in reasons(userAgent="kube-scheduler/v1", impersonatedUser={"username": "root"})


def test_a_controller_that_does_the_same_again_for_the_same_cause_is_lowered(tmp_path: Path) -> None:
    owner = {"ownerReferences": [{"kind": "ReplicaSet", "name": "shop", "controller": True}]}
    controller = {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": []}

    def applied(name: str, at: str, user: str) -> dict[str, object]:
        return event(
            name,
            at=at,
            verb="patch",
            user={"username": user, "groups": []},
            objectRef={"resource": "replicasets", "namespace": "default", "name": "shop"},
            responseObject={"metadata": {"name": "shop"}},
        )

    def pod(name: str, at: str, code: int = 201) -> dict[str, object]:
        return event(
            name,
            at=at,
            user=controller,
            userAgent="kube-controller-manager/v1",
            requestObject={"metadata": owner},
            responseStatus={"code": code},
        )

    found = run(
        write(
            tmp_path / "a.log",
            applied("w1", "10:00:00.1", "ann"),
            pod("p1", "10:00:01.1"),
            pod("p2", "10:00:02.1"),
            pod("p3", "10:00:03.1", 403),
            pod("p4", "10:00:04.1", 403),
            applied("w2", "10:05:00.1", "eve"),
            pod("p5", "10:05:01.1"),
        ),
        detection(PODS),
    )
    repeats = {one.requests[0].audit_id: "controller-repeats" in classes(one) for one in found}
    assert repeats == {"p1": False, "p2": True, "p3": False, "p4": True, "p5": False}
