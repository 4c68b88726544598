"""The two sed expressions that `rex mode=sed` knows: `s/pattern/replacement/flags` and `y/from/to/`.

Flags are `g` (every match) or a number (only that match). `\\1` in a replacement stands for a group and
`\\n`, `\\t` for the characters they mean; `&` is an ordinary character, as Splunk's page names only `\\n`
references.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/rex
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from podhawk.errors import SearchError
from podhawk.functions.regex import compile_pattern, finditer
from podhawk.lazy import lazy_pattern

_REFERENCE = lazy_pattern(r"\\(?:(\d)|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def compile_sed(text: str) -> Callable[[str], str]:
    """A function that edits one value. It raises LimitHit; compiling raises SearchError without a place."""
    kind, parts = _parts(text)
    if kind == "y":
        return _transliterate(*parts)
    pattern, replacement, flags = parts
    groups = compile_pattern(pattern).groups
    known = [int(found[1]) for found in _REFERENCE.finditer(replacement) if found[1]]
    if known and max(known) > groups:
        raise SearchError(f"the replacement names group {max(known)}, but the pattern has {groups}")
    only = _only(flags)

    def edit(value: str) -> str:
        out: list[str] = []
        at = 0
        for number, match in enumerate(finditer(pattern, value), 1):
            if only is not None and number != only:
                continue
            out += [value[at : match.start()], _expand(replacement, match)]
            at = match.end()
        out.append(value[at:])
        return "".join(out)

    return edit


def _parts(text: str) -> tuple[str, list[str]]:
    shape = "Use s/pattern/replacement/flags or y/from/to/."
    wanted = text.strip()
    if len(wanted) < 2 or wanted[0] not in "sy" or wanted[1].isalnum() or wanted[1] in "\\ ":
        raise SearchError(f"{text!r} is not a sed expression", remedy=shape)
    mark = wanted[1]
    parts = [""]
    at = 2
    while at < len(wanted):
        char = wanted[at]
        if char == "\\" and at + 1 < len(wanted):
            # The escaped separator means itself; other escapes are for the pattern or replacement.
            parts[-1] += mark if wanted[at + 1] == mark else wanted[at : at + 2]
            at += 2
            continue
        if char == mark:
            parts.append("")
        else:
            parts[-1] += char
        at += 1
    if len(parts) != 3 or (wanted[0] == "y" and parts[2]):
        raise SearchError(
            f"{text!r} is not a sed expression: it has {len(parts) - 1} of 3 separators {mark!r}", remedy=shape
        )
    return wanted[0], parts if wanted[0] == "s" else parts[:2]


def _only(flags: str) -> int | None:
    """The one match to replace, or None for all of them."""
    if flags == "":
        return 1
    if flags == "g":
        return None
    if flags.isdigit() and flags.isascii() and int(flags) > 0:
        return int(flags)
    raise SearchError(f"unknown sed flags {flags!r}", remedy="Use g, or the number of the match to replace.")


def _expand(replacement: str, match: Any) -> str:
    if "\\" not in replacement:
        return replacement
    return _REFERENCE.sub(
        lambda found: (match.group(int(found[1])) or "") if found[1] else _ESCAPED.get(found[2], found[2]), replacement
    )


def _transliterate(old: str, new: str) -> Callable[[str], str]:
    def plain(text: str) -> str:
        return _REFERENCE.sub(lambda found: _ESCAPED.get(found[2], found[2]) if found[2] else found[0], text)

    source, target = plain(old), plain(new)
    if len(source) != len(target):
        raise SearchError(f"y needs the same number of characters on both sides, not {len(source)} and {len(target)}")
    table = str.maketrans(source, target)
    return lambda value: value.translate(table)
