"""The prefilter: selects the lines of a block that any search can want, without decoding a line.

The literals of all searches go into one database that is run over whole blocks (`patterns`, `choice`). Besides
lines that may match, it always selects

* the first lines of a file, so that the report tells what the input is,
* lines with an escape that spells a character a literal could have,
* lines of events that lost a part (`audit.k8s.io/truncated`), and lines that do not end as an event ends.

If a block shows a wrapping that hides its values (base64, GKE entries, container logs split into parts), or a document
of several lines (a line that cannot begin one, or two in a row that do not end one), the prefilter gives up (`None`)
and the file is read whole from there on.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.prefilter.choice import FEW, chosen_for, may_overlap, pattern_of_pair, patterns_of
from podhawk.engine.prefilter.literals import PLAIN, LiteralGroup, LiteralGroups
from podhawk.engine.prefilter.newlines import LineNumbers
from podhawk.engine.prefilter.patterns import BlockMatcher, matcher_for, usable
from podhawk.events.candidates import CONTINUES, FoundLine, WatchedLine
from podhawk.events.event import BODIES

SAMPLE_BYTES: Final = 256 << 10
"""Bytes of a sample in which it is counted how rare literals are."""
AGAIN: Final = 64
"""After so many blocks, and each time after twice as many, literals may be chosen again …"""
MANY: Final = 8
"""… if more than one byte in so many was selected."""
MOST_SETS: Final = 4096
"""Combinations of kinds that are remembered. A log can be made to hold any combination of literals."""
_FEED: Final = 10

LineSpan = tuple[int, int, int]
"""Where a line starts and stops, and a bit for each kind of search that may want it; all bits for any."""


UNASKED: Final = 64
"""Blocks after which a database without the watched literals is built: that takes as long as scanning some blocks."""


_START: Final = PLAIN.encode()
_ID: Final = b'"auditID"'
"""What stands twice in a line of two events."""
_HAS_BOTH: Final = re.compile(rb'\{"kind":"Event","apiVersion":"[^"\n]*","level":"RequestResponse"').match
"""The beginning of events that may have both bodies. At another level a body may hold the name of the other."""
_BODIES: Final = tuple(rb'"%s":[{\[]' % body.encode() for body in BODIES)
"""How the API server begins a body."""


class Selection(Struct):
    """The selected lines of a part of a block.

    A line that does not end as an event ends comes together with the next one, on which it may go on.
    """

    lines: list[FoundLine]
    numbers: LineNumbers
    stop: int
    watched: Sequence[WatchedLine] = ()
    _beside: LineNumbers | None = None

    @property
    def total(self) -> int:
        return self.numbers.before(self.stop)

    def line_before(self, place: int) -> int:
        """The number of lines before a watched line. Offsets must be asked for in ascending order."""
        if self._beside is None:
            self._beside = self.numbers.again()
        return self._beside.before(place)


class SearchKind(Struct):
    """Searches with the same groups, and those of the groups that are scanned for."""

    groups: LiteralGroups
    searches: frozenset[int]
    chosen: tuple[LiteralGroup, ...] = ()


class Prefilter:
    """The prefilter of a set of searches, each given as its groups (at least one).

    Lines that may have all groups of one of the `watched`, which has the number of a search, are given too, apart from
    those that a search may want, as long as the number is in `asking` (see `podhawk.engine.run.watch`). A plain event
    that has all the `bodies` for which the searches are watched is not given. `levels` are the audit levels with bodies
    that have been seen.
    """

    def __init__(
        self,
        searches: Sequence[LiteralGroups],
        options: EngineOptions = DEFAULTS,
        watched: Sequence[tuple[LiteralGroups, int]] = (),
        asking: Set[int] = frozenset(),
        bodies: Mapping[int, Set[str]] = MappingProxyType({}),
    ) -> None:
        self.kinds = _kinds(zip(searches, itertools.count()))
        self._watched = _kinds(watched)
        self._asking = asking
        self._bodies = bodies
        self._wanted = (1 << len(self.kinds)) - 1
        known = len(self.kinds) + len(self._watched)
        self._selects = (1 << known) - 1
        self._body_bits = {body: 1 << known + place for place, body in enumerate(BODIES)}
        self._shift = known + len(BODIES)
        self._complete: dict[int, tuple[int, int]] = {}
        self.levels: set[str] = set()
        self._sampled_lines = options.sampled_lines
        self._came: Counter[int] = Counter()
        self._selected = [0] * len(self.kinds)
        self._matchers: dict[bool, tuple[BlockMatcher, list[int]]] = {}
        self._sets: dict[int, frozenset[int]] = {}
        self._blocks = 0  # since literals were chosen
        self._unasked = 0  # blocks since a search asked for watched lines
        self._again = AGAIN

    def prepare(self, sample: bytes) -> None:
        """Choose what to scan for by what is rare in a sample, and build the database."""
        self._blocks = 0
        every = [*self.kinds, *self._watched]
        before = [kind.chosen for kind in every]
        kinds, watched = (tuple(kind.groups for kind in some) for some in (self.kinds, self._watched))
        chosen = chosen_for(kinds, watched, sample[:SAMPLE_BYTES])
        for kind, groups in zip(every, chosen, strict=True):
            kind.chosen = groups
        if before != [kind.chosen for kind in every]:
            self._matchers.clear()

    @property
    def prepared(self) -> bool:
        """Whether `prepare` was called."""
        return bool(self.kinds[0].chosen)

    def _matcher(self, watching: bool) -> tuple[BlockMatcher, list[int]]:
        """The database of what is scanned for, with or without what is watched, and the kinds of each pattern: a bit
        for the first group of each kind, and one for its second, which stands `_shift` higher."""
        known = self._matchers.get(watching)
        if known is None:
            patterns: dict[bytes, int] = {}
            for number, kind in enumerate([*self.kinds, *self._watched] if watching else self.kinds):
                first, second = 1 << number, 1 << number + self._shift
                if len(kind.chosen) == 1:
                    bits = dict.fromkeys(patterns_of(kind.chosen[0]), first | second)
                elif len(self.kinds) <= FEW and not may_overlap(kind.chosen):
                    bits = {pattern_of_pair(kind.chosen): first | second}
                else:
                    bits = dict.fromkeys(patterns_of(kind.chosen[0]), first)
                    for pattern in patterns_of(kind.chosen[1]):
                        bits[pattern] = bits.get(pattern, 0) | second
                for pattern, mask in bits.items():
                    patterns[pattern] = patterns.get(pattern, 0) | mask
            exact: dict[bytes, int] = {}
            if watching:
                exact = dict(zip(_BODIES, self._body_bits.values(), strict=True))
            masks = [*patterns.values(), *(bit | bit << self._shift for bit in exact.values())]
            known = self._matchers[watching] = matcher_for(tuple(patterns), tuple(exact)), masks
        return known

    def select(self, block: bytes, first_line: int, start: int = 0, stop: int | None = None) -> Selection | None:
        """The lines to read of the whole lines that a block holds between two places; None if all of the file must be
        read from here on."""
        if stop is None:
            stop = len(block)
        if not self.prepared:
            self.prepare(block[start : start + (1 << 20)])
        asked = self._asked()
        self._unasked = 0 if asked else self._unasked + 1
        matcher, masks = self._matcher(bool(self._watched) and self._unasked < UNASKED)
        first = start + (block[start] == _FEED)
        if first < len(block) and block[first] in CONTINUES:
            return None  # the first line continues a document from the lines before
        found = matcher.scan(block, start, stop, self.levels)
        if found is None:
            return None
        ends, open_ends = found
        if any(end < len(block) and block[end] in CONTINUES for end in open_ends):
            return None
        open_ends = [end for end in open_ends if start < end <= stop]
        if _adjacent(open_ends, block):
            return None
        spans = _spans(block, ends, masks, (self._shift, self._selects), start, stop)
        if open_ends or first_line < self._sampled_lines:
            spans = _with_others(block, spans, open_ends, self._sampled_lines - first_line, start, stop)
        result = self._selection(block, spans, start, stop, asked)
        if stop - start >= SAMPLE_BYTES:  # not the line that lies across two blocks
            wanted = self._wanted
            self._choose_again(block, sum([end - begin for begin, end, mask in spans if mask & wanted]), stop - start)
        return result

    def _choose_again(self, block: bytes, selected: int, size: int) -> None:
        """Choose anew what to scan for, if much was selected of a block, and not too often."""
        self._blocks += 1
        if self._blocks >= self._again and selected * MANY > size:
            self._again *= 2
            self.prepare(block)

    def _asked(self) -> int:
        """The watched kinds on whose behalf any search still asks, as a mask."""
        asking = self._asking
        mask = 0
        for number, kind in enumerate(self._watched, len(self.kinds)):
            if not kind.searches.isdisjoint(asking):
                mask |= 1 << number
        return mask

    def _selection(self, block: bytes, spans: list[LineSpan], at: int, last: int, asked: int) -> Selection:
        """The lines themselves, with the searches that may want them."""
        sets = self._sets
        if len(sets) >= MOST_SETS:
            sets.clear()
        if len(self._complete) >= MOST_SETS:
            self._complete.clear()
        came = self._came
        lines: list[FoundLine] = []
        watched: list[WatchedLine] = []
        wanted = self._wanted
        complete = self._complete
        for start, stop, mask in spans:
            numbers = None
            if mask < 0 and asked:
                watched.append((start, block[start:stop], None, False))
            elif mask > wanted:
                about = mask & asked
                if about:
                    enough = complete.get(about)
                    if enough is None:
                        enough = self._complete_for(about)
                    one_event = is_one_event(block, start, stop)
                    if not (one_event and _HAS_BOTH(block, start)) or mask & enough[0] != enough[1]:
                        searches = sets.get(about) or self._searches_of(about)
                        watched.append((start, block[start:stop], searches, one_event))
                mask &= wanted
                if not mask:
                    continue
            text = block[start:stop]
            if mask >= 0:
                numbers = sets.get(mask) or self._searches_of(mask)
                came[mask] = came.get(mask, 0) + 1
            lines.append((start, text, numbers))
        if len(came) >= MOST_SETS:
            self._add_up()
        return Selection(lines, LineNumbers(block, at), last, watched)

    def _complete_for(self, about: int) -> tuple[int, int]:
        """Of a mask of watched kinds: which bits to look at in lines of one event, and how they are where it has all
        the bodies that the searches need."""
        needed = 0
        for number in self._searches_of(about):
            bodies = self._bodies.get(number)
            if not bodies:
                needed = -1
                break
            for body in bodies:
                needed |= self._body_bits[body]
        self._complete[about] = found = (0, 1) if needed < 0 else (needed, needed)
        return found

    def described(self, number: int) -> str:
        """What is scanned for on behalf of a search."""
        kind = next(one for one in self.kinds if number in one.searches)
        groups = (
            "|".join(literal.text or "not the usual start of an event" for literal in group) for group in kind.chosen
        )
        return " and ".join(groups) or "every line"

    def selected_for(self, number: int) -> int:
        """How many lines were selected on behalf of a search."""
        self._add_up()
        return sum(times for kind, times in zip(self.kinds, self._selected, strict=True) if number in kind.searches)

    def _add_up(self) -> None:
        """Add what was counted for combinations of kinds to each of them."""
        for mask, times in self._came.items():
            for number in range(len(self.kinds)):
                self._selected[number] += times * (mask >> number & 1)
        self._came.clear()

    def _searches_of(self, mask: int) -> frozenset[int]:
        """The searches of the kinds in a mask."""
        numbers = self._sets[mask] = frozenset().union(
            *(kind.searches for number, kind in enumerate([*self.kinds, *self._watched]) if mask >> number & 1)
        )
        return numbers


def _spans(
    block: bytes, ends: list[tuple[int, int]], masks: list[int], bits: tuple[int, int], first: int, last: int
) -> list[LineSpan]:
    """The lines in which matches end, with the kinds of search of which both groups were found: `bits` has how far the
    second is shifted, and which of them make a line worth giving."""
    shift, selects = bits
    spans: list[LineSpan] = []
    find, rfind = block.find, block.rfind
    known = len(masks)
    stop, mask, begin = first - 1, 0, 0
    for end, identity in ends:
        if end <= first:
            continue
        if end > last:
            break
        if end > stop:
            mask &= mask >> shift
            if mask & selects:
                spans.append((rfind(b"\n", 0, begin) + 1, stop, mask))
            begin = end
            stop = find(b"\n", end, last)
            if stop < 0:
                stop = last
            mask = 0
        mask |= masks[identity] if identity < known else -1
    mask &= mask >> shift
    if mask & selects:
        spans.append((rfind(b"\n", 0, begin) + 1, stop, mask))
    return spans


def is_one_event(block: bytes, start: int, stop: int) -> bool:
    """Whether a line is one event as the API server writes it. Any other may hold several, with or without bodies."""
    first = block.find(_ID, start, stop) if block.startswith(_START, start) else -1
    return first >= 0 and block.find(_ID, first + 1, stop) < 0


def _kinds(searches: Iterable[tuple[LiteralGroups, int]]) -> list[SearchKind]:
    numbers: dict[LiteralGroups, list[int]] = {}
    for groups, number in searches:
        numbers.setdefault(groups, []).append(number)
    return [SearchKind(groups, frozenset(those)) for groups, those in numbers.items()]


def _with_others(
    block: bytes, spans: list[LineSpan], open_ends: list[int], sample: int, at: int, last: int
) -> list[LineSpan]:
    """The lines, and those that do not end as an event ends (each with the next one), and `sample` lines from the
    beginning."""
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


def prefilter_for(
    searches: Sequence[LiteralGroups],
    options: EngineOptions = DEFAULTS,
    watched: Sequence[tuple[LiteralGroups, int]] = (),
    asking: Set[int] = frozenset(),
    bodies: Mapping[int, Set[str]] = MappingProxyType({}),
) -> Prefilter | None:
    """The prefilter of all searches; None if one of them may want any line, or without Hyperscan."""
    return Prefilter(searches, options, watched, asking, bodies) if searches and all(searches) and usable() else None
