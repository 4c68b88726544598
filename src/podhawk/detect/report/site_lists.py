"""What else a reference period shows of a site: its components, images, and readers of secrets.

These lists lower nothing. Components make a credential that is used elsewhere a finding; images and readers of secrets
are for the searches of a site.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from podhawk.content.model import Detection
from podhawk.rows.values import Value, texts

_ADDRESS: Final = "eval address=mvindex('sourceIPs{}', -1)"
_EVIDENCE: Final = "count min(requestReceivedTimestamp) as first_time max(requestReceivedTimestamp) as last_time"
RARE: Final = 0.02
"""The share of requests below which an address is not proposed: it may be that of a thief."""

COMPONENTS: Final = "components"
IMAGES: Final = "images"
READERS: Final = "secret readers"
SEARCHES: Final = (
    Detection(
        name=COMPONENTS,
        id=COMPONENTS,
        search=f"user.username IN (system:serviceaccount:*, system:kube-*, system:apiserver) stage=ResponseComplete "
        f"| {_ADDRESS} | stats {_EVIDENCE} by user.username address",
    ),
    Detection(
        name=IMAGES,
        id=IMAGES,
        search="verb=create objectRef.resource=pods stage=ResponseComplete responseStatus.code<300 "
        "NOT objectRef.subresource=* "
        "| eval image=mvappend('requestObject.spec.containers{}.image', 'requestObject.spec.initContainers{}.image') "
        f"| mvexpand image | stats {_EVIDENCE} values(objectRef.namespace) as namespace by image",
    ),
    Detection(
        name=READERS,
        id=READERS,
        search="objectRef.resource=secrets verb IN (get, list, watch) stage=ResponseComplete responseStatus.code<300 "
        f'| {_ADDRESS} | fillnull value="*" objectRef.namespace '
        f"| stats {_EVIDENCE} by user.username address verb objectRef.namespace",
    ),
)
"""The searches of the lists; each gives rows with the evidence."""
EVIDENCE: Final = ("count", "first_time", "last_time")
COLUMNS: Final = {
    COMPONENTS: ("user", "address", *EVIDENCE),
    IMAGES: ("repository", "registry", "namespace", *EVIDENCE),
    READERS: ("user", "address", "verb", "namespace", *EVIDENCE),
}


def components(rows: Sequence[Mapping[str, Value]]) -> Iterator[dict[str, Any]]:
    """The users and addresses of components, each with `refused` if it is not proposed."""
    totals: dict[str, int] = {}
    for row in rows:
        totals[_text(row, "user.username")] = totals.get(_text(row, "user.username"), 0) + _count(row)
    for row in rows:
        user = _text(row, "user.username")
        rare = _count(row) < totals[user] * RARE
        yield {
            "user": user,
            "address": _text(row, "address"),
            **_evidence(row),
            "refused": "few of its requests came from this address" if rare else "",
        }


def images(rows: Sequence[Mapping[str, Value]]) -> Iterator[dict[str, Any]]:
    """The repositories of images, without tag and digest, with their registry."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        repository = repository_of(_text(row, "image"))
        namespaces = set(texts(row.get("namespace") or ""))
        own = found.setdefault(
            repository,
            {
                "repository": repository,
                "registry": registry_of(repository),
                "namespace": set(),
                **_evidence(row),
                "count": 0,
            },
        )
        own["count"] += _count(row)
        own["namespace"] |= namespaces
        own["first_time"] = min(own["first_time"], _text(row, "first_time"))
        own["last_time"] = max(own["last_time"], _text(row, "last_time"))
    for own in found.values():
        yield {**own, "namespace": " ".join(sorted(own["namespace"])), "refused": ""}


def readers(rows: Sequence[Mapping[str, Value]]) -> Iterator[dict[str, Any]]:
    """Who reads secrets: by user, address, verb and namespace (`*`: all namespaces)."""
    for row in rows:
        yield {
            "user": _text(row, "user.username"),
            "address": _text(row, "address"),
            "verb": _text(row, "verb"),
            "namespace": _text(row, "objectRef.namespace"),
            **_evidence(row),
            "refused": "",
        }


def repository_of(image: str) -> str:
    """An image without tag and digest."""
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"


def registry_of(repository: str) -> str:
    """The registry of a repository; docker.io where it names none."""
    first, slash, _ = repository.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def _text(row: Mapping[str, Value], name: str) -> str:
    return " ".join(texts(row.get(name) or ""))


def _count(row: Mapping[str, Value]) -> int:
    return int(_text(row, "count") or 0)


def _evidence(row: Mapping[str, Value]) -> dict[str, Any]:
    return {"count": _count(row), "first_time": _text(row, "first_time"), "last_time": _text(row, "last_time")}
