"""The prefilter: which lines of a block any search can want, found without decoding a line.

All searches' literals go into one database that is run over whole blocks. A search that wants several groups
becomes one pattern of its two rarest, in any order on one line; the groups left over are looked for
in the lines that come through. How rare a group is in this input is counted on its first
block, not assumed. Besides lines that may match, always looked at are

* the first lines of a file (so that the report knows what the input is),
* lines with an escape that spells a character a literal could have,
* lines of events that lost a part (`audit.k8s.io/truncated`), and lines that do not end as an event ends.

Where a block shows a wrapping that hides its values (base64, GKE entries, container logs cut into pieces), or a
document of several lines (a line that cannot begin one, or two in a row that do not end one), the sieve gives up
(`None`) and the file is read whole from there on.

Patterns are matched by Hyperscan. Where it has no wheel, Python's `re` does the same, more slowly.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy

from podhawk.engine.literals import Group, Groups, Literal
from podhawk.engine.screen import Unsure
from podhawk.events.read import CONTINUES

SAMPLE_LINES = 64
_ANY = -1
_ESCAPES = (rb"\\u00[4-7]", rb"\\u002[de]", rb"\\u003[0-9a]", rb"\\u[1-9a-f]", rb"\\u0[1-9a-f]")
_LOST = rb"audit\.k8s\.io/truncated"
_OPEN_END = (rb"[^}\r]\n", rb"[^}]\r\n")
_HIDING = (rb"protoPayload", rb"\"method_name", rb"awslogs", rb"\"data\\*\"\s*:\s*\\*\"", rb"(?:stdout|stderr) P ",
           rb"\"stream\\*\"\s*:\s*\\*\"std", rb"\n[ \t,:\"\[\]}]")


def pattern_of(literal: Literal) -> bytes:
    """A literal as a regular expression. What closes it is a quote, or the first of its backslashes."""
    text = re.escape(literal.text.encode())
    return (rb'"' if literal.opens else b"") + text + (rb'["\\]' if literal.closes else b"")


def together(parts: list[bytes]) -> bytes:
    """One part, or two of them on one line in any order."""
    if len(parts) == 1:
        return parts[0]
    first, second = parts
    return rb"%s[^\n]*%s|%s[^\n]*%s" % (first, second, second, first)


def spellings(group: Group) -> tuple[bytes, ...]:
    """What a line in lower case must contain, one of them, to have a literal of the group."""
    return tuple(((b'"' if literal.opens else b"") + literal.text.lower().encode()) for literal in group)


def count_lines(block: bytes, start: int, stop: int) -> int:
    """The line feeds in a part of a block."""
    if stop - start < 4096:
        return block.count(b"\n", start, stop)
    # Four times as fast as bytes.count, and every byte of the input comes through here.
    return int(numpy.count_nonzero(numpy.frombuffer(block, numpy.uint8, stop - start, start) == 10))


def group_pattern(group: Group) -> bytes:
    return rb"(?:" + rb"|".join(sorted(pattern_of(literal) for literal in group)) + rb")"


@dataclass(slots=True)
class Candidates:
    """What to look at of a block: (line number within the block, text, the searches that may want it).

    `None` for the searches means all of them. A line that does not end as an event ends comes together with the
    next one, on which it may go on.
    """

    lines: list[tuple[int, bytes, frozenset[int] | None]] = field(default_factory=list)
    total: int = 0


Look = Callable[[dict[str, Any], frozenset[int]], frozenset[int]]
"""A look at a decoded line: which of the searches that may want it do."""


class Sieve:
    """The prefilter of a set of searches, each given as its groups (none of them empty)."""

    def __init__(self, searches: Sequence[Groups]) -> None:
        self.searches = list(searches)
        self.rest: list[tuple[tuple[bytes, ...], ...]] = []
        self.let_through = [0] * len(searches)
        self.current: frozenset[int] | None = None
        self.look: Look | None = None
        self._matcher: Any = None

    def prepare(self, sample: bytes) -> None:
        """Choose each search's pattern by what is rare in a sample, and build the database."""
        counts: dict[Group, int] = {}
        for groups in self.searches:
            for group in groups:
                if group not in counts:
                    counts[group] = len(re.findall(group_pattern(group), sample, re.IGNORECASE))
        patterns: list[tuple[bytes, int]] = []
        for number, groups in enumerate(self.searches):
            ranked = sorted(groups, key=lambda group: (counts[group], len(group)))
            # A third group in the pattern costs more in the scan than it saves in lines, with many searches.
            patterns.append((together([group_pattern(group) for group in ranked[:2]]), number))
            self.rest.append(tuple(spellings(group) for group in ranked[2:]))
        self._matcher = matcher(patterns)

    @property
    def prepared(self) -> bool:
        """Whether the patterns have been chosen and compiled."""
        return self._matcher is not None

    def wants(self, data: dict[str, Any]) -> bool:
        """Whether any search wants the decoded line that is at hand; narrows `current` to those that do."""
        if self.current is None or self.look is None:
            return True
        try:
            self.current = self.look(data, self.current)
        except Unsure:
            return True
        return bool(self.current)

    def candidates(self, block: bytes, first_line: int) -> Candidates | None:
        """The lines to look at of a block of whole lines; None if they must all be read."""
        if self._matcher is None:
            self.prepare(block[: 1 << 20])
        if block[0] in CONTINUES:
            return None  # the first line goes on with a document of the lines before
        found = self._matcher.scan(block)
        if found is None:
            return None
        ends, open_ends = found
        if _adjacent(open_ends, block):
            return None
        return self._collect(block, ends, open_ends, first_line)

    def _collect(self, block: bytes, ends: list[tuple[int, int]], open_ends: list[int],
                 first_line: int) -> Candidates:
        wanted: dict[int, set[int] | None] = {}
        for end, number in ends:
            start = block.rfind(b"\n", 0, end) + 1
            if number == _ANY:
                wanted[start] = None
            else:
                known = wanted.setdefault(start, set())
                if known is not None:
                    known.add(number)
        joined: set[int] = set()
        for end in open_ends:
            start = block.rfind(b"\n", 0, end - 1) + 1
            wanted[start] = None
            wanted.pop(end, None)
            joined.add(start)
        if first_line < SAMPLE_LINES:
            at = 0
            for _ in range(SAMPLE_LINES - first_line):
                wanted[at] = None
                at = block.find(b"\n", at) + 1
                if at == 0 or at == len(block):
                    break
        result = Candidates()
        line = at = 0
        for start in sorted(wanted):
            stop = block.find(b"\n", start)
            if start in joined:
                stop = block.find(b"\n", stop + 1)
            text = block[start : stop if stop >= 0 else len(block)]
            numbers = wanted[start]
            if numbers is not None:
                low = text.lower()
                numbers = {number for number in numbers if _has_all(low, self.rest[number])}
                if not numbers:
                    continue
                for number in numbers:
                    self.let_through[number] += 1
            line += count_lines(block, at, start)
            at = start
            result.lines.append((line, text, frozenset(numbers) if numbers is not None else None))
        result.total = line + count_lines(block, at, len(block))
        return result


