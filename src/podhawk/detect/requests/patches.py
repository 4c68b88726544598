"""What a JSON patch puts into an object.

A JSON patch is a list of operations. Each is read by itself: `add` and `replace` put their value at their path, however
deep either is; `remove` and `test` put in nothing. What `copy` and `move` put in is not in the request: it counts as
true, because a flag may be set that way and nothing else would show it.

Source: https://www.rfc-editor.org/rfc/rfc6902
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.detect.requests.request import Request, member, newest_first

_PUTS: Final = frozenset({"add", "replace"})
_COPIES: Final = frozenset({"copy", "move"})


def bodies(request: Request) -> list[Any]:
    """What the request asks for, the latest stage first; of a JSON patch, the fragments that it puts in."""
    verb = member(request.last.view.data, "verb")
    found: list[Any] = []
    for body in newest_first(request, "requestObject"):
        if verb == "patch" and isinstance(body, list):
            found.extend(fragments(body))
        else:
            found.append(body)
    return found


def fragments(operations: list[Any]) -> list[Any]:
    """For each operation the fragment of an object that it puts in; none for what puts in nothing."""
    found = []
    for one in operations:
        if not isinstance(one, dict) or not isinstance(one.get("path"), str):
            continue
        if one.get("op") in _PUTS:
            found.append(_at(one["path"], one.get("value")))
        elif one.get("op") in _COPIES:
            found.append(_at(one["path"], True))
    return found


def _at(path: str, value: Any) -> Any:
    """A value inside the members that lead to it. The API server passes over what stands before the first slash."""
    for name in reversed(path.split("/")[1:]):
        name = name.replace("~1", "/").replace("~0", "~")
        value = [value] if name == "-" or name.lstrip("-").isdecimal() else {name: value}
    return value
