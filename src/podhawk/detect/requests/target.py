"""What a request was about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from podhawk.detect.finding import Target
from podhawk.detect.requests.patches import bodies
from podhawk.detect.requests.request import Request, member, newest_first

_CONTAINERS: Final = frozenset({"containers", "initContainers", "ephemeralContainers"})
_WRITES: Final = frozenset({"create", "update", "patch"})
ADDED: Final = re.compile(r"(?:-[a-f0-9]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}\Z|-\d+\Z")
"""What controllers and programs add to the names of objects that they make."""
_DEEPEST: Final = 12
"""How deep below a body images are looked for: a cron job's pod template lies at 7."""


def target_of(request: Request) -> Target:
    """The object that the API server was asked about.

    The name of an object made by `generateName` stands only in the answer; without it, it is what the name begins with
    and `*`. `images` are those that a create, update or patch names, in all containers and pod templates.
    """
    ref = next((ref for ref in newest_first(request, "objectRef") if isinstance(ref, dict)), {})
    return Target(
        member(ref, "resource"),
        member(ref, "subresource"),
        member(ref, "apiGroup"),
        member(ref, "namespace"),
        _name(request, ref),
        _images(request),
    )


def _name(request: Request, ref: dict[str, Any]) -> str:
    for event in reversed(request.events):
        name = member(event.view.data, "objectRef", "name")
        if name:
            return name
    if member(request.last.view.data, "verb") != "create" or member(ref, "subresource"):
        return ""
    for answer in newest_first(request, "responseObject"):
        if member(answer, "kind") != "Status" and member(answer, "metadata", "name"):
            return member(answer, "metadata", "name")
    for asked in newest_first(request, "requestObject", "metadata"):
        if member(asked, "name"):
            return member(asked, "name")
        if member(asked, "generateName"):
            return f"{member(asked, 'generateName')}*"
    return ""


def _images(request: Request) -> tuple[str, ...]:
    if member(request.last.view.data, "verb") not in _WRITES:
        return ()
    every = [*bodies(request), *newest_first(request, "responseObject")]
    return tuple(dict.fromkeys(image for body in every for image in _images_in(body, _DEEPEST)))


def _images_in(body: Any, depth: int) -> Iterator[str]:
    if not depth:
        return
    if isinstance(body, list):
        for item in body:
            yield from _images_in(item, depth - 1)
    elif isinstance(body, dict):
        for name, value in body.items():
            if name in _CONTAINERS and isinstance(value, list):
                yield from filter(None, (member(item, "image") for item in value))
            elif isinstance(value, (dict, list)) and name not in ("managedFields", "status", "annotations"):
                yield from _images_in(value, depth - 1)
