"""Events in text: what stands around them is neither a fault nor an obstacle.

A line of a log viewer has labels, a time or brackets before an event; a warning of a shipper quotes one. `scan` finds
the objects that stand in text, spelled as

* JSON;
* JSON inside a string, its quotes escaped once or several times;
* a cell of CSV, its quotes doubled;
* the contents of a string in single quotes, as Python and Ruby print them;
* a Ruby hash (`{"kind"=>"Event"}`).

What is left over is looked at by `is_remnant`: a piece of a broken record is a fault, whatever stands around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct

from podhawk.events.decode import BadJSON, decode_at, decode_json
from podhawk.events.formats.inside import mentions_event

START: Final = re.compile(r'\{(?:\s|\\+[nrt])*(\\*)"("(?=[A-Za-z@_]))?')
_QUOTE: Final = re.compile(r'(\\*)"')
_QUOTES: Final = re.compile(r'"+')
_SINGLE_END: Final = re.compile(r"(?<!\\)(?:\\\\)*'")
_MOST_FAILURES: Final = 200
_RUBY: Final = re.compile(
    r'(?P<text>"[^"\\]*+(?:\\.[^"\\]*+)*+")|(?P<arrow>\s*=>\s*)|(?P<nil>\bnil\b)|(?P<mark>[{}\[\]])', re.DOTALL
)
_RUBY_ESCAPE: Final = re.compile(r'\\([^"\\/bfnrtu])')


class FoundText(Struct, frozen=True):
    """An object in text: a decoded value, or the text of one that is spelled otherwise (`verbatim` is false then) or
    cannot be decoded."""

    start: int
    end: int
    value: Any
    verbatim: bool = True


def scan(text: str, is_wanted: Callable[[Any], bool], place: int = 0) -> Iterator[FoundText]:
    """The objects in text from a place on that are wanted, or that mention an event and cannot be decoded.

    Objects that are not wanted are passed over as a whole.
    """
    failures = 0
    while failures < _MOST_FAILURES:
        match = START.search(text, place)
        if match is None:
            return
        start = match.start()
        escaped, doubled = len(match[1]), match[2] is not None
        if not escaped and not doubled:
            try:
                value, place = _decoded(text, start)
            except BadJSON:
                failures += 1
            else:
                if is_wanted(value):
                    yield FoundText(start, place, value)
                continue
            found = _ruby(text, start) or _in_single_quotes(text, start)
        else:
            found = _escaped(text, start, escaped) if escaped else _doubled(text, start)
        if found is None and '"auditID"' in text[start:]:
            found = FoundText(start, len(text), text[start:])
        if found is None or not mentions_event(found.value):
            place = match.end() if found is None else max(found.end, match.end())
            continue
        yield found
        place = max(found.end, match.end())


def _decoded(text: str, start: int) -> tuple[Any, int]:
    """The value that starts at a place, and where it ends. Nearly always it is all that is left."""
    if text.endswith("}"):
        try:
            return decode_json(text[start:]), len(text)
        except BadJSON:
            pass
    return decode_at(text, start)


def _escaped(text: str, start: int, depth: int) -> FoundText | None:
    """An object in a string whose quotes have so many backslashes before them."""
    end = next((quote.start() for quote in _QUOTE.finditer(text, start) if len(quote[1]) < depth), len(text))
    inner = text[start:end]
    if end == len(text):
        inner = inner.rstrip("\\")
    while depth:
        try:
            inner = decode_json(f'"{inner}"')
        except BadJSON:
            return None
        if type(inner) is not str:
            return None
        depth //= 2
    return FoundText(start, end, inner, verbatim=False)


def _doubled(text: str, start: int) -> FoundText:
    """An object in a cell of CSV."""
    for quotes in _QUOTES.finditer(text, start):
        if len(quotes[0]) % 2:
            return FoundText(start, quotes.end(), text[start : quotes.end() - 1].replace('""', '"'), verbatim=False)
    return FoundText(start, len(text), text[start:].replace('""', '"'), verbatim=False)


def _in_single_quotes(text: str, start: int) -> FoundText | None:
    """An object in a string whose backslashes are doubled."""
    if not text[:start].endswith("'"):
        return None
    close = _SINGLE_END.search(text, start)
    end = close.end() if close else len(text)
    inner = text[start : end - 1 if close else end]
    return FoundText(start, end, re.sub(r"\\(['\\])", r"\1", inner), verbatim=False)


def _ruby(text: str, start: int) -> FoundText | None:
    """A Ruby hash as JSON."""
    if "=>" not in text[start : start + 4096]:
        return None
    out: list[str] = []
    place, depth, end = start, 0, 0
    for token in _RUBY.finditer(text, start):
        out.append(text[place : token.start()])
        place = token.end()
        if token["text"] is not None:
            out.append(_RUBY_ESCAPE.sub(r"\1", token[0]))
        elif token["mark"] is not None:
            out.append(token[0])
            depth += 1 if token[0] in "{[" else -1
            if depth <= 0:
                end = place
                break
        else:
            out.append(":" if token["arrow"] is not None else "null")
    return FoundText(start, end, "".join(out), verbatim=False) if end else None
