"""Random histories of a cluster, in which every pass over findings has something to do."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from podhawk.content.model import Deployment, RiskObject
from podhawk.content.model.detection import Throttling
from support.findings import detection, event

Event = dict[str, Any]
_CONTROLLER = "system:serviceaccount:kube-system:{}-controller"
_HOURS = Deployment("h", cron_schedule="*/10 * * * *", earliest_time="-5h", latest_time="now")
_HOUR = Deployment("d", cron_schedule="*/10 * * * *", earliest_time="-30m@m", latest_time="now")
SCORE = {
    "message": "$user.username$ did it",
    "risk_objects": (RiskObject("user.username", "user", 70),),
    "risk_score": 70,
}
AGGREGATE = {**SCORE, "message": "$user.username$ did much"}
MOVED = (
    "verb=get | eval src_ip=mvindex('sourceIPs{}', -1) | eventstats earliest(src_ip) as home by user.username "
    "| where src_ip!=home | stats count values(home) as home by user.username src_ip"
)
ISSUED = (
    "* | eval issued='annotations.authentication.kubernetes.io/issued-credential-id', "
    "credential=coalesce(issued, mvindex('user.extra.authentication.kubernetes.io/credential-id{}', 0)), "
    "src_ip=if(isnull(issued), mvindex('sourceIPs{}', -1), null()) "
    "| eventstats count(issued) as issues earliest(src_ip) as home by credential | where issues > 0 AND src_ip!=home "
    "| stats count values(home) as home by credential src_ip"
)
UNSEEN = (
    "verb=create objectRef.resource=pods | eval refused=if('responseStatus.code'=403, 1, null()) "
    "| eventstats count as pods | stats count(refused) as refusals max(pods) as pods by user.username "
    "| where refusals > 0 AND pods < 4"
)
"""Plans that take rows back: two look at parts by themselves, the third needs a refusal."""

DETECTIONS = (
    detection(
        "verb=create objectRef.resource=pods | table user.username stage objectRef.namespace", name="Pods", id="1"
    ),
    detection(
        "verb=create objectRef.resource=pods | table user.username stage objectRef.namespace", name="A twin", id="2"
    ),
    detection("verb=create objectRef.resource=deployments | table user.username", name="Deployments", id="3", **SCORE),
    detection("verb=get objectRef.resource=secrets | table user.username", name="Secrets", id="4", **SCORE),
    detection(
        "verb=delete | table user.username",
        name="Deletes",
        id="5",
        throttling=Throttling(("user.username",), "300s"),
        **SCORE,
    ),
    detection("verb=create | stats count by user.username | where count > 3", name="Many", id="6", **AGGREGATE),
    detection(
        "verb=get | stats count by user.username | sort - count | head 1 | where count > 1",
        name="Most",
        id="7",
        deployment=_HOUR,
        **AGGREGATE,
    ),
    detection(MOVED, name="Moved", id="11", deployment=_HOUR, **AGGREGATE),
    detection(ISSUED, name="Issued", id="12", deployment=_HOURS),
    detection(UNSEEN, name="Unseen", id="13", deployment=_HOUR, **AGGREGATE),
    detection("stage=RequestReceived verb=create | table user.username", name="Starts", id="8", **SCORE),
    detection("stage=RequestReceived verb=watch | table user.username", name="Watches", id="9", **SCORE),
    detection("verb=watch NOT responseStatus.code=403 | table user.username", name="Unless", id="10", **SCORE),
)


def _user(name: str, *groups: str, token: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"username": name, "groups": [*groups, "system:authenticated"]}
    if token:
        found["extra"] = {"authentication.kubernetes.io/credential-id": [token]}
    return found


class History:
    """Makes the events of one history, in the order in which they happen."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._number = 0
        self._time = 36_000.0

    def events(self, count: int) -> list[Event]:
        """So many events, and bursts of a few more."""
        found: list[Event] = []
        makers: list[Callable[[], list[Event]]] = [
            self._pod, self._deployment, self._replicaset, self._made_pod, self._made_pod, self._secret, self._workload,
            self._workload, self._delete, self._delete, self._issue, self._burst, self._denied, self._dry_run,
            self._watch, self._watch,
        ]  # fmt: skip
        while len(found) < count:
            found += self.random.choice(makers)()
        return found

    def _next(self, **members: Any) -> Event:
        self._number += 1
        self._time += self.random.choice((0.0, 0.2, 3.0, 40.0, 40.0, 200.0, 200.0, 1900.0))
        seconds = self._time
        at = f"{int(seconds // 3600) % 24:02}:{int(seconds // 60) % 60:02}:{seconds % 60:09.6f}"
        return event(f"r{self._number}", at=at, **members)

    def _stages(self, made: Event) -> list[Event]:
        if self.random.random() < 0.6:
            return [made]
        first = {
            **made,
            "stage": "RequestReceived",
            "stageTimestamp": made["requestReceivedTimestamp"],
        }
        for name in ("responseStatus", "annotations", "responseObject"):
            first.pop(name, None)
        return [first, made]

    def _name(self) -> str:
        return self.random.choice(("web", "db"))

    def _person(self) -> str:
        return self.random.choice(("alice", "bob"))

    def _pod(self) -> list[Event]:
        return self._stages(self._next(user=_user(self._person())))

    def _denied(self) -> list[Event]:
        return [self._next(user=_user(self._person()), responseStatus={"code": 403})]

    def _dry_run(self) -> list[Event]:
        return [self._next(user=_user(self._person()), requestURI="/api/v1/namespaces/default/pods?dryRun=All")]

    def _watch(self) -> list[Event]:
        code = self.random.choice((200, 403, 404))
        return self._stages(self._next(verb="watch", user=_user(self._person()), responseStatus={"code": code}))

    def _deployment(self) -> list[Event]:
        verb = self.random.choice(("create", "create", "patch", "update"))
        reference = {"resource": "deployments", "namespace": "default", "name": self._name(), "apiGroup": "apps"}
        return self._stages(self._next(verb=verb, user=_user(self._person()), objectRef=reference))

    def _replicaset(self) -> list[Event]:
        name = self._name()
        reference = {"resource": "replicasets", "namespace": "default", "name": f"{name}-5d4f8c7b9", "apiGroup": "apps"}
        body = {"metadata": {"ownerReferences": [{"kind": "Deployment", "name": name, "controller": True}]}}
        known = {"responseObject": body} if self.random.random() < 0.5 else {}
        return [self._next(user=_user(_CONTROLLER.format("deployment")), objectRef=reference, **known)]

    def _made_pod(self) -> list[Event]:
        name = f"{self._name()}-5d4f8c7b9"
        body = {
            "metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": name, "controller": True}]},
            "spec": {"containers": []},
        }
        known = {"requestObject": body} if self.random.random() < 0.7 else {}
        reference = {"resource": "pods", "namespace": "default"}
        user = _user(_CONTROLLER.format("replicaset"))
        return self._stages(self._next(user=user, objectRef=reference, userAgent="kcm", **known))

    def _secret(self) -> list[Event]:
        reference = {"resource": "secrets", "namespace": "default", "name": "s"}
        return [self._next(verb="get", user=_user(self._person()), objectRef=reference, responseStatus={"code": 200})]

    def _workload(self) -> list[Event]:
        account = "system:serviceaccount:shop:app"
        made = self._next(
            verb="get",
            user=_user(account, "system:serviceaccounts", token=self.random.choice(("JTI=1", "JTI=2", ""))),
            objectRef={"resource": "secrets", "namespace": "shop", "name": "s"},
            sourceIPs=[self.random.choice(("10.1.0.1", "10.1.0.2"))],
            userAgent="app/1",
            responseStatus={"code": 200},
        )
        return [made]

    def _delete(self) -> list[Event]:
        return [self._next(verb="delete", user=_user(self._person()), responseStatus={"code": 200})]

    def _issue(self) -> list[Event]:
        who = self.random.choice(("system:node:n1", "alice", "system:kube-controller-manager"))
        return [
            self._next(
                user=_user(who, "system:nodes" if "node" in who else "dev"),
                sourceIPs=[self.random.choice(("10.0.0.7", "127.0.0.1"))],
                objectRef={"resource": "serviceaccounts", "namespace": "shop", "name": "app", "subresource": "token"},
                annotations={
                    "authentication.kubernetes.io/issued-credential-id": self.random.choice(("JTI=1", "JTI=2"))
                },
            )
        ]

    def _burst(self) -> list[Event]:
        account = "system:serviceaccount:shop:worker"
        found = []
        for _ in range(self.random.choice((4, 12, 24))):
            found.append(
                self._next(
                    verb="get",
                    user=_user(account, "system:serviceaccounts"),
                    objectRef={"resource": "secrets", "namespace": "other", "name": "t"},
                    sourceIPs=["10.2.0.1"],
                    userAgent="worker/1",
                    responseStatus={"code": 200},
                )
            )
        return found


__all__ = ["DETECTIONS", "Event", "History"]
