"""Changes of objects that make pods: who changed which object when, and whether the change wrote the template of pods.

Two people may be behind a pod: who wrote its template, and who made a controller act on it (by a scale, a restart or a
deletion). Only the first is charged. A scale writes no template. For other changes the bodies tell: the template in the
answer is compared with the one before, without what a restart adds to it. Where no bodies are logged it is not known.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from podhawk.detect.finding import ActorKind
from podhawk.detect.requests.actor import kind_of_actor
from podhawk.detect.requests.components import Credentials, address_of
from podhawk.detect.requests.outcome import outcome_of
from podhawk.detect.requests.patches import bodies
from podhawk.detect.requests.request import Request, known_of, member, newest_first

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
DELETES: Final = frozenset({"delete", "deletecollection"})
POD: Final = "Pod"
_TAKEN: Final = (
    "containers",
    "initContainers",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "securityContext",
    "serviceAccountName",
    "volumes",
)
_encode = msgspec.json.Encoder(order="deterministic", enc_hook=str).encode


class Write(Struct, frozen=True, order=True):
    """One change of an owner, or the deletion of a pod: when it was received, by whom, in which request.

    `name` is "" if the log does not have it. `owner_kind` and `owner_name` are who owns the object in turn, where a
    body says so. `template` stands for the template of pods that the object had afterwards, "" where it is not known.
    `wrote` is whether the change wrote the template: true for what is created, None if it is not known. `address` is
    the last source address of the request.
    """

    time: float
    kind: str
    namespace: str
    name: str
    user: str
    audit_id: str
    actor: ActorKind
    cluster: str
    owner_kind: str = ""
    owner_name: str = ""
    groups: tuple[str, ...] = ()
    template: str = ""
    wrote: bool | None = None
    address: str = ""
    created: bool = False


def write_of(request: Request, credentials: Credentials) -> Write | None:
    """The change of an owner, or the deletion of a pod, that a request made, if it did."""
    alike = known_of(request)
    if alike is None:
        return _write_of(request, credentials)
    known: tuple[Credentials, Write | None] | None = alike.get(write_of)
    if known is None or known[0] is not credentials:
        known = alike[write_of] = credentials, _write_of(request, credentials)
    write = known[1]
    if write is None:
        return None
    return structs.replace(write, time=_time_of(request), audit_id=request.key.audit_id)


def _time_of(request: Request) -> float:
    return request.events[0].time or request.events[0].stage_time or 0.0


def _write_of(request: Request, credentials: Credentials) -> Write | None:
    data = request.last.view.data
    resource, verb = member(data, "objectRef", "resource"), member(data, "verb")
    subresource = member(data, "objectRef", "subresource")
    kind = KINDS.get(resource, "")
    if resource == "pods":
        kind = POD if (verb in DELETES and not subresource) or (verb == "create" and subresource == "eviction") else ""
    elif verb not in WRITES or subresource not in ("", "scale"):
        kind = ""
    if not kind or outcome_of(request) not in ("success", "pending"):
        return None
    listed = next((value for value in newest_first(request, "user", "groups") if isinstance(value, list)), [])
    groups = tuple(map(str, listed))
    address = address_of(request)
    template, wrote = ("", False) if subresource or kind == POD else (_template(request), _wrote(request, verb))
    return Write(
        _time_of(request),
        kind,
        member(data, "objectRef", "namespace"),
        _name(request),
        request.key.user,
        request.key.audit_id,
        _actor(request, groups, address, credentials),
        request.key.cluster,
        *(owner_in(request) or ("", "")),
        groups,
        template,
        wrote,
        address,
        not subresource and (verb == "create" or member(data, "responseStatus", "code") == "201"),
    )


def _name(request: Request) -> str:
    named = (member(event.view.data, "objectRef", "name") for event in request.events)
    answered = (member(body, "metadata", "name") for body in newest_first(request, "responseObject"))
    return next(filter(None, named), "") or next(answered, "")


def _actor(request: Request, groups: tuple[str, ...], address: str, credentials: Credentials) -> ActorKind:
    kind = kind_of_actor(request.key.user, groups, request)
    return "unknown" if kind == "controller" and credentials.contradiction(request, address) else kind


def _wrote(request: Request, verb: str) -> bool | None:
    """Whether a change wrote the template; of an update it is not known, because it repeats the whole object."""
    if verb == "create":
        return True
    asked = bodies(request)
    return None if verb == "update" or not asked else any(_spec(body) is not None for body in asked)


def _template(request: Request) -> str:
    """What stands for the template of pods in the answer; "" where no answer is logged."""
    answers = map(_spec, newest_first(request, "responseObject"))
    kind = KINDS.get(member(request.last.view.data, "objectRef", "resource"), "")
    return next((_digest(spec, kind) for spec in answers if spec is not None), "")


def template_made(request: Request) -> str:
    """What stands for the template that a controller made an object from; "" where no body is logged."""
    resource, owner = member(request.last.view.data, "objectRef", "resource"), owner_in(request)
    if resource in KINDS:
        return _template(request)
    if resource != "pods" or owner is None:
        return ""
    asked = (body.get("spec") for body in newest_first(request, "requestObject") if isinstance(body, dict))
    return next((_digest(spec, owner[0]) for spec in asked if isinstance(spec, dict)), "")


def _digest(spec: dict[str, Any], kind: str) -> str:
    """A digest of what the controller of a kind takes over from a template as it is. Controllers add names and
    tolerations, that of a StatefulSet volumes too."""
    added = "volumes" if kind == "StatefulSet" else ""
    taken = {name: spec[name] for name in _TAKEN if name in spec and name != added}
    return blake2b(_encode(taken), digest_size=12).hexdigest()


def _spec(body: Any) -> dict[str, Any] | None:
    """The specification of pods in an object that makes them, or in a part of it; None where it has none."""
    spec = body.get("spec") if isinstance(body, dict) else None
    if isinstance(spec, dict) and isinstance(spec.get("jobTemplate"), dict):
        spec = spec["jobTemplate"].get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    found = template.get("spec") if isinstance(template, dict) else None
    return found if isinstance(found, dict) else None


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


MADE_BY: Final = {
    "ReplicaSet": ("Deployment", re.compile(r"(.+)-[a-z0-9]{5,10}\Z")),
    "Job": ("CronJob", re.compile(r"(.+)-\d{6,}\Z")),
}
"""What kind made an object, and how its name tells the maker's."""
