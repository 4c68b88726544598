"""Searches that no audit event can match: they name fields or values that the Kubernetes API server never writes.

Only the clause that a search begins with is judged. A field of a body can hold anything.

Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ and, on verbs,
https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from podhawk.commands.parse import parse_search
from podhawk.commands.search import Search
from podhawk.errors import PodhawkError
from podhawk.events.schema import CARRIERS, known
from podhawk.spl import clause as spl
from podhawk.spl.macros import expand

_CODE: Final = tuple(str(code) for code in range(100, 600))
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "verb": (
        *("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy"),
        *("post", "put", "head", "options", "connect", "trace"),
    ),
    "stage": ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"),
    "level": ("Metadata", "Request", "RequestResponse"),
    "responseStatus.code": _CODE,
    "annotations.authorization.k8s.io/decision": ("allow", "forbid"),
}
"""Fields whose values are known. Verbs of requests outside of resources are HTTP methods in lower case."""


def never_fires(search: str, macros: Mapping[Any, Any]) -> str:
    """Why no audit event can match a search; "" if one can, or if the search cannot be read."""
    try:
        stages = parse_search(expand(search, macros)).stages
    except (PodhawkError, RecursionError):
        return ""
    first = stages[0].node if stages else None
    found = why_never(first.clause) if isinstance(first, Search) else None
    if found is None:
        return ""
    field, value = found
    return f"{field} is never {value!r}" if value else f"audit events have no field {field!r}"


def why_never(clause: spl.Clause) -> tuple[str, str] | None:
    """A field that a clause needs and a value that it never has, or "" if events do not have the field; None if an
    event can match."""
    match clause:
        case spl.And(parts=parts):
            return next(filter(None, map(why_never, parts)), None)
        case spl.Or(parts=parts):
            return _of_all([why_never(part) for part in parts])
        case spl.Compare(name=name, operator=operator, value=value) if operator != "!=":
            if not known(name) and not name.startswith(CARRIERS):
                return name, ""
            return (name, value) if operator == "=" and not _possible(name, value) else None
        case spl.In(name=name, values=values):
            return _of_all([why_never(spl.Compare(name, "=", value)) for value in values])
        case _:
            return None


def _of_all(found: list[tuple[str, str] | None]) -> tuple[str, str] | None:
    return found[0] if found and None not in found else None


def _possible(name: str, value: str) -> bool:
    allowed = VALUES.get(name)
    wanted = value.lower().replace("[", "[[]")
    return allowed is None or any(fnmatchcase(one.lower(), wanted) for one in allowed)
