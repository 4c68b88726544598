"""Functions of texts, and hashes. Most give null for a multivalue."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from oracle import regexes
from oracle.documents import Path, find, json_of, load, path_of
from oracle.values import number, one_or_many, text


def single(change: Callable[..., Any]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        return None if any(isinstance(value, tuple) for value in values) else change(*map(text, values))

    return run


def each(change: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: tuple(map(change, value)) if isinstance(value, tuple) else change(text(value))


def substr(value: Any, start: Any, length: Any = None) -> Any:
    if isinstance(value, tuple):
        return None
    whole = text(value)
    first = number(start)
    count = len(whole) + abs(int(first or 0)) if length is None else number(length)
    if first is None or count is None:
        return None
    first, count = int(first), int(count)
    # The positions that the result covers, counted from 1.
    begin = first if first > 0 else len(whole) + 1 + first if first < 0 else (1 if length is None else 0)
    covered = range(begin, begin + count) if count >= 0 else range(begin + count, begin)
    return "".join(char for place, char in enumerate(whole, 1) if place in covered)


def replace(subject: str, pattern: str, template: str) -> str:
    out, at = [], 0
    for match in regexes.finditer(pattern, subject):
        out += [subject[at : match.start()], filled(template, [match[0], *match.groups()])]
        at = match.end()
    return "".join([*out, subject[at:]])


def filled(template: str, groups: list[str | None]) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1] == "\\":
            return "\\"
        place = int(found[1])
        return (groups[place] or "") if place < len(groups) else ""

    return re.sub(r"\\([0-9\\])", one, template)


def spath(document: Any, path: str) -> Any:
    loaded = load(document)
    steps: Path | None = path_of(path)
    if loaded is ... or steps is None:
        return None
    return one_or_many([found if isinstance(found, str) else json_of(found) for found in find(loaded, steps)])


def hashed(name: str) -> Callable[[Any], Any]:
    return single(lambda word: getattr(hashlib, name)(word.encode("utf-8", "replace")).hexdigest())


BLANKS = " \t"
STRICT: dict[str, Callable[..., Any]] = {
    "len": single(len),
    "length": single(len),
    "lower": each(str.lower),
    "upper": each(str.upper),
    "trim": single(lambda word, chars=BLANKS: word.strip(chars) if chars else word),
    "ltrim": single(lambda word, chars=BLANKS: word.lstrip(chars) if chars else word),
    "rtrim": single(lambda word, chars=BLANKS: word.rstrip(chars) if chars else word),
    "replace": single(replace),
    "substr": substr,
    "urldecode": single(unquote),
    "spath": single(spath),
    **{name: hashed(name) for name in ("md5", "sha1", "sha256", "sha512")},
}
