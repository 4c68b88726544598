"""GKE through Cloud Logging: a log entry with an audit payload, rebuilt as the audit event it came from.

Cloud Logging keeps the who, what and where of an audit event under names of its own, and leaves things
out: groups, uid and extra of the user, uids and versions of the object, the query of the request. What is left out
stays absent and is listed as missing. Level and stage are not given either but follow from the rest: a call that
switched protocols, or an operation of which this entry is the first and not the last, is at ResponseStarted.
"""

from __future__ import annotations

import shlex
from typing import Any, Final
from urllib.parse import quote

from podhawk.events import hides
from podhawk.events.decode import encode_json
from podhawk.events.envelope import Carrier, Envelope, Event, Format, Layer, Record, Reject
from podhawk.events.formats.gkeidentity import identity
from podhawk.events.formats.gkemethod import Method, object_ref, parse_method, response_status
from podhawk.events.formats.gkeproto import from_go, is_go_entry
from podhawk.events.formats.inside import mentions_event
from podhawk.events.reasons import GCP_ENTRY, GCP_OTHER, is_audit_event
from podhawk.events.time import format_micro, parse_rfc3339

SOURCETYPE: Final = "google:gcp:pubsub:message"
COMMAND: Final = "command.gke.io/command"
_DECISION: Final = "authorization.k8s.io/decision"
NEVER_GIVEN: Final = frozenset(
    {
        "user.groups{}",
        "user.uid",
        "user.extra",
        "impersonatedUser.groups{}",
        "impersonatedUser.uid",
        "impersonatedUser.extra",
        "authenticationMetadata",
        "objectRef.uid",
        "objectRef.resourceVersion",
    }
)
_ALIASES: Final = {
    "src": "requestMetadata.callerIp",
    "src_ip": "requestMetadata.callerIp",
    "src_user": "authenticationInfo.principalEmail",
    "user": "authenticationInfo.principalEmail",
    "http_user_agent": "requestMetadata.callerSuppliedUserAgent",
    "command": "methodName",
    "dest": "resourceName",
    "object_path": "resourceName",
}


def is_entry(value: Any) -> bool:
    """A Cloud Logging entry, of GKE or of anything else."""
    if type(value) is not dict:
        return False
    if type(value.get("protoPayload")) is dict or is_go_entry(value):
        return True
    return ("logName" in value or "insertId" in value) and ("textPayload" in value or "jsonPayload" in value)


def _unwrap(record: Record) -> Layer:
    entry = from_go(record.value) if is_go_entry(record.value) else record.value
    text = record.text if entry is record.value else None
    if type(entry.get("protoPayload")) is dict:
        yield from rebuilt(entry, text, record.envelope, "gke")
        return
    inner = entry.get("jsonPayload", entry.get("textPayload"))
    if is_audit_event(inner) or mentions_event(inner if type(inner) is str else encode_json(inner)):
        yield Record(inner, _within(entry, record.envelope, "gke"))
    else:
        yield Reject(GCP_ENTRY)


def rebuilt(entry: dict[str, Any], text: str | bytes | None, envelope: Envelope, name: str) -> Layer:
    """The event that an entry with a payload of its own tells of, under the name of a format."""
    payload = entry["protoPayload"]
    service, called = payload.get("serviceName"), payload.get("methodName")
    method = parse_method(called, service if type(service) is str else "") if isinstance(called, str) else None
    if method is None:
        yield Reject(GCP_OTHER)
        return
    data, missing = rebuild(entry, payload, method)
    envelope = _within(entry, envelope, name)
    if envelope.carrier is None:
        shown = {"data": entry}
        raw = f'{{"data":{text.decode("utf-8", "replace") if isinstance(text, bytes) else text}}}' if text else None
        envelope = envelope.within(name, carrier=carrier_of(shown, raw, ""))
    elif envelope.carrier.sourcetype == SOURCETYPE:  # the message that a topic delivered, as it came
        envelope = envelope.within(
            name,
            carrier=carrier_of(envelope.carrier.data or {"data": entry}, envelope.carrier.raw, envelope.carrier.source),
        )
    yield Event(
        data,
        encode_json(data),
        envelope,
        "audit.k8s.io/truncated" in data.get("annotations", {}),
        envelope.missing | missing,
    )


def carrier_of(data: dict[str, Any], raw: str | None, source: str) -> Carrier:
    """How the add-on shows a message; `raw` is its text where that is known."""
    entry = data.get("data")
    payload = entry.get("protoPayload") if type(entry) is dict else None
    caller = payload.get("requestMetadata") if type(payload) is dict else None
    upper = type(caller) is dict and "callerIP" in caller
    aliases = {
        name: f"data.protoPayload.{target.replace('callerIp', 'callerIP') if upper else target}"
        for name, target in _ALIASES.items()
    }
    name = entry.get("logName") if type(entry) is dict else None
    return Carrier(
        SOURCETYPE,
        source or (str(name) if isinstance(name, str) else "pubsub"),
        data,
        raw if raw is not None else encode_json(data),
        aliases,
    )


def _within(entry: dict[str, Any], envelope: Envelope, name: str) -> Envelope:
    resource = entry.get("resource")
    labels = resource.get("labels") if type(resource) is dict else None
    cluster = labels.get("cluster_name") if type(labels) is dict else None
    return envelope.within(name, time=_moment(entry), cluster=str(cluster) if isinstance(cluster, str) else None)


