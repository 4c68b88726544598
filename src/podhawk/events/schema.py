"""The fields that Kubernetes audit events can have.

Bodies may hold any object, so everything below `requestObject` and `responseObject` is known; annotations and the
extra of a user have names of their own.

Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from podhawk.errors import nearest

_USER: Final = ("username", "uid", "groups{}")
AUDIT: Final = frozenset(
    {
        "kind",
        "apiVersion",
        "level",
        "auditID",
        "stage",
        "requestURI",
        "verb",
        "userAgent",
        "sourceIPs{}",
        "requestReceivedTimestamp",
        "stageTimestamp",
        "timestamp",
        *(f"user.{name}" for name in _USER),
        *(f"impersonatedUser.{name}" for name in _USER),
        *(
            f"objectRef.{name}"
            for name in (
                "resource",
                "namespace",
                "name",
                "uid",
                "apiGroup",
                "apiVersion",
                "resourceVersion",
                "subresource",
            )
        ),
        *(f"responseStatus.{name}" for name in ("status", "message", "reason", "code", "kind", "apiVersion")),
    }
)
"""The fields of audit events with fixed names."""
INDEXED: Final = frozenset(
    {
        "index",
        "host",
        "source",
        "sourcetype",
        "_time",
        "_raw",
        "_indextime",
        "linecount",
        "punct",
        "splunk_server",
        "eventtype",
        "tag",
        "timestartpos",
        "timeendpos",
    }
)
"""What Splunk adds to every event."""
FIELDS: Final = AUDIT | INDEXED
ANNOTATIONS: Final = "annotations."
"""How the fields begin that hold what the API server says of a request."""
OPEN: Final = (
    "requestObject",
    "responseObject",
    ANNOTATIONS,
    "user.extra.",
    "impersonatedUser.extra.",
    "responseStatus.metadata",
    "responseStatus.details",
    "authenticationMetadata.",
    "metadata.",
)
"""The beginnings of fields whose names are not fixed."""
CARRIERS: Final = ("properties", "protoPayload", "data.", "resource.", "logName")
"""How the fields of records begin in which a cloud wraps audit events."""


def known(name: str) -> bool:
    """Whether some audit event can have a field; one with a wildcard is taken for known."""
    return name in FIELDS or name.startswith((*OPEN, "date_")) or "*" in name


def only_in_audit_events(names: Iterable[str]) -> bool:
    """Whether one of the names is a field that other logs hardly have."""
    return any(
        name in _TELLING or name.startswith(("objectRef.", "impersonatedUser.", "user.groups")) for name in names
    )


_TELLING: Final = frozenset({"auditID", "requestURI", "requestReceivedTimestamp", "stageTimestamp", "user.username"})
_PARENTS: Final = {
    "user": "user.username",
    "impersonateduser": "impersonatedUser.username",
    "objectref": "objectRef.resource",
    "responsestatus": "responseStatus.code",
}
"""The field that is most often meant by the name of an object."""
_OBJECTS: Final = ("user.", "objectRef.", "responseStatus.", "impersonatedUser.")
"""The objects in the order in which a name without its object is looked for in them."""


def suggestions(name: str, others: Iterable[str] = ()) -> str:
    """A remedy that names the nearest field that events have, or one of `others`; "" if none is near."""
    known_names = sorted({*FIELDS, *others})
    plain = name.lower().replace("{}", "")
    folded = {one.lower().replace("{}", ""): one for one in known_names}
    same = folded.get(plain) or _PARENTS.get(plain)
    if same is None and "." not in name:
        same = next((folded[one.lower() + plain] for one in _OBJECTS if one.lower() + plain in folded), None)
    if same is not None:
        return f"Did you mean {same!r}?"
    return nearest(name, known_names) or nearest(name.rsplit(".", 1)[-1], known_names)
