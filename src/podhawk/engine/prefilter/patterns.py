"""Looking for patterns in whole blocks, and for what makes a line, or all of a block, worth reading in any case.

Beside the patterns of the searches a matcher looks for escapes that could hide them, for events that lost a part, for
lines that do not end as an event ends, and for wrappings that hide their values. All of this is one database of
Hyperscan's, run once over a block; it costs as much as the searches' own literals alone. Without Hyperscan there is no
prefilter: every line is decoded then, which takes less time than looking for the patterns with Python's `re`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cache
from typing import Final

from podhawk.events import hides
from podhawk.log import logger

_ESCAPES = (rb"\\u00[4-7]", rb"\\u002[0-57-e]", rb"\\u003[0-9abdf]", rb"\\u000[9ad]")
"""Escapes that spell what a literal is made of or stands between: a blank or any printable ASCII character but `&`,
`/`, `<` and `>`. The API server writes none of them, .NET and Gson some."""
_LOST = rb"audit\.k8s\.io/truncated"
_OPEN_END = (rb"[^}\r]\n", rb"[^}]\r\n")
_CONTINUED = rb"\n[ \t,:\"\[\]}]"
"""A line that cannot begin an event."""
_BINARY = tuple(rb"(?:\x00\x%02x){4}" % number for number in range(1, 33))
"""What no log has in it: Hyperscan hashes some fifty literals and more, and compares fewer by their last bytes, which
takes twice as long in JSON, full of hexadecimal digits."""

_LEVELS: Final = (
    (rb'"level":"Request"', "Request"),
    (rb'"level": "Request"', "Request"),
    (rb'level\\":\\"Request\\"', "Request"),
    (rb'"level":"RequestResponse"', "RequestResponse"),
    (rb'"level": "RequestResponse"', "RequestResponse"),
    (rb'level\\":\\"RequestResponse\\"', "RequestResponse"),
)
"""How the audit levels with bodies stand in lines."""

Found = tuple[list[tuple[int, int]], list[int]]


@cache
def usable() -> bool:
    """Whether Hyperscan is installed and runs on this processor."""
    try:
        import hyperscan
    except ImportError as error:
        logger(__name__).warning("no prefilter, every line is decoded: Hyperscan cannot be imported: %s", error)
        return False
    try:
        hyperscan.Database().compile(expressions=[b"x"], ids=[0], elements=1, flags=[0])
    except hyperscan.HyperscanError as error:
        logger(__name__).warning("no prefilter, every line is decoded: Hyperscan does not run here: %s", error)
        return False
    return True


_MOST_KEPT: Final = 4
"""Matchers: with and without what is watched, for two sets of searches."""


Patterns = tuple[bytes, ...]


class _Ours(threading.local):
    """The matchers that a thread has used last: a database can be used by one at a time."""

    def __init__(self) -> None:
        self.known: OrderedDict[tuple[Patterns, Patterns], BlockMatcher] = OrderedDict()


def matcher_for(patterns: Patterns, exact: Patterns = ()) -> BlockMatcher:
    """The matcher for patterns, those that are `exact` with their case. To build one takes as long as scanning some
    megabytes, so the last ones are kept."""
    known = _ours.known
    matcher = known.pop((patterns, exact), None) or BlockMatcher(patterns, exact)
    known[patterns, exact] = matcher
    if len(known) > _MOST_KEPT:
        known.popitem(last=False)
    return matcher


_ours = _Ours()


class BlockMatcher:
    """All patterns in one Hyperscan database, run over whole blocks."""

    def __init__(self, patterns: Patterns, exact: Patterns = ()) -> None:
        import hyperscan

        caseless = hyperscan.HS_FLAG_CASELESS
        expressions = [*patterns, *exact, *_ESCAPES, _LOST]
        flags = [caseless] * len(expressions)
        flags[len(patterns) : len(patterns) + len(exact)] = [0] * len(exact)
        self._open = len(expressions)
        expressions += _OPEN_END
        flags += [0] * len(_OPEN_END)
        self._hiding = len(expressions)
        # Behind other lines a continued one is seen by their open end. Three bytes are found much faster than two.
        hiding = (*hides.ALL, rb"[}\r]" + _CONTINUED, *_BINARY)
        expressions += hiding
        flags += [0] * len(hiding)
        self._level = len(expressions)
        expressions += [pattern for pattern, _ in _LEVELS]
        flags += [hyperscan.HS_FLAG_SINGLEMATCH] * len(_LEVELS)
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=expressions, ids=list(range(len(expressions))), elements=len(expressions), flags=flags
        )

    def scan(self, block: bytes, start: int, stop: int, levels: set[str]) -> Found | None:
        """Add the audit levels with bodies to `levels`. Gives (end, pattern) of each match between two places in order,
        where patterns of no search have a number beyond theirs, and the ends of open lines; None where values may be
        hidden."""
        ends: list[tuple[int, int]] = []
        open_ends: list[int] = []
        hidden = False
        opens, hiding, level = self._open, self._hiding, self._level
        add = ends.append

        def seen(identity: int, begin: int, end: int, flags: int, context: object) -> bool | None:
            nonlocal hidden
            if identity < opens:
                add((start + end, identity))
            elif identity < hiding:
                open_ends.append(start + end)
            elif identity >= level:
                levels.add(_LEVELS[identity - level][1])
            else:
                hidden = True
                return True
            return None

        try:
            part = memoryview(block)[start:stop]
            self._database.scan(part, match_event_handler=seen)  # type: ignore[type-var]
        except Exception as stopped:
            if not hidden:
                raise stopped
        ends.sort()
        return None if hidden else (ends, sorted(set(open_ends)))
