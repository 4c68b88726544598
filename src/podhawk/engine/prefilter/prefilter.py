"""The prefilter: which lines of a block any search can want, found without decoding a line.

All searches' literals go into one database that is run over whole blocks. A few searches become one pattern each, of
the two groups that the fewest lines have together, in any order. Of many, only the literals of each search's rarest
group are scanned for (a set of plain literals is scanned several times as fast). The other groups are not looked for in
the lines that come through: decoding a line takes no longer. How rare a group is is counted in the input itself, at
places all over it, and again where many lines come through. Besides lines that may match, always looked at are

* the first lines of a file (so that the report knows what the input is),
* lines with an escape that spells a character a literal could have,
* lines of events that lost a part (`audit.k8s.io/truncated`), and lines that do not end as an event ends.

Where a block shows a wrapping that hides its values (base64, GKE entries, container logs cut into pieces), or a
document of several lines (a line that cannot begin one, or two in a row that do not end one), the sieve gives up
(`None`) and the file is read whole from there on.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from podhawk.engine.prefilter.literals import CARRIED, PLAIN, Group, Groups, Literal
from podhawk.engine.prefilter.newlines import LineNumbers
from podhawk.engine.prefilter.patterns import Matcher, usable
from podhawk.engine.search.precheck import Unsure
from podhawk.events.sifting import CONTINUES, FoundLine

SAMPLE_LINES = 64
SAMPLE_BYTES = 256 << 10
FEW = 4
"""Up to so many kinds of searches, two groups of each go into the pattern."""
AGAIN = 64
"""After so many blocks, and each time after twice as many, what is rare may be counted again …"""
MANY = 8
"""… if more than one byte in so many came through."""
MOST_SETS = 4096  # combinations of kinds that are remembered at a time
_FEED = 10


def pattern_of(literal: Literal) -> bytes:
    """A literal as a regular expression. What closes it is a quote, or the first of its backslashes."""
    if not literal.text:
        return begins_otherwise(PLAIN.encode())
    text = re.escape(literal.text.encode())
    if literal.bare:
        return rb'(?:[\s:,\["]|\\[nrt])' + text + rb'[\s,}\]"\\]'
    return (rb'"' if literal.opens else b"") + text + (rb'["\\]' if literal.closes else b"")


def plain_patterns(literal: Literal) -> tuple[bytes, ...]:
    """The same as a few patterns that are plain text, where that can be: a thousand of these are compiled in a
    twentieth of the time."""
    if not literal.text or literal.bare or not literal.closes:
        return (pattern_of(literal),)
    text = (rb'"' if literal.opens else b"") + re.escape(literal.text.encode())
    return (text + rb'"', text + rb"\\")


def begins_otherwise(plain: bytes) -> bytes:
    """The beginning of a line that does not begin so."""
    found = b""
    for number in reversed(range(len(plain))):
        one = re.escape(plain[number : number + 1])
        found = rb"(?:[^%s\n]|%s%s)" % (one, one, found) if found else rb"[^%s\n]" % one
    return rb"(?:^|\n)" + found


def together(parts: list[bytes]) -> bytes:
    """One part, or two of them on one line in any order."""
    if len(parts) == 1:
        return parts[0]
    first, second = parts
    return rb"%s[^\n]*%s|%s[^\n]*%s" % (first, second, second, first)


def spellings(group: Group) -> tuple[bytes, ...]:
    """What a line in lower case must contain, one of them, to have a literal of the group."""
    return tuple(((b'"' if literal.opens else b"") + literal.text.lower().encode()) for literal in group)


def rarest_pair(groups: Sequence[Group], lines: Sequence[bytes]) -> tuple[Group, ...]:
    """The two of some groups, in the order of their rarity, that the fewest lines (in lower case) have both."""
    having = [
        {number for number, line in enumerate(lines) if any(spelling in line for spelling in spellings(group))}
        for group in groups
    ]
    first, second = min(
        itertools.combinations(range(len(groups)), 2),
        key=lambda pair: (len(having[pair[0]] & having[pair[1]]), sum(pair)),
    )
    return groups[first], groups[second]


def group_pattern(group: Group) -> bytes:
    return rb"(?:" + rb"|".join(sorted(pattern_of(literal) for literal in group)) + rb")"


class Candidates(Struct):
    """What to look at of a block up to a place.

    A line that does not end as an event ends comes together with the next one, on which it may go on.
    """

    lines: list[FoundLine]
    numbers: LineNumbers
    stop: int

    @property
    def total(self) -> int:
        return self.numbers.before(self.stop)


Look = Callable[[dict[str, Any], frozenset[int]], frozenset[int]]
"""A look at a decoded line: which of the searches that may want it do."""
Span = tuple[int, int, int]
"""Where a line starts and stops, and a bit for each kind of search that may want it; all bits for any."""


class Kind(Struct):
    """Searches that want the same groups, and those of the groups that the scan looks for."""

    groups: Groups
    searches: frozenset[int]
    chosen: tuple[Group, ...] = ()


class Sieve:
    """The prefilter of a set of searches, each given as its groups (none of them empty)."""

    def __init__(self, searches: Sequence[Groups]) -> None:
        numbers: dict[Groups, list[int]] = {}
        for number, groups in enumerate(searches):
            numbers.setdefault(groups, []).append(number)
        self.kinds = [Kind(groups, frozenset(those)) for groups, those in numbers.items()]
        self._came: Counter[int] = Counter()
        self._passed = [0] * len(self.kinds)
        self.current: frozenset[int] | None = None
        self.look: Look | None = None
        self._matcher: Matcher | None = None
        self._masks: list[int] = []
        self._sets: dict[int, frozenset[int]] = {}
        self._since = 0
        self._again = AGAIN

    def prepare(self, sample: bytes) -> None:
        """Choose each search's pattern by what is rare in a sample, and build the database."""
        self._since = 0
        low = sample[:SAMPLE_BYTES].lower()
        counts: dict[Group, int] = {}
        for kind in self.kinds:
            for group in kind.groups:
                if group not in counts:
                    counts[group] = 0 if kind.groups == CARRIED else sum(map(low.count, spellings(group)))
        lines = low.split(b"\n") if len(self.kinds) <= FEW else []
        patterns: dict[bytes, int] = {}
        before = [kind.chosen for kind in self.kinds]
        for number, kind in enumerate(self.kinds):
            ranked = sorted(kind.groups, key=lambda group: (counts[group], len(group)))
            kind.chosen = rarest_pair(ranked, lines) if lines and len(ranked) > 1 else (ranked[0],)
            alone = len(kind.chosen) == 1
            for pattern in (
                [pattern for literal in kind.chosen[0] for pattern in plain_patterns(literal)]
                if alone
                else [together([group_pattern(group) for group in kind.chosen])]
            ):
                patterns[pattern] = patterns.get(pattern, 0) | 1 << number
        if self._matcher is None or before != [kind.chosen for kind in self.kinds]:
            self._masks = list(patterns.values())
            self._matcher = Matcher(list(patterns))

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

    def candidates(self, block: bytes, first_line: int, start: int = 0, stop: int | None = None) -> Candidates | None:
        """The lines to look at of the whole lines that a block holds between two places; None if they must all be
        read."""
        if stop is None:
            stop = len(block)
        if self._matcher is None:
            self.prepare(block[start : start + (1 << 20)])
        assert self._matcher is not None
        first = start + (block[start] == _FEED)
        if first < len(block) and block[first] in CONTINUES:
            return None  # the first line goes on with a document of the lines before
        found = self._matcher.scan(block, start, stop)
        if found is None:
            return None
        ends, open_ends = found
        if any(end < len(block) and block[end] in CONTINUES for end in open_ends):
            return None
        open_ends = [end for end in open_ends if start < end <= stop]
        if _adjacent(open_ends, block):
            return None
        spans = self._spans(block, ends, start, stop)
        if open_ends or first_line < SAMPLE_LINES:
            spans = _with_others(block, spans, open_ends, SAMPLE_LINES - first_line, start, stop)
        result = self._numbered(block, spans, start, stop)
        if stop - start >= SAMPLE_BYTES:  # not the line that lies across two blocks
            self._since += 1
            if self._since >= self._again and sum([end - begin for begin, end, _ in spans]) * MANY > stop - start:
                self._again *= 2
                self.prepare(block)
        return result

    def _spans(self, block: bytes, ends: list[tuple[int, int]], first: int, last: int) -> list[Span]:
        """The lines in which matches end, with the kinds that each match means."""
        spans: list[Span] = []
        masks, find, rfind = self._masks, block.find, block.rfind
        known = len(masks)
        stop, mask, begin = first - 1, 0, 0
        for end, identity in ends:
            if end <= first:
                continue
            if end > last:
                break
            if end > stop:
                if mask:
                    spans.append((rfind(b"\n", 0, begin) + 1, stop, mask))
                begin = end
                stop = find(b"\n", end, last)
                if stop < 0:
                    stop = last
                mask = 0
            mask |= masks[identity] if identity < known else -1
        if mask:
            spans.append((rfind(b"\n", 0, begin) + 1, stop, mask))
        return spans

    def _numbered(self, block: bytes, spans: list[Span], at: int, last: int) -> Candidates:
        """The lines themselves, with the searches that may want them."""
        sets = self._sets
        if len(sets) >= MOST_SETS:  # a log can be made to hold any combination of literals
            sets.clear()
        came = self._came
        lines: list[FoundLine] = []
        for start, stop, mask in spans:
            text, numbers = block[start:stop], None
            if mask >= 0:
                numbers = sets.get(mask) or self._meant(mask)
                came[mask] = came.get(mask, 0) + 1
            lines.append((start, text, numbers))
        if len(came) >= MOST_SETS:
            self._add_up()
        return Candidates(lines, LineNumbers(block, at), last)

    def passed(self, number: int) -> int:
        """How many lines came through for what a search looks for."""
        self._add_up()
        return sum(times for kind, times in zip(self.kinds, self._passed, strict=True) if number in kind.searches)

    def _add_up(self) -> None:
        """Count for each kind what was counted for combinations of them."""
        for mask, times in self._came.items():
            for number in range(len(self.kinds)):
                self._passed[number] += times * (mask >> number & 1)
        self._came.clear()

    def _meant(self, mask: int) -> frozenset[int]:
        """The searches of the kinds in a mask."""
        numbers = self._sets[mask] = frozenset().union(
            *(kind.searches for number, kind in enumerate(self.kinds) if mask >> number & 1)
        )
        return numbers