def _moment(entry: dict[str, Any]) -> float | None:
    for key in ("timestamp", "receiveTimestamp"):
        stamp = entry.get(key)
        moment = parse_rfc3339(stamp) if isinstance(stamp, str) else None
        if moment is not None:
            return moment
    return None


def _dict(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def rebuild(entry: dict[str, Any], payload: dict[str, Any], method: Method) -> tuple[dict[str, Any], frozenset[str]]:
    """The audit event that an entry tells of, and the fields that it does not tell."""
    caller, who = _dict(payload.get("requestMetadata")), _dict(payload.get("authenticationInfo"))
    operation = _dict(entry.get("operation"))
    labels = {key: value for key, value in _dict(entry.get("labels")).items() if isinstance(value, str)}
    decision = labels.get(_DECISION) or _decision(payload)
    if decision:
        labels.setdefault(_DECISION, decision)
    name = payload.get("resourceName")
    name = str(name) if isinstance(name, str) and name else None
    status = response_status(payload, method, refused=decision == "forbid")
    code = status.get("code") if status else None
    started = code == "101" or (operation.get("first") is True and operation.get("last") is not True)
    # A row of chosen columns may lack the principal though the entry had one.
    is_told = "authenticationInfo" in payload
    refused = decision == "forbid" or code in ("401", "403")
    let_through = decision == "allow" if not is_told else not refused
    user, impersonated = identity(who, let_through and (is_told or "requestMetadata" in payload))
    address = caller.get("callerIp") or caller.get("callerIP")
    moment = _moment(entry)
    stamp = format_micro(moment) if moment is not None else None
    known = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1beta1",
        "level": "Request" if started else "RequestResponse",
        "auditID": next(
            (id_ for id_ in (operation.get("id"), entry.get("insertId")) if isinstance(id_, str) and id_), None
        ),
        "stage": "ResponseStarted" if started else "ResponseComplete",
        "requestURI": _uri(name, method, labels),
        "verb": method.verb,
        "user": user,
        "impersonatedUser": impersonated,
        "sourceIPs": [address] if address else None,
        "userAgent": caller.get("callerSuppliedUserAgent"),
        "objectRef": object_ref(method, name or _named_in_authorization(payload)),
        "responseStatus": status,
        "requestObject": payload.get("request"),
        "responseObject": payload.get("response"),
        "requestReceivedTimestamp": stamp,
        "stageTimestamp": stamp,
        "annotations": labels or None,
    }
    data = {key: value for key, value in known.items() if value is not None}
    missing = set(NEVER_GIVEN) | {
        key if key != "sourceIPs" else "sourceIPs{}"
        for key, value in known.items()
        if value is None and key != "impersonatedUser" and not (key == "objectRef" and method.resource is None)
    }
    if user is not None and "extra" in user:
        missing.discard("user.extra")
    if started and (method.subresource or "") in ("exec", "attach") and COMMAND not in labels:
        missing.add(f"annotations.{COMMAND}")
    return data, frozenset(missing)


def _decision(payload: dict[str, Any]) -> str | None:
    """allow or forbid, from the authorization checks; `granted` is left out where it is false."""
    checks = payload.get("authorizationInfo")
    found = [check for check in checks if type(check) is dict] if type(checks) is list else []
    if not found:
        return None
    return "allow" if all(check.get("granted") is True for check in found) else "forbid"


def _named_in_authorization(payload: dict[str, Any]) -> str | None:
    checks = payload.get("authorizationInfo")
    for check in checks if type(checks) is list else []:
        if type(check) is dict and isinstance(check.get("resource"), str):
            return str(check["resource"])
    return None


def _uri(name: str | None, method: Method, labels: dict[str, str]) -> str | None:
    """The resource name stands for the request's path; the command of an exec comes from its label."""
    if name is None:
        return None
    if method.resource is None and not name.startswith("/"):
        name = "/" + name
    command = labels.get(COMMAND)
    if not command:
        return name
    try:
        words = shlex.split(command)
    except ValueError:
        words = [command]
    return name + "?" + "&".join("command=" + quote(word, safe="") for word in words or [command])


GKE: Final = Format(
    name="gke",
    doc="Cloud Logging entries of GKE (`protoPayload`, in REST form or the form of the Go client), "
    "rebuilt as audit events. Recognised by a Kubernetes `methodName`. The cluster is "
    "`resource.labels.cluster_name`.",
    recognise=is_entry,
    unwrap=_unwrap,
    hides=hides.GKE,
    certain=True,
    example='{"insertId":"7f0a","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","timestamp":'
    '"2026-11-01T10:00:00.5Z","labels":{"authorization.k8s.io/decision":"allow"},"resource":{"type":'
    '"k8s_cluster","labels":{"cluster_name":"prod-eu"}},"protoPayload":{"serviceName":"k8s.io","methodName":'
    '"io.k8s.core.v1.pods.create","resourceName":"core/v1/namespaces/default/pods/web","status":{},'
    '"authenticationInfo":{"principalEmail":"alice@example.com"},"requestMetadata":{"callerIp":"10.0.0.7",'
    '"callerSuppliedUserAgent":"kubectl/v1.32"}}}\n',
)
