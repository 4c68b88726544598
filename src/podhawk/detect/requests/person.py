"""The person behind a user that several people share.

On EKS an IAM role is mapped to one user of the cluster, so everybody who may assume the role is that user. The extra
fields of the user say whose session it was: `arn` ends in its name, and where that is missing `canonicalArn` (the role)
and `sessionName` do. On GKE a chain of delegation names the people who act as a service account of Google Cloud.

The name of a session is the client's choice. It tells people apart; it never lowers or hides anything.

Source: https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.detect.requests.request import Request, newest_first
from podhawk.events.formats.gkeidentity import DELEGATION

_ROLE: Final = "canonicalArn"
_SESSION: Final = ("sessionName", "principalId")


def person_behind(request: Request) -> str:
    """Who used the user of a request: the most exact name that the event has; "" where it says nothing."""
    for extra in newest_first(request, "user", "extra"):
        if isinstance(extra, dict):
            found = _text(extra.get("arn")) or _session(extra) or _text(extra.get(DELEGATION))
            if found:
                return found
    return ""


def _session(extra: dict[str, Any]) -> str:
    parts = [_text(extra.get(_ROLE)), next(filter(None, (_text(extra.get(name)) for name in _SESSION)), "")]
    return "/".join(part for part in parts if part)


def _text(value: Any) -> str:
    """A value of extra, which is a list of texts."""
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, str) else ""
