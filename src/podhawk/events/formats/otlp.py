"""OTLP/JSON: log records of the OpenTelemetry protocol, the event in the body (text or key-value list)."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import JsonNumber, encode_json
from podhawk.events.envelope import Envelope, Format, Layer, Record
from podhawk.events.formats.inside import mentions_event, text_in
from podhawk.events.reasons import is_audit_event
from podhawk.events.time import epoch_of

_CLUSTER: Final = ("k8s.cluster.name", "openshift.cluster.uid", "openshift.cluster_id", "k8s.cluster.uid", "cluster")
_HOST: Final = ("host.name", "k8s.node.name", "kubernetes.host")


def _member(value: dict[str, Any], camel: str, snake: str) -> Any:
    return value.get(camel) if camel in value else value.get(snake)


def _list(value: Any) -> list[Any]:
    return [item for item in value if type(item) is dict] if type(value) is list else []


def _is_otlp(value: Any) -> bool:
    if type(value) is not dict:
        return False
    if type(_member(value, "resourceLogs", "resource_logs")) is list or type(value.get("scopeLogs")) is list:
        return True
    body = value.get("body")
    return type(body) is dict and any(
        key in body
        for key in ("stringValue", "kvlistValue", "string_value", "bytesValue", "arrayValue", "kvlist_value")
    )


def _unwrap(record: Record) -> Layer:
    value = record.value
    envelope = record.envelope.within("otlp")
    groups = _list(_member(value, "resourceLogs", "resource_logs"))
    if not groups and "body" in value:
        yield from _log_record(value, envelope)
        return
    for group in groups or [value]:
        resource = group.get("resource")
        about = _attributes(resource.get("attributes")) if type(resource) is dict else {}
        inner = _named(envelope, about)
        scopes = _member(group, "scopeLogs", "scope_logs") or group.get("instrumentationLibraryLogs")
        for scope in _list(scopes):
            for log in _list(_member(scope, "logRecords", "log_records") or scope.get("logs")):
                yield from _log_record(log, inner)


def _named(envelope: Envelope, about: dict[str, Any]) -> Envelope:
    def first(names: tuple[str, ...]) -> str | None:
        return next((str(about[name]) for name in names if isinstance(about.get(name), str) and about[name]), None)

    return envelope.within(envelope.format, cluster=first(_CLUSTER), host=first(_HOST))


def _log_record(log: dict[str, Any], envelope: Envelope) -> Layer:
    attributes = _attributes(log.get("attributes"))
    moment = epoch_of(_member(log, "timeUnixNano", "time_unix_nano")) or epoch_of(
        _member(log, "observedTimeUnixNano", "observed_time_unix_nano")
    )
    inner = _named(envelope, attributes).within("otlp", time=moment)
    body = any_value(log.get("body"))
    held = attributes if is_audit_event(attributes) or (not _may_hold(body) and _may_hold(attributes)) else body
    yield Record(held, inner)


def _may_hold(value: Any) -> bool:
    return (
        value is not None
        and (type(value) is not str or text_in(value) is not None)
        and mentions_event(encode_json(value))
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair["key"]: any_value(pair.get("value")) for pair in _list(pairs) if type(pair.get("key")) is str}


def any_value(value: Any) -> Any:
    """The JSON value that an OTLP `AnyValue` stands for."""
    if type(value) is not dict or not value:
        return value if isinstance(value, str) else None
    key, inner = next(iter(value.items()))
    name = key.replace("_v", "V")
    if name == "bytesValue":
        text = text_in(inner)
        return inner if text is None else text
    if name in ("intValue", "doubleValue"):
        return JsonNumber(inner) if isinstance(inner, str) else inner
    if name == "arrayValue":
        return [any_value(item) for item in (inner.get("values") or [])] if type(inner) is dict else []
    if name == "kvlistValue":
        return _attributes(inner.get("values")) if type(inner) is dict else {}
    return inner


OTLP: Final = Format(
    name="otlp",
    doc="OTLP/JSON logs of an OpenTelemetry collector. The event is the body (a string of JSON, bytes, or a "
    "key-value list) or the attributes; cluster and host come from resource attributes (`k8s.cluster.name`, "
    "`openshift.cluster.uid`, `host.name`, `k8s.node.name`).",
    recognise=_is_otlp,
    unwrap=_unwrap,
    example='{"resourceLogs":[{"resource":{"attributes":[{"key":"k8s.cluster.name","value":{"stringValue":"prod-eu"}}]},'
    '"scopeLogs":[{"logRecords":[{"timeUnixNano":"1793527200500000000","body":{"stringValue":'
    '"{\\"auditID\\":\\"7f0a\\",\\"stage\\":\\"ResponseComplete\\",\\"verb\\":\\"get\\"}"}}]}]}]}\n',
)
