"""Lines in which there is certainly nothing to mask, told without making an event of them.

Nearly all events at level Metadata are such: they have no bodies, their query parameters are those of the API, and no
text has a hint of a secret that is told by its form. What is not certain is decoded and masked as always.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from podhawk.events.reasons import METHODS

SLOW: Final = (b'"requestObject"', b'"responseObject"', b"admission.k8s.io/", b"truncated", b"\n")
"""What may stand beside or in a secret, or in the name of a member that is written otherwise."""
_ESCAPES: Final = (b"\\u0026", b"\\u003c", b"\\u003e")
"""The escapes that the API server writes: of characters that stand in no hint."""
_FREE: Final = "continue|labelSelector|fieldSelector|resourceVersion"
_PLAIN: Final = (
    "timeout|timeoutSeconds|watch|limit|resourceVersionMatch|allowWatchBookmarks|sendInitialEvents|fieldManager|force|"
    "dryRun|pretty|gracePeriodSeconds|propagationPolicy|fieldValidation"
)
_PART: Final = rf"(?:(?:{_FREE})=[^&\n]*|(?:{_PLAIN})=[A-Za-z0-9.,_-]*)"
URI_OF_LINE: Final = rf"[^?%\n]*(?:\?{_PART}(?:&{_PART})*)?"
"""URIs in which `mask_uri` changes nothing, if they hold no hint of a secret. None has a line feed."""
_URI: Final = re.compile(URI_OF_LINE)


class _Reference(Struct):
    resource: str = ""


class CleanLine(Struct, forbid_unknown_fields=True):
    """The members of an audit event. One with another member is not plain."""

    auditID: str  # noqa: N815 - as the API server spells it
    stage: str
    requestURI: str = ""  # noqa: N815
    verb: str = ""
    objectRef: _Reference | None = None  # noqa: N815
    stageTimestamp: str = ""  # noqa: N815
    kind: str | UnsetType = UNSET
    apiVersion: str | UnsetType = UNSET  # noqa: N815
    level: str | UnsetType = UNSET
    user: Raw | UnsetType = UNSET
    impersonatedUser: Raw | UnsetType = UNSET  # noqa: N815
    authenticationMetadata: Raw | UnsetType = UNSET  # noqa: N815
    sourceIPs: Raw | UnsetType = UNSET  # noqa: N815
    userAgent: str | UnsetType = UNSET  # noqa: N815
    responseStatus: Raw | UnsetType = UNSET  # noqa: N815
    requestReceivedTimestamp: str | UnsetType = UNSET  # noqa: N815
    annotations: Raw | UnsetType = UNSET


_DECODER: Final = msgspec.json.Decoder(CleanLine)


def clean_line(text: bytes) -> CleanLine | None:
    """The event of a line, if it is an audit event in which nothing is to be masked. The text must hold no hint of a
    secret that is told by its form (`may_hold_forms`)."""
    for sign in SLOW:
        if sign in text:
            return None
    if b"\\u" in text and text.count(b"\\u") != sum(map(text.count, _ESCAPES)):
        return None
    try:
        event = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    uri, reference = event.requestURI, event.objectRef
    if "/secrets" in uri or (reference is not None and reference.resource == "secrets") or event.verb in METHODS:
        return None
    return event if _URI.fullmatch(uri) is not None else None
