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
FIELDS: Final = frozenset(
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
OPEN: Final = (
    "requestObject",
    "responseObject",
    "annotations.",
    "user.extra.",
    "impersonatedUser.extra.",
    "responseStatus.metadata",
    "responseStatus.details",
    "authenticationMetadata.",
    "metadata.",
    "date_",
)


def known(name: str) -> bool:
    """Whether some audit event can have a field; one with a wildcard is taken for known."""
    return name in FIELDS or name.startswith(OPEN) or "*" in name


def only_in_audit_events(names: Iterable[str]) -> bool:
    """Whether one of the names is a field that other logs hardly have."""
    return any(
        name in _TELLING or name.startswith(("objectRef.", "impersonatedUser.", "user.groups")) for name in names
    )


_TELLING: Final = frozenset({"auditID", "requestURI", "requestReceivedTimestamp", "stageTimestamp", "user.username"})
_TELLING_PARTS: Final = ("objectRef.", "impersonatedUser.", "user.groups")


def suggestions(name: str) -> str:
    """The nearest field that events have."""
    plain = name.lower().replace("{}", "")
    same = next((one for one in sorted(FIELDS) if one.lower().replace("{}", "") == plain), "")
    if same:
        return f"Did you mean {same!r}?"
    return nearest(name, FIELDS) or nearest(name.rsplit(".", 1)[-1], FIELDS)
