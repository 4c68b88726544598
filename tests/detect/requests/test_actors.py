"""Who did it, to what, and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podhawk.detect.finding import Finding
from podhawk.detect.requests.actor import actor_of
from podhawk.detect.requests.components import credentials
from podhawk.detect.requests.outcome import outcome_of
from podhawk.detect.requests.owner_writes import owner_in, write_of
from podhawk.detect.requests.privilege import privileges
from podhawk.detect.requests.request import Request, RequestKey, key_of
from podhawk.detect.requests.target import target_of
from podhawk.events.event import AuditEvent, Origin, View
from support.findings import detection, event, only_finding, received, run, write

CONTROLLER = {"username": "system:serviceaccount:kube-system:{}"}


def request(*stages: dict[str, Any]) -> Request:
    events = tuple(AuditEvent(View(data, ""), None, 1.0, 1.0, Origin("a.log", 1)) for data in stages)
    return Request(key_of(events[0]), events)


@pytest.mark.parametrize(
    ("user", "groups", "kind"),
    [
        ("alice", [], "human"),
        ("system:admin", [], "human"),
        ("kubernetes-admin", ["system:masters"], "human"),
        ("system:anonymous", ["system:unauthenticated"], "anonymous"),
        ("x", ["system:unauthenticated"], "anonymous"),
        ("system:serviceaccount:payments:api", [], "serviceaccount"),
        ("system:serviceaccount:kube-system:tiller", [], "serviceaccount"),
        ("system:serviceaccount:kube-system:replicaset-controller", [], "controller"),
        ("system:serviceaccount:default:replicaset-controller", [], "serviceaccount"),
        ("system:serviceaccount:kube-system:my-own-controller", [], "serviceaccount"),
        ("system:serviceaccount:kube-system:root-ca-cert-publisher", [], "controller"),
        ("system:bootstrap:abcdef", ["system:bootstrappers"], "node"),
        ("system:node:ip-10-0-1-2", ["system:nodes"], "node"),
        ("system:kube-scheduler", [], "controller"),
        ("system:apiserver", [], "controller"),
        ("system:kube-scheduler", ["system:masters"], "human"),
        ("system:monitoring", ["system:authenticated"], "human"),
        ("system:kube-controller-manager-x", [], "human"),
        ("eks:node-manager", [], "human"),
        ("system:addon-manager", [], "human"),
        ("system:serviceaccount:openshift-infra:build-controller", [], "serviceaccount"),
        ("system:serviceaccount:kube-system:job-controller", ["system:serviceaccounts"], "serviceaccount"),
        ("system:node:n1", ["system:authenticated"], "human"),
        ("eve", ["system:nodes"], "human"),
    ],
)
def test_kinds_of_actors(user: str, groups: list[str], kind: str) -> None:
    assert actor_of(request(event(user={"username": user, "groups": groups}))).kind == kind


@pytest.mark.parametrize(
    ("user", "format", "kind"),
    [
        ("eks:node-manager", "cloudwatch", "controller"),
        ("aksService", "aks", "controller"),
        ("system:addon-manager", "gke", "controller"),
        ("system:serviceaccount:openshift-infra:build-controller", "openshift", "controller"),
        ("eks:node-manager", "aks", "human"),
        ("eks:Foo", "cloudwatch", "human"),
    ],
)
def test_a_providers_names_count_in_its_own_logs_only(user: str, format: str, kind: str) -> None:
    made = AuditEvent(View(event(user={"username": user}), ""), None, 1.0, 1.0, Origin("a.log", 1), format=format)
    assert actor_of(Request(key_of(made), (made,))).kind == kind


def test_nobody_with_a_401_is_unauthenticated_and_without_unknown() -> None:
    assert actor_of(request(event(user={}, responseStatus={"code": 401}))).kind == "unauthenticated"
    assert actor_of(request(event(user={}))).kind == "unknown"


def test_the_last_source_ip_is_the_one_to_trust_and_impersonation_is_told() -> None:
    actor = actor_of(request(event(sourceIPs=["1.1.1.1", "10.0.0.7"], impersonatedUser={"username": "system:admin"})))
    assert (actor.source_ip, actor.source_ips, actor.effective_user) == (
        "10.0.0.7",
        ("1.1.1.1", "10.0.0.7"),
        "system:admin",
    )


def test_a_service_account_names_its_pod() -> None:
    user = {
        "username": "system:serviceaccount:payments:api",
        "extra": {"authentication.kubernetes.io/pod-name": ["api-1"]},
    }
    assert actor_of(request(event(user=user))).pod == "payments/api-1"


@pytest.mark.parametrize(
    ("stages", "outcome"),
    [
        ([event()], "success"),
        ([received()], "pending"),
        ([received(), event(responseStatus={"code": 409})], "failed"),
        ([event(responseStatus={"code": 403})], "denied"),
        ([event(stage="ResponseStarted", responseStatus={"code": 401})], "denied"),
        ([event(stage="ResponseStarted", responseStatus={"code": 101})], "success"),
        ([event(requestURI="/x?fieldManager=a&dryRun=All")], "dry_run"),
        ([event(requestURI="/x?dryRun=All", responseStatus={"code": 403})], "denied"),
        ([event(stage="Panic", responseStatus={"code": 500})], "failed"),
        ([event(responseStatus=None)], "unknown"),
    ],
)
def test_outcomes(stages: list[dict[str, Any]], outcome: str) -> None:
    assert outcome_of(request(*stages)) == outcome


SECRETS = {"resource": "secrets", "namespace": "payments"}
TOKEN = {"resource": "serviceaccounts", "subresource": "token"}
EXEC = {"resource": "pods", "subresource": "exec", "namespace": "default", "name": "web"}


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        ({"requestURI": "/x?dryRun=All&dryRun=All"}, "dry_run"),
        ({"requestURI": "/x?dry%52un=All", "verb": "patch"}, "dry_run"),
        ({"requestURI": "/x?dryRun=All", "verb": "delete", "level": "Request"}, "dry_run"),
        ({"verb": "delete", "level": "Request", "requestObject": {"dryRun": ["All"]}}, "dry_run"),
        ({"requestURI": "/x?dryRun=All", "objectRef": {**EXEC, "subresource": "eviction"}}, "dry_run"),
        # What the API server takes no notice of, and somebody who wants to be overlooked may write.
        ({"requestURI": "/x?dryrun=All"}, "success"),
        ({"requestURI": "/x?dryRun=1"}, "success"),
        ({"requestURI": "/x;dryRun=All"}, "success"),
        ({"requestURI": "/x?a=1;dryRun=All"}, "success"),
        ({"requestURI": "/x?dryRun=All", "verb": "get", "objectRef": SECRETS}, "success"),
        ({"requestURI": "/x?dryRun=All", "verb": "list", "objectRef": SECRETS}, "success"),
        ({"requestURI": "/x?command=sh&dryRun=All", "objectRef": EXEC}, "success"),
        ({"requestURI": "/x?dryRun=All", "objectRef": TOKEN}, "success"),
        (
            {
                "requestURI": "/x?dryRun=All",
                "objectRef": {"resource": "selfsubjectrulesreviews", "apiGroup": "authorization.k8s.io"},
            },
            "success",
        ),
        ({"requestURI": "/x?dryRun=All", "verb": "delete", "level": "Request", "requestObject": {}}, "success"),
        ({"requestURI": "/x?dryRun=All", "verb": "delete", "level": "Metadata"}, "success"),
    ],
)
def test_a_dry_run_is_what_the_server_takes_for_one_not_what_a_uri_says(members: dict[str, Any], outcome: str) -> None:
    assert outcome_of(request(event(**members))) == outcome


def test_the_name_that_generate_name_led_to_stands_in_the_answer() -> None:
    ref = {"resource": "pods", "namespace": "default"}
    asked = {"metadata": {"generateName": "job-"}, "spec": {"containers": [{"image": "evil"}]}}
    assert target_of(request(event(objectRef=ref, requestObject=asked))).name == "job-*"
    answered = target_of(
        request(
            event(
                objectRef=ref,
                requestObject=asked,
                responseObject={
                    "kind": "Pod",
                    "metadata": {"name": "job-x1"},
                    "spec": {"initContainers": [{"image": "init"}]},
                },
            )
        )
    )
    assert (answered.name, answered.images) == ("job-x1", ("evil", "init"))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "username",
                    "groups",
                    "extra",
                    "metadata",
                    "name",
                    "ownerReferences",
                    "spec",
                    "containers",
                    "image",
                    "code",
                    "securityContext",
                    "roleRef",
                    "controller",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                "user",
                "groups",
                "sourceIPs",
                "userAgent",
                "objectRef",
                "requestObject",
                "responseObject",
                "responseStatus",
                "impersonatedUser",
                "annotations",
                "stage",
                "verb",
                "requestURI",
                "auditID",
            ),
            _JSON,
        ),
    )
)
def test_members_of_any_type_never_raise(members: dict[str, Any]) -> None:
    made = Request(
        RequestKey("c", "a", "r", "u", "/"), (AuditEvent(View(members, ""), None, None, None, Origin("f", 1)),)
    )
    for look in (actor_of, target_of, outcome_of, owner_in, privileges, lambda one: key_of(one.last)):
        look(made)
    shown = credentials([made])
    shown.contradiction(made, "")
    write_of(made, shown)


def owner(kind: str, name: str, audit_id: str, at: str, user: str, **members: Any) -> dict[str, Any]:
    made = (
        {"username": CONTROLLER["username"].format(user), "groups": []}
        if user.endswith("-controller")
        else {"username": user, "groups": ["dev"]}
    )
    return event(
        audit_id,
        at=at,
        user=made,
        objectRef={"resource": kind, "namespace": "default", "name": name},
        requestURI=f"/apis/apps/v1/namespaces/default/{kind}",
        **members,
    )


def pod(at: str, by: str, **members: Any) -> dict[str, Any]:
    return event(
        "pod",
        at=at,
        user={"username": CONTROLLER["username"].format(by), "groups": []},
        objectRef={"resource": "pods", "namespace": "default"},
        userAgent="kcm",
        **members,
    )


def chain(finding: Finding) -> list[tuple[str, str, str, bool]]:
    return [(link.kind, link.name, link.user.rsplit(":", 1)[-1], link.certain) for link in finding.actor.chain]


DEPLOYED = (
    owner("deployments", "web", "d", "09:00:00.1", "alice"),
    owner("replicasets", "web-5d4f8c7b9", "r", "09:00:00.2", "deployment-controller"),
)


def test_names_and_times_lead_to_who_applied_the_deployment_as_a_guess(tmp_path: Path) -> None:
    finding = only_finding(tmp_path, *DEPLOYED, pod("09:00:00.3", "replicaset-controller"))
    assert chain(finding) == [
        ("ReplicaSet", "web-5d4f8c7b9", "deployment-controller", False),
        ("Deployment", "web", "alice", False),
    ]
    assert finding.actor.chain_complete
    assert finding.visible
    assert finding.actor.user.endswith("replicaset-controller")


def test_lines_out_of_order_change_nothing(tmp_path: Path) -> None:
    finding = only_finding(tmp_path, pod("09:00:00.3", "replicaset-controller"), *DEPLOYED[::-1])
    assert [link[2] for link in chain(finding)] == ["deployment-controller", "alice"]


def test_owner_references_are_certain_and_win_over_times(tmp_path: Path) -> None:
    def references(kind: str, name: str) -> dict[str, Any]:
        return {"metadata": {"ownerReferences": [{"kind": kind, "name": name, "controller": True}]}}

    events = (
        owner("deployments", "web", "d", "08:00:00.1", "alice"),
        owner(
            "replicasets",
            "web-1",
            "r",
            "08:00:00.2",
            "deployment-controller",
            responseObject=references("Deployment", "web"),
        ),
        owner("deployments", "other", "d2", "09:00:00.1", "bob"),
        owner("replicasets", "other-5d4f8c7b9", "r2", "09:00:00.2", "deployment-controller"),
    )
    finding = only_finding(
        tmp_path, *events, pod("09:00:00.3", "replicaset-controller", requestObject=references("ReplicaSet", "web-1"))
    )
    assert chain(finding)[-1] == ("Deployment", "web", "alice", True)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (owner("replicasets", "web-5d4f8c7b9", "r", "09:00:00.2", "deployment-controller"),),
    ],
)
def test_an_owner_that_is_not_in_the_log_is_not_seen(tmp_path: Path, events: tuple[Any, ...]) -> None:
    finding = only_finding(tmp_path, *events, pod("09:00:00.3", "replicaset-controller"))
    assert not finding.actor.chain_complete
    assert not finding.actor.possible
    assert not finding.visible


@pytest.mark.parametrize(
    ("events", "possible"),
    [
        (
            (
                *DEPLOYED,
                owner("deployments", "two", "d2", "09:00:00.1", "bob"),
                owner("replicasets", "two-5d4f8c7b9", "r2", "09:00:00.2", "deployment-controller"),
            ),
            ["alice", "bob"],
        ),
        (
            (
                owner("deployments", "web", "d", "08:00:00.1", "alice"),
                owner("replicasets", "web-5d4f8c7b9", "r", "08:00:00.2", "deployment-controller"),
            ),
            ["alice"],
        ),
    ],
)
def test_where_the_log_leaves_doubt_the_possible_owners_are_in_sight_and_nobody_is_charged(
    tmp_path: Path, events: tuple[Any, ...], possible: list[str]
) -> None:
    finding = only_finding(tmp_path, *events, pod("09:00:00.3", "replicaset-controller"))
    assert not finding.actor.chain_complete
    assert finding.actor.possible
    assert [link.user for link in finding.actor.possible] == possible
    assert finding.visible
    result = run(tmp_path / "a.log", detection("verb=create objectRef.resource=pods"))
    assert sum(one.applied for one in result.found.risk) == 0


def test_a_cron_jobs_pod_is_its_makers(tmp_path: Path) -> None:
    finding = only_finding(
        tmp_path,
        owner("cronjobs", "backup", "c", "01:00:00.1", "carol"),
        owner("jobs", "backup-29926215", "j", "09:00:00.1", "cronjob-controller"),
        pod("09:00:00.2", "job-controller"),
    )
    assert [link[2] for link in chain(finding)] == ["cronjob-controller", "carol"]


@pytest.mark.parametrize("separate", [False, True])
def test_a_token_leads_to_who_issued_it_across_runs_too(tmp_path: Path, separate: bool) -> None:
    issue = event(
        "issue",
        at="09:00:00.1",
        user={"username": "mallory"},
        objectRef={"resource": "serviceaccounts", "subresource": "token", "namespace": "default", "name": "api"},
        annotations={"authentication.kubernetes.io/issued-credential-id": "JTI=1"},
    )
    use = event(
        "use",
        user={
            "username": "system:serviceaccount:default:api",
            "extra": {"authentication.kubernetes.io/credential-id": ["JTI=1"]},
        },
    )
    made = detection("verb=create objectRef.resource=pods")
    state = str(tmp_path / "state")
    if separate:
        run(write(tmp_path / "a.log", issue), made, state=state)
    lines = [use] if separate else [use, issue]
    (finding,) = (
        one
        for one in run(write(tmp_path / "b.log", *lines), made, state=state if separate else None)
        if one.kind != "incident"
    )
    assert finding.actor.token_issuer == "mallory"


ROLE = "arn:aws:iam::111122223333:role/Admin"


@pytest.mark.parametrize(
    ("extra", "person"),
    [
        ({"arn": ["arn:aws:sts::1:assumed-role/Admin/alice"], "sessionName": ["alice"]}, "assumed-role/Admin/alice"),
        ({"canonicalArn": [ROLE], "sessionName": ["alice"]}, f"{ROLE}/alice"),
        ({"sessionName": ["alice"]}, "alice"),
        ({"canonicalArn": ["arn:aws:iam::1:user/alice"]}, "arn:aws:iam::1:user/alice"),
        ({"arn": "arn:aws:sts::1:assumed-role/Admin/alice"}, "alice"),
        ({"serviceAccountDelegationInfo": ["alice@example.com"]}, "alice@example.com"),
        ({"arn": [], "sessionName": [1]}, ""),
        ({"accessKeyId": ["ASIA"]}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_the_person_behind_a_shared_user(extra: Any, person: str) -> None:
    actor = actor_of(request(event(user={"username": "kubernetes-admin", "groups": [], "extra": extra})))
    assert (actor.person or "").endswith(person)
    assert bool(actor.person) == bool(person)
    assert actor.user == "kubernetes-admin"
    assert (actor.identity != actor.user) == bool(person)


def test_two_people_behind_one_user_have_first_times_of_their_own(tmp_path: Path) -> None:
    def said(number: int, name: str) -> dict[str, Any]:
        extra = {"sessionName": [name], "canonicalArn": [ROLE]}
        user = {"username": "kubernetes-admin", "groups": ["system:authenticated"], "extra": extra}
        return event(f"a{number}", user=user, at=f"10:00:0{number}.000001")

    log = write(tmp_path / "a.log", *(said(number, name) for number, name in enumerate(["alice", "bob", "alice"])))
    findings = sorted(run(log, detection("verb=create")), key=lambda one: one.first_time)
    assert [one.actor.person for one in findings] == [f"{ROLE}/{name}" for name in ("alice", "bob", "alice")]
    first = [any("first such request" in reason.reason for reason in one.priority_reasons) for one in findings]
    assert first == [True, True, False]


def test_a_finding_without_such_a_person_has_no_such_member(tmp_path: Path) -> None:
    (one,) = run(write(tmp_path / "a.log", event()), detection("verb=create"))
    assert b"person" not in msgspec.json.encode(one.actor)
