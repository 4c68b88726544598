"""The Go client's serialisation of a Cloud Logging entry, turned back into the JSON of the API.

The client prints the protocol buffers as Go structs: snake-case names, and every value of a request or
response wrapped in its kind (`{"Kind":{"StringValue":"Pod"}}`).
"""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events.decode import BadJSON, decode_json

_ENTRY: Final = {
    "Timestamp": "timestamp",
    "Labels": "labels",
    "InsertID": "insertId",
    "Operation": "operation",
    "LogName": "logName",
    "Resource": "resource",
    "ReceiveTimestamp": "receiveTimestamp",
    "Trace": "trace",
}
_SNAKE: Final = re.compile(r"_([a-z])")


def is_go_entry(value: Any) -> bool:
    """A logging entry as the Go client prints it, alone or under `Entry`."""
    if type(value) is not dict:
        return False
    entry = value.get("Entry", value)
    payload = entry.get("Payload") if type(entry) is dict else None
    return type(payload) is dict and ("method_name" in payload or "methodName" in payload or "service_name" in payload)


def from_go(value: dict[str, Any]) -> dict[str, Any]:
    """The entry as the API would give it."""
    entry = value.get("Entry", value)
    found = {name: entry[key] for key, name in _ENTRY.items() if entry.get(key)}
    payload = None
    text = value.get("AuditPayload")
    if type(text) is str:
        try:
            payload = decode_json(text)
        except BadJSON:
            payload = None
    found["protoPayload"] = payload if type(payload) is dict else camel(entry["Payload"])
    return found


def camel(value: Any, as_it_is: frozenset[str] = frozenset()) -> Any:
    """A value with the names of the API; what stands under some names is left as it is."""
    if type(value) is list:
        return [camel(item, as_it_is) for item in value]
    if type(value) is not dict:
        return value
    return {
        _SNAKE.sub(lambda part: part[1].upper(), key): item
        if key in as_it_is
        else plain({"Kind": {"StructValue": item}})
        if key in ("request", "response", "metadata") and type(item) is dict and "fields" in item
        else camel(item, as_it_is)
        for key, item in value.items()
    }


def plain(value: Any) -> Any:
    """The JSON value inside a `structpb.Value`."""
    kind = value.get("Kind") if type(value) is dict else None
    if type(kind) is not dict or not kind:
        return None
    name, inner = next(iter(kind.items()))
    if name == "StructValue":
        fields = inner.get("fields") if type(inner) is dict else None
        return {key: plain(item) for key, item in fields.items()} if type(fields) is dict else {}
    if name == "ListValue":
        items = inner.get("values") if type(inner) is dict else None
        return [plain(item) for item in items] if type(items) is list else []
    return None if name == "NullValue" else inner
