"""Who issued the token that a service account used.

From Kubernetes 1.30 on a token has an id: the event that issues it carries the id in an annotation, each event that
uses it in the extra fields of its user.

Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.detect.requests.request import Request, member, newest_first

USED: Final = "authentication.kubernetes.io/credential-id"
ISSUED: Final = "authentication.kubernetes.io/issued-credential-id"


def credential_of(request: Request) -> str:
    """The id of the credential that a request was made with; "" where the event does not say."""
    for extra in newest_first(request, "user", "extra"):
        value: Any = extra.get(USED) if isinstance(extra, dict) else None
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, str):
            return first
    return ""


def issued_by(request: Request) -> tuple[str, str] | None:
    """The id of the token that a request issued, and who asked for it (as whom, where that is another)."""
    for noted in newest_first(request, "annotations"):
        id_ = noted.get(ISSUED) if isinstance(noted, dict) else None
        if isinstance(id_, str) and id_:
            as_whom = next((member(value, "username") for value in newest_first(request, "impersonatedUser")), "")
            return id_, f"{request.key.user} as {as_whom}" if as_whom else request.key.user
    return None