def _has_all(low: bytes, groups: tuple[tuple[bytes, ...], ...]) -> bool:
    for group in groups:
        for text in group:
            if text in low:
                break
        else:
            return False
    return True


def _adjacent(open_ends: list[int], block: bytes) -> bool:
    """Whether two lines in a row do not end as an event ends: a document of several lines."""
    return any(block.find(b"\n", one, other - 1) < 0 for one, other in itertools.pairwise(open_ends))


Found = tuple[list[tuple[int, int]], list[int]]


def matcher(patterns: list[tuple[bytes, int]]) -> Any:
    """Hyperscan, or `re` where there is none."""
    try:
        return HyperscanMatcher(patterns)
    except ImportError:
        return ReMatcher(patterns)


class HyperscanMatcher:
    """All patterns in one Hyperscan database, run over whole blocks."""

    def __init__(self, patterns: list[tuple[bytes, int]]) -> None:
        import hyperscan

        caseless = hyperscan.HS_FLAG_CASELESS
        expressions = [pattern for pattern, _ in patterns]
        self._targets = [number for _, number in patterns]
        flags = [caseless] * len(expressions)
        for pattern in (*_ESCAPES, _LOST):
            expressions.append(pattern)
            self._targets.append(_ANY)
            flags.append(caseless)
        self._open = len(expressions)
        expressions += _OPEN_END
        flags += [0] * len(_OPEN_END)
        self._hiding = len(expressions)
        expressions += _HIDING
        flags += [hyperscan.HS_FLAG_SINGLEMATCH] * len(_HIDING)
        self._database = hyperscan.Database()
        self._database.compile(expressions=expressions, ids=list(range(len(expressions))),
                               elements=len(expressions), flags=flags)

    def scan(self, block: bytes) -> Found | None:
        """(end, search) of each match and the ends of open lines; None where values may be hidden."""
        ends: list[tuple[int, int]] = []
        open_ends: list[int] = []
        hidden = False
        targets, opens, hiding = self._targets, self._open, self._hiding

        def seen(identity: int, start: int, end: int, flags: int, context: object) -> bool | None:
            nonlocal hidden
            if identity < opens:
                ends.append((end, targets[identity]))
            elif identity < hiding:
                open_ends.append(end)
            else:
                hidden = True
                return True
            return None

        try:
            self._database.scan(block, match_event_handler=seen)
        except Exception as stopped:
            if not hidden:
                raise stopped
        return None if hidden else (ends, sorted(set(open_ends)))


class ReMatcher:
    """The same with Python's regular expressions."""

    def __init__(self, patterns: list[tuple[bytes, int]]) -> None:
        self._patterns = [(re.compile(pattern, re.IGNORECASE), number) for pattern, number in patterns]
        self._patterns += [(re.compile(pattern, re.IGNORECASE), _ANY) for pattern in (*_ESCAPES, _LOST)]
        self._open = re.compile(rb"|".join(_OPEN_END))
        self._hiding = re.compile(rb"|".join(_HIDING))

    def scan(self, block: bytes) -> Found | None:
        """As `HyperscanMatcher.scan`."""
        if self._hiding.search(block):
            return None
        ends = [(match.end(), number) for pattern, number in self._patterns for match in pattern.finditer(block)]
        return ends, [match.end() for match in self._open.finditer(block)]


def sieve_for(searches: Sequence[Groups]) -> Sieve | None:
    """The sieve of all searches; None if one of them may want any line."""
    return Sieve(searches) if searches and all(searches) else None


