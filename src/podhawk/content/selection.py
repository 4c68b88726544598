"""Which detections run: `--only` and `--exclude`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from typing import Final

from podhawk.content.model import Content, Detection
from podhawk.errors import UsageError

_GLOB: Final = re.compile(r"[*?\[]")
RETIRED: Final = ("deprecated", "removed")


def select(content: Content, only: Sequence[str] = (), exclude: Sequence[str] = ()) -> tuple[Detection, ...]:
    """The detections that `only` names (all, where it is empty) less those that `exclude` names.

    A pattern is a name, an id, a file stem or a story, or `key=pattern` with key one of name, id,
    file, story, type, technique, status; `*` and `?` are wildcards and case does not matter. A
    technique also stands for its sub-techniques.

    Deprecated and removed detections are taken only where `only` asks for them: by name, id or file
    stem, by `status=`, or by a wildcard that matches nothing else.

    Raises UsageError for a pattern of `only` that matches nothing, with the nearest name, and for an
    unknown key.
    """
    chosen: set[int] = set()
    for pattern in only:
        chosen |= _matches(content, pattern)
    if not only:
        chosen = {number for number, one in enumerate(content.detections) if one.status not in RETIRED}
    dropped = {
        number for pattern in exclude for number, one in enumerate(content.detections) if any(_hits(pattern, one))
    }
    return tuple(one for number, one in enumerate(content.detections) if number in chosen - dropped)


def select_in_each(
    versions: Sequence[Content], only: Sequence[str], exclude: Sequence[str] = ()
) -> list[tuple[Detection, ...]]:
    """What `select` takes of each of several versions of content: a pattern of `only` must match something in one of
    them, for a detection may be new, or gone."""
    if not only:
        return [select(content, (), exclude) for content in versions]
    known: list[list[str]] = [[] for _ in versions]
    for pattern in only:
        missed: list[UsageError] = []
        for content, patterns in zip(versions, known, strict=True):
            try:
                select(content, [pattern])
                patterns.append(pattern)
            except UsageError as error:
                missed.append(error)
        if len(missed) == len(versions):
            raise missed[-1]
    return [
        select(content, patterns, exclude) if patterns else ()
        for content, patterns in zip(versions, known, strict=True)
    ]


def _matches(content: Content, pattern: str) -> set[int]:
    named: set[int] = set()
    live: set[int] = set()
    retired: set[int] = set()
    behind = False
    key = _split(pattern)[0]
    exact = not _GLOB.search(_split(pattern)[1])
    for number, one in enumerate(content.detections):
        by_name, by_property = _hits(pattern, one)
        if not (by_name or by_property):
            continue
        if one.status not in RETIRED:
            live.add(number)
        elif (by_name and exact) or key == "status":
            named.add(number)
        elif by_name:
            retired.add(number)
        else:
            behind = True
    found = live | named or retired
    if not found:
        remedy = (
            "Only deprecated or removed detections match. Select one by its exact name to run it."
            if behind
            else _remedy(content, pattern)
        )
        raise UsageError(f"no detection matches {pattern!r}", remedy=remedy)
    return found


def _hits(pattern: str, one: Detection) -> tuple[bool, bool]:
    """Whether the pattern matches what the detection is called, and what it is about."""
    key, value = _split(pattern)
    test = _tester(value)
    if key:
        names = _any(test, _PROPERTIES[key](one))
        return (names, False) if key in _NAMES else (False, names)
    return _any(test, (one.name, one.id, one.stem)), _any(test, one.analytic_story)


def _any(test: Callable[[str], bool], values: Iterable[str]) -> bool:
    """Whether any value that is not empty passes."""
    return any(test(value) for value in values if value)


def _split(pattern: str) -> tuple[str, str]:
    key, equals, value = pattern.partition("=")
    if not equals or not re.fullmatch(r"\s*[A-Za-z_]+\s*", key):
        return "", pattern
    name = key.strip().lower()
    if name not in _PROPERTIES:
        close = difflib.get_close_matches(name, list(_PROPERTIES), n=1)
        remedy = f"Did you mean {close[0]}=…?" if close else f"Known: {', '.join(_PROPERTIES)}."
        raise UsageError(f"unknown key {key.strip()!r} in {pattern!r}", remedy=remedy)
    return name, value.strip()


def _tester(value: str) -> Callable[[str], bool]:
    wanted = value.strip().lower()
    glob = re.compile(translate(wanted)) if _GLOB.search(wanted) else None
    return lambda text: text.lower() == wanted or bool(glob and glob.match(text.lower()))


def _techniques(one: Detection) -> tuple[str, ...]:
    return tuple(name for id_ in one.mitre_attack_id for name in dict.fromkeys((id_, id_.split(".")[0])))


_PROPERTIES: Final[dict[str, Callable[[Detection], tuple[str, ...]]]] = {
    "name": lambda one: (one.name,),
    "id": lambda one: (one.id,),
    "file": lambda one: (one.stem, one.file),
    "story": lambda one: one.analytic_story,
    "type": lambda one: (one.type,),
    "technique": _techniques,
    "status": lambda one: (one.status,),
}
_NAMES: Final = frozenset({"name", "id", "file"})


def _remedy(content: Content, pattern: str) -> str:
    key, value = _split(pattern)
    if not content.detections:
        return "The content contains no detections."
    known: dict[str, str] = {}
    for one in content.detections:
        for text in _PROPERTIES[key](one) if key else (one.name, one.stem, *one.analytic_story):
            known.setdefault(text.lower(), text)
    if key in ("type", "status"):
        return f"Known: {', '.join(sorted(known.values()))}."
    # Who knows Splunk's ids of techniques tries them by themselves.
    for name in () if key else ("technique", "type"):
        if any(text.lower() == value.strip().lower() for one in content.detections for text in _PROPERTIES[name](one)):
            return f"To select by {name}, write {name}={value}."
    close = difflib.get_close_matches(value.strip().lower(), list(known), n=1, cutoff=0.5)
    return f"Did you mean {known[close[0]]!r}?" if close else "`podhawk content list` lists the loaded detections."
