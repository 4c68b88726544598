"""The split of a search into commands, before any command looks at its own text."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from podhawk.spl.foreign import command_remedy
from podhawk.spl.text import SearchText, skip_quoted

_COMMAND = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)")
_CONTINUES = re.compile(r"[\w.:{}*-]|\s*(?:[=<>]|!=|IN\s*\()")


MOST_COMMANDS: Final = 200
"""Commands of one pipeline: each of them calls the next one for each row."""


class Segment(Struct, frozen=True):
    """One command: its name as written, where the name stands, and the slice of its arguments.

    `implied` is the `search` that nobody wrote in front of a search that begins with its clause.
    """

    name: str
    at: int
    start: int
    end: int
    implied: bool = False


def split(
    source: SearchText, start: int = 0, end: int | None = None, leading: frozenset[str] = frozenset()
) -> tuple[Segment, ...]:
    """The commands of a slice, in order.

    A slice that does not begin with a pipe begins with an implied `search`, unless its first word is one
    of `leading`: a subsearch may begin with a generating command, `appendpipe [ … ]` with any. Raises
    SearchError for an empty command or an unclosed quote or bracket.

    Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/search
    """
    stop = len(source.text) if end is None else end
    slices = _slices(source, start, stop)
    if len(slices) > MOST_COMMANDS:
        raise source.error(
            f"this search has {len(slices):,} commands, more than {MOST_COMMANDS}",
            slices[MOST_COMMANDS][0],
            remedy="Join successive eval, where and rename commands, or write several searches.",
        )
    segments: list[Segment] = []
    for number, (left, right) in enumerate(slices):
        text = source.text[left:right]
        if number == 0:
            if not text.strip():
                if len(slices) == 1:
                    raise source.error("this search is empty", left)
                continue
            segments.append(_first(source, left, right, leading))
            continue
        found = _COMMAND.match(source.text, left, right)
        if not found:
            what = text.strip()
            doubled = not what and source.text[right : right + 1] == "|"
            raise source.error(
                f"expected a command, found {what[:20]!r}" if what else "expected a command after |",
                left + len(text) - len(text.lstrip()) if what else max(left - 1, 0),
                remedy=command_remedy(what)
                or ("Write OR between conditions; one | separates commands." if doubled else ""),
            )
        segments.append(Segment(found[1], found.start(1), found.end(), right))
    return tuple(segments)


def commands_at(source: SearchText) -> tuple[tuple[int, int], ...]:
    """Where the commands of a search stand, whatever they say. Raises SearchError for an unclosed quote or bracket."""
    return tuple(
        (left, right) for left, right in _slices(source, 0, len(source.text)) if source.text[left:right].strip()
    )


def _first(source: SearchText, left: int, right: int, leading: frozenset[str]) -> Segment:
    word = _COMMAND.match(source.text, left, right)
    if word and word[1].lower() in leading and not _CONTINUES.match(source.text, word.end(), right):
        return Segment(word[1], word.start(1), word.end(), right)
    found = re.compile(r"\s*search(?=[\s\"(\[]|$)", re.IGNORECASE).match(source.text, left, right)
    if found:
        return Segment("search", found.start(), found.end(), right)
    return Segment("search", left, left, right, implied=True)


def _slices(source: SearchText, start: int, stop: int) -> list[tuple[int, int]]:
    text = source.text
    found: list[tuple[int, int]] = []
    depth = 0
    left = at = start
    opened = 0
    while at < stop:
        char = text[at]
        if char == "\\":
            at += 2
            continue
        if char == '"':
            after = skip_quoted(text, at)
            if after < 0 or after > stop:
                raise source.error("this double quote is never closed", at)
            at = after
            continue
        if char == "[":
            if depth == 0:
                opened = at
            depth += 1
        elif char == "]":
            depth -= 1
            if depth < 0:
                raise source.error("this ] has no matching [", at)
        elif char == "|" and depth == 0:
            found.append((left, at))
            left = at + 1
        at += 1
    if depth:
        raise source.error("this [ is never closed", opened, remedy="Close the subsearch with ].")
    found.append((left, stop))
    return found