def _with_others(block: bytes, spans: list[Span], open_ends: list[int], sample: int, at: int, last: int) -> list[Span]:
    """The lines, with those that do not end as an event ends (each with the next one) and the first ones of a file."""
    found = {start: (start, stop, mask) for start, stop, mask in spans}
    for end in open_ends:
        start = block.rfind(b"\n", 0, end - 1) + 1
        stop = block.find(b"\n", end, last)
        found.pop(end, None)
        found[start] = (start, stop if stop >= 0 else last, -1)
    for _ in range(sample):
        stop = block.find(b"\n", at, last)
        known = found.get(at)
        found[at] = (at, max(stop if stop >= 0 else last, known[1] if known else 0), -1)
        if stop < 0 or stop + 1 >= last:
            break
        at = found[at][1] + 1
        if at >= last:
            break
    return [found[start] for start in sorted(found)]


def _adjacent(open_ends: list[int], block: bytes) -> bool:
    """Whether two lines in a row do not end as an event ends: a document of several lines."""
    return any(block.find(b"\n", one, other - 1) < 0 for one, other in itertools.pairwise(open_ends))


def sieve_for(searches: Sequence[Groups]) -> Sieve | None:
    """The sieve of all searches; None if one of them may want any line, or without Hyperscan."""
    return Sieve(searches) if searches and all(searches) and usable() else None
