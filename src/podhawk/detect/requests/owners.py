"""Who is behind a controller: from the object that it made to the request of whoever applied its owner.

A controller makes pods for a ReplicaSet that another controller made for a Deployment that a person applied. Where
bodies are logged, each object names its owner (`ownerReferences`), and the way is certain. At the Metadata level there
are only names and times: a controller acts within seconds of the change that made it act, so the latest change of an
owner of that kind in the namespace is taken where it is recent and nobody else made one; such a link is a guess and
says so. Where neither finds the request, the chain is incomplete: it is not seen in this log.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from podhawk.detect.finding import ActorKind, ChainLink
from podhawk.detect.requests.actor import kind_of_actor
from podhawk.detect.requests.outcome import outcome_of
from podhawk.detect.requests.request import Request, member, newest_first

KINDS: Final = {
    "deployments": "Deployment",
    "replicasets": "ReplicaSet",
    "daemonsets": "DaemonSet",
    "statefulsets": "StatefulSet",
    "jobs": "Job",
    "cronjobs": "CronJob",
    "replicationcontrollers": "ReplicationController",
}
"""Resources whose objects own pods, or own what owns them, and their kinds."""

WRITES: Final = frozenset({"create", "update", "patch"})
_MAKES_FOR: Final = {
    "replicaset-controller": "ReplicaSet",
    "daemon-set-controller": "DaemonSet",
    "statefulset-controller": "StatefulSet",
    "job-controller": "Job",
    "replication-controller": "ReplicationController",
    "deployment-controller": "Deployment",
    "cronjob-controller": "CronJob",
}
"""What each controller acts for."""

_GIVEN_BY: Final = {
    "ReplicaSet": ("Deployment", re.compile(r"(.+)-[a-z0-9]{5,10}\Z")),
    "Job": ("CronJob", re.compile(r"(.+)-\d{6,}\Z")),
}
"""What kind made an object, and how its name tells the maker's."""

RECENT: Final = 15.0
"""Seconds before a controller's request in which what made it act is looked for."""
CLOCKS: Final = 1.0
"""Seconds by which two lines may be out of order."""
DEEPEST: Final = 4


class Write(Struct, frozen=True, order=True):
    """One change of an owner: when, by whom, in which request; who owns it in turn, where the body says."""

    time: float
    kind: str
    namespace: str
    name: str
    user: str
    audit_id: str
    actor: ActorKind
    uid: str = ""
    owner_kind: str = ""
    owner_name: str = ""
    groups: tuple[str, ...] = ()


def write_of(request: Request) -> Write | None:
    """The change of an owner that a request made, if it did."""
    data = request.last.view.data
    kind = KINDS.get(member(data, "objectRef", "resource"))
    if kind is None or member(data, "verb") not in WRITES:
        return None
    subresource = member(data, "objectRef", "subresource")
    if subresource not in ("", "scale") or outcome_of(request) not in ("success", "pending"):
        return None
    name = next((found for event in request.events if (found := member(event.view.data, "objectRef", "name"))), "")
    if not name:
        name = next((member(body, "metadata", "name") for body in newest_first(request, "responseObject")), "")
    if not name:
        return None
    listed = next((value for value in newest_first(request, "user", "groups") if isinstance(value, list)), [])
    groups = tuple(map(str, listed))
    uid = next((member(body, "metadata", "uid") for body in newest_first(request, "responseObject")), "")
    owner = owner_in(request)
    time = request.last.stage_time or request.last.time or 0.0
    actor = kind_of_actor(request.key.user, groups, request)
    return Write(
        time,
        kind,
        member(data, "objectRef", "namespace"),
        name,
        request.key.user,
        request.key.audit_id,
        actor,
        uid,
        *(owner or ("", "")),
        groups,
    )


def owner_in(request: Request) -> tuple[str, str] | None:
    """Kind and name of the controlling owner that a body of the request names."""
    for place in ("responseObject", "requestObject"):
        for references in newest_first(request, place, "metadata", "ownerReferences"):
            if not isinstance(references, list):
                continue
            known: list[Any] = [one for one in references if isinstance(one, dict)]
            first = next((one for one in known if one.get("controller") is True), known[0] if known else None)
            if first is not None and member(first, "name"):
                return member(first, "kind"), member(first, "name")
    return None


class Owners:
    """The changes of owners that are known, by kind and namespace, in order of time."""

    def __init__(self, writes: Iterable[Write] = ()) -> None:
        self._of: dict[tuple[str, str], list[Write]] = {}
        for write in sorted(set(writes)):
            self._of.setdefault((write.kind, write.namespace), []).append(write)

    def chain(self, request: Request) -> tuple[tuple[ChainLink, ...], bool]:
        """The chain behind a controller's request, and whether it leads to somebody who is no controller."""
        data = request.last.view.data
        namespace = member(data, "objectRef", "namespace")
        time = request.events[0].time or request.events[0].stage_time or 0.0
        controller = request.key.user.rsplit(":", 1)[-1]
        owner = owner_in(request)
        links: list[ChainLink] = []
        if owner is not None:
            found = self._named(owner[0], namespace, owner[1], time)
            certain = True
        else:
            found = self._recent(_MAKES_FOR.get(controller, ""), namespace, time)
            certain = False
        while found is not None and len(links) < DEEPEST:
            links.append(
                ChainLink(found.kind, found.namespace, found.name, found.user, found.audit_id, certain, found.groups)
            )
            if found.actor != "controller":
                return tuple(links), True
            found, sure = self._maker(found)
            certain = certain and sure
        return tuple(links), False

    def _maker(self, write: Write) -> tuple[Write | None, bool]:
        """The change of the owner of what a controller changed, and whether a body names it."""
        if write.owner_kind:
            return self._named(write.owner_kind, write.namespace, write.owner_name, write.time), True
        kind, pattern = _GIVEN_BY.get(write.kind, ("", None))
        parts = pattern.match(write.name) if pattern is not None else None
        return (self._named(kind, write.namespace, parts[1], write.time) if parts else None), False

    def _named(self, kind: str, namespace: str, name: str, time: float) -> Write | None:
        """The latest change of an object before a time: by somebody who is no controller, if any is known."""
        before = [write for write in self._before(kind, namespace, time) if write.name == name]
        people = [write for write in before if write.actor != "controller"]
        found = people or before
        return found[-1] if found else None

    def _recent(self, kind: str, namespace: str, time: float) -> Write | None:
        """The latest change of any object of a kind shortly before a time, where all such changes are of one object."""
        recent = [write for write in self._before(kind, namespace, time) if write.time >= time - RECENT]
        if len({write.name for write in recent}) != 1:
            return None
        people = [write for write in recent if write.actor != "controller"]
        return (people or recent)[-1]

    def _before(self, kind: str, namespace: str, time: float) -> list[Write]:
        known = self._of.get((kind, namespace), [])
        return known[: bisect.bisect_right(known, time + CLOCKS, key=lambda write: write.time)]
