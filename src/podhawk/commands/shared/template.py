"""Search text with placeholders: `<<FIELD>>` of foreach, `$field$` of map.

Filling a template is text replacement, and the values come out of logs that an attacker writes. So a
value is written the way its place needs: escaped inside double quotes, quoted outside them where it is
no plain word. `same_shape` then holds the filled text to the commands that the author wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from podhawk.commands.declare import Pipeline
from podhawk.errors import SearchError
from podhawk.lazy import lazy_pattern
from podhawk.spl.text import SearchText, TextPiece, skip_quoted

_BREAKS = lazy_pattern(r"[\s\"'|,=()\[\]<>!\\`]")


class Hole(Struct, frozen=True):
    """A placeholder: its slice of the template, its name, and the quotes it stands in ("" for none)."""

    start: int
    end: int
    name: str
    inside: str


Show = Callable[[Hole], str]


def holes(text: str, marks: re.Pattern[str]) -> Iterator[Hole]:
    """The placeholders of a template; group 1 of `marks` is a placeholder's name."""
    outside: list[tuple[int, int]] = []
    at = left = 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == '"':
            outside.append((left, at))
            end = skip_quoted(text, at)
            at = left = len(text) if end < 0 else end
        else:
            at += 1
    outside.append((left, len(text)))
    for found in marks.finditer(text):
        free = [(start, min(end, found.start())) for start, end in outside if start <= found.start()]
        double = free[-1][1] < found.start()
        single = not double and sum(text.count("'", start, end) for start, end in free) % 2 == 1
        yield Hole(found.start(), found.end(), found[1], '"' if double else "'" if single else "")


def escaped(value: str) -> str:
    """A value as it stands inside double quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


def fill(text: str, marks: re.Pattern[str], show: Show) -> str:
    """The template with every placeholder replaced."""
    return "".join(part for part, _ in _parts(text, marks, show))


def fill_at(source: SearchText, start: int, end: int, marks: re.Pattern[str], show: Show) -> SearchText:
    """A slice of a search with every placeholder replaced, and the way back to what was written."""
    made: list[str] = []
    pieces: list[TextPiece] = []
    size = 0
    for part, span in _parts(source.text[start:end], marks, show):
        left, right = start + span[0], start + span[1]
        if part == source.text[left:right]:
            pieces += _verbatim(source, left, right, size)
        else:
            pieces.append(TextPiece(size, _written(source, left), source.text[left:right]))
        made.append(part)
        size += len(part)
    return SearchText("".join(made), source.written, tuple(pieces) or (TextPiece(0, 0),), source.name)


def _parts(text: str, marks: re.Pattern[str], show: Show) -> Iterator[tuple[str, tuple[int, int]]]:
    at = 0
    for hole in holes(text, marks):
        if hole.start > at:
            yield text[at : hole.start], (at, hole.start)
        yield show(hole), (hole.start, hole.end)
        at = hole.end
    if at < len(text):
        yield text[at:], (at, len(text))


def _verbatim(source: SearchText, left: int, right: int, size: int) -> Iterator[TextPiece]:
    known = [piece for piece in source.pieces if piece.start <= left][-1:]
    for piece in known:
        yield TextPiece(size, piece.written if piece.macro else piece.written + left - piece.start, piece.macro)
    for piece in source.pieces:
        if left < piece.start < right:
            yield TextPiece(size + piece.start - left, piece.written, piece.macro)


def _written(source: SearchText, offset: int) -> int:
    known = [piece for piece in source.pieces if piece.start <= offset][-1:]
    return next((piece.written if piece.macro else piece.written + offset - piece.start for piece in known), 0)


def same_shape(first: Pipeline, second: Pipeline) -> bool:
    """Whether two pipelines have the same commands, so that no value has brought in another."""
    return [stage.name for stage in first.stages] == [stage.name for stage in second.stages] and all(
        same_shape(mine, other)
        for one, two in zip(first.stages, second.stages, strict=True)
        for mine, other in zip(one.command.legs(one.node), two.command.legs(two.node), strict=False)
    )


def by_name(values: Mapping[str, str]) -> Show:
    """Placeholders by field names and parts of them, written as they are outside double quotes.

    Showing one raises SearchError where its characters would end the quotes or the name it stands for.
    """

    def show(hole: Hole) -> str:
        value = values[hole.name]
        if hole.inside == '"':
            return escaped(value)
        if ("'" in value) if hole.inside else _BREAKS.search(value):
            raise SearchError(f"{value!r} cannot replace {hole.name} here")
        return value

    return show
