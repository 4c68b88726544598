"""Where a caret stands in a search that may be unfinished.

The parser refuses a search at its first fault, and a search that is being written is full of faults: open quotes,
brackets and parentheses. So this is a scanner of its own. It only looks for quotes, comments, macros, brackets, pipes
and parentheses, and only up to the caret.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from podhawk.spl.text import skip_quoted

_WORD: Final = re.compile(r"[\w.:{}*@/]*")
_BACKWARDS: Final = re.compile(r"[\w.:{}*@/]*\Z")
_FIRST: Final = re.compile(r"\s*([A-Za-z_]\w*)")
_BEFORE_PARENTHESIS: Final = re.compile(r"([\w.]+)\s*\Z")
_OPTION: Final = re.compile(r"([A-Za-z_]\w*)\s*=\s*\Z")
_COMPARED: Final = re.compile(r"([\w.:{}*@/]+)\s*(?:=|!=)\s*\Z")


class CaretIn(StrEnum):
    """What a caret stands in. Nothing is proposed inside a string or a comment."""

    TEXT = "text"
    STRING = "string"
    COMMENT = "comment"
    MACRO = "macro"


class Caret(Struct, frozen=True):
    """A caret at offset `at`. `start` and `end` frame the word that it touches.

    `command` is the name of the command that it stands in, in lower case: "" where a command is to be named, "search"
    in the clause at the beginning of a search. `first` says that the command begins a search or subsearch, and `clause`
    that a clause may stand there instead of its name. `calls` are the names before the open parentheses, outermost
    first. `option` is the name before an equals sign just before the word, and `compared` the same with the characters
    that only fields have. `arguments` is the text of the command up to the word, `earlier` that of the commands before
    it in the same search or subsearch.
    """

    at: int
    start: int
    end: int
    word: str
    inside: CaretIn = CaretIn.TEXT
    command: str = ""
    first: bool = False
    clause: bool = False
    calls: tuple[str, ...] = ()
    option: str = ""
    compared: str = ""
    arguments: str = ""
    earlier: str = ""


class _Frame(Struct):
    """A search or subsearch that is open at the caret."""

    begin: int
    segment: int
    first: bool = True
    bracketed: bool = False
    calls: list[str] = field(default_factory=list)


def caret_at(text: str, at: int) -> Caret:
    """Where a caret stands. `at` is an offset; one outside of the text counts as its nearest end."""
    at = max(0, min(at, len(text)))
    frames = [_Frame(0, 0)]
    place = 0
    while place < at:
        char = text[place]
        if char == "\\":
            place += 2
        elif char == '"':
            end = skip_quoted(text, place)
            if end < 0 or end > at:
                return Caret(at, at, at, "", CaretIn.STRING)
            place = end
        elif text.startswith("```", place):
            end = text.find("```", place + 3)
            if end < 0 or end + 3 > at:
                return Caret(at, at, at, "", CaretIn.COMMENT)
            place = end + 3
        elif char == "`":
            end = text.find("`", place + 1)
            if end < 0 or end >= at:
                return _in_macro(text, place + 1, at)
            place = end + 1
        else:
            _take(frames, text, place, char)
            place += 1
    return _in_text(text, at, frames[-1])


def _take(frames: list[_Frame], text: str, place: int, char: str) -> None:
    frame = frames[-1]
    if char == "[":
        frames.append(_Frame(place + 1, place + 1, bracketed=True))
    elif char == "]":
        if len(frames) > 1:
            frames.pop()
    elif char == "|":
        # A pipe at the very beginning does not end a command.
        frame.first = frame.first and not text[frame.begin : place].strip()
        frame.segment = place + 1
        frame.calls.clear()
    elif char == "(":
        found = _BEFORE_PARENTHESIS.search(text, frame.segment, place)
        frame.calls.append(found[1].lower() if found else "")
    elif char == ")" and frame.calls:
        frame.calls.pop()


def _in_macro(text: str, start: int, at: int) -> Caret:
    word = text[start:at]
    if "(" in word:
        return Caret(at, at, at, "", CaretIn.STRING)
    found = _WORD.match(text, at)
    end = found.end() if found else at
    return Caret(at, start, end, word, CaretIn.MACRO)


def _in_text(text: str, at: int, frame: _Frame) -> Caret:
    back = _BACKWARDS.search(text, frame.segment, at)
    start = back.start() if back else at
    ahead = _WORD.match(text, at)
    end = ahead.end() if ahead else at
    before = text[frame.segment : start]
    piped = text[frame.begin : frame.segment].strip() != ""
    option, compared = _OPTION.search(before), _COMPARED.search(before)
    if not before.strip() and (piped or frame.bracketed):
        command = ""
    elif not piped and not frame.bracketed:
        command = "search"  # which nobody writes
    else:
        found = _FIRST.match(before)
        command = found[1].lower() if found else ""
    earlier = text[frame.begin : frame.segment].rstrip().removesuffix("|").rstrip()
    return Caret(
        at,
        start,
        end,
        text[start:at],
        command=command,
        first=frame.first,
        clause=frame.first and not piped,
        calls=tuple(frame.calls),
        option=option[1].lower() if option else "",
        compared=compared[1] if compared else "",
        arguments=before,
        earlier=earlier,
    )
