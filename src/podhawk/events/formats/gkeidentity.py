"""Who made a request, as a Cloud Logging entry says it.

`principalEmail` (or `principalSubject`, for identities without an address) is the user. `authoritySelector` is in whose
name it was done (`kubectl --as`). A request that was let through without either was anonymous; one that was refused may
have lost its principal on the way, since Cloud Logging redacts some of these. `serviceAccountDelegationInfo` names the
people behind a service account of Google Cloud that they act as.

Source: https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog
"""

from __future__ import annotations

from typing import Any, Final

ANONYMOUS: Final = "system:anonymous"
DELEGATION: Final = "serviceAccountDelegationInfo"
_PRINCIPALS: Final = ("principalSubject", "principalEmail")


def identity(who: dict[str, Any], let_through: bool) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The user and the impersonated user of an entry's `authenticationInfo`; None for what it does not say."""
    name = _text(who, "principalEmail") or _text(who, "principalSubject")
    as_whom = _text(who, "authoritySelector")
    if name is None and (as_whom == ANONYMOUS or (let_through and as_whom is None)):
        name, as_whom = ANONYMOUS, None
    if name is None:
        return None, {"username": as_whom} if as_whom else None
    user: dict[str, Any] = {"username": name}
    behind = _behind(who.get(DELEGATION))
    if behind:
        user["extra"] = {DELEGATION: behind}
    return user, {"username": as_whom} if as_whom and as_whom != name else None


def _text(value: dict[str, Any], name: str) -> str | None:
    found = value.get(name)
    return str(found) if isinstance(found, str) and found else None


def _behind(chain: Any) -> list[str]:
    """The principals of a chain of delegation, the one who began it first."""
    found: list[str] = []
    for link in chain if type(chain) is list else []:
        if type(link) is not dict:
            continue
        inner = link.get("firstPartyPrincipal")
        places = [link, inner] if type(inner) is dict else [link]
        name = next((text for place in places for key in _PRINCIPALS if (text := _text(place, key))), None)
        if name is not None:
            found.append(name)
    return found
