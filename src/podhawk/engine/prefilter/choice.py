"""Which literals of a search the prefilter scans for, and as which patterns.

A line can match a search only if it has a literal of each of its groups (`literals`), but not all groups need be looked
for. Two are enough: those that the fewest lines have together. Of a few searches, each becomes one pattern of both, in
any order, unless one place may hold both. Of many, the literals of both are scanned for by themselves, because a set of
plain literals is scanned several times as fast, and a line is selected for a search if both were found in it. If the
rarest group alone is rare enough, no second one is scanned for. The other groups are not looked for in the lines that
are selected: decoding a line takes no longer.

How rare a group is, is counted in a sample of the input.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final

from podhawk.engine.prefilter.literals import CARRIED, PLAIN, LineLiteral, LiteralGroup, LiteralGroups

FEW: Final = 4
"""Up to so many kinds of searches, each has a pattern of two groups."""
RARE: Final = 0.02
"""The part of the lines that may have the rarest group before a second one is scanned for, if there are many kinds."""
SAVES: Final = 8
"""How many matches cost as much as a line that is decoded for nothing."""
Having = Callable[[LiteralGroup], frozenset[int]]
"""The lines of a sample that have a literal of a group."""


def pattern_of(literal: LineLiteral) -> bytes:
    """A literal as a regular expression. A quote closes it, or the first of the backslashes before a quote."""
    if not literal.text:
        return begins_otherwise(PLAIN.encode())
    text = re.escape(literal.text.encode())
    if literal.bare:
        decimal = rb"(?:\.0+)?" if literal.text.isdigit() else b""  # what a shipper makes of a whole number
        return rb'(?:[\s:,\["]|\\[nrt])' + text + decimal + rb'[\s,}\]"\\]'
    return (rb'"' if literal.opens else b"") + text + (rb'["\\]' if literal.closes else b"")


def plain_patterns(literal: LineLiteral) -> tuple[bytes, ...]:
    """The same as a few patterns that are plain text, where that is possible: a thousand of these are compiled in a
    twentieth of the time."""
    if not literal.text or literal.bare or not literal.closes:
        return (pattern_of(literal),)
    text = (rb'"' if literal.opens else b"") + re.escape(literal.text.encode())
    return (text + rb'"', text + rb"\\")


def begins_otherwise(plain: bytes) -> bytes:
    """A pattern for the beginning of a line that does not begin with this text."""
    found = b""
    for number in reversed(range(len(plain))):
        one = re.escape(plain[number : number + 1])
        found = rb"(?:[^%s\n]|%s%s)" % (one, one, found) if found else rb"[^%s\n]" % one
    return rb"(?:^|\n)" + found


def together(parts: Sequence[bytes]) -> bytes:
    """A pattern for one part, or for two of them on one line in any order."""
    if len(parts) == 1:
        return parts[0]
    first, second = parts
    return rb"%s[^\n]*%s|%s[^\n]*%s" % (first, second, second, first)


def spellings(group: LiteralGroup) -> tuple[bytes, ...]:
    """The texts of which a line in lower case must contain one, to have a literal of the group."""
    return tuple(((b'"' if literal.opens else b"") + literal.text.lower().encode()) for literal in group)


def rarest_pair(groups: Sequence[LiteralGroup], having: Having) -> tuple[LiteralGroup, ...]:
    """The two groups that the fewest lines have together; of equal ones the earlier."""
    first, second = min(
        itertools.combinations(range(len(groups)), 2),
        key=lambda pair: (len(having(groups[pair[0]]) & having(groups[pair[1]])), sum(pair)),
    )
    return groups[first], groups[second]


def rarest_with_second(
    groups: Sequence[LiteralGroup], having: Having, counts: Mapping[LiteralGroup, int], lines: int
) -> tuple[LiteralGroup, ...]:
    """The first of the groups, and the one that saves most: by the lines of the first that it rules out, against its
    own matches. Only the first if none saves anything."""
    common = having(groups[0])
    if len(groups) == 1 or len(common) <= RARE * lines:
        return (groups[0],)
    saved = {group: SAVES * len(common - having(group)) - counts[group] for group in groups[1:]}
    second = max(saved, key=saved.__getitem__)
    return (groups[0], second) if saved[second] > 0 else (groups[0],)


@lru_cache(maxsize=2)
def chosen_for(
    kinds: tuple[LiteralGroups, ...], watched: tuple[LiteralGroups, ...], sample: bytes
) -> list[tuple[LiteralGroup, ...]]:
    """The groups to scan for, for kinds of searches and of watched lines. A service scans many inputs with the same
    sample."""
    return choose(kinds, sample) + rarest(watched, sample)


def choose(kinds: Sequence[LiteralGroups], sample: bytes) -> list[tuple[LiteralGroup, ...]]:
    """For each kind of search the groups to scan for, by what is rare in a sample."""
    low = sample.lower()
    lines = low.split(b"\n")
    count = cache(low.count)  # many groups have the same literals
    counts: dict[LiteralGroup, int] = {}
    for groups in kinds:
        for group in groups:
            if group not in counts:
                counts[group] = 0 if groups == CARRIED else sum(map(count, spellings(group)))

    @cache
    def having(group: LiteralGroup) -> frozenset[int]:
        texts = spellings(group)
        return frozenset(number for number, line in enumerate(lines) if any(text in line for text in texts))

    chosen: list[tuple[LiteralGroup, ...]] = []
    for groups in kinds:
        ranked = sorted(groups, key=lambda group: (counts[group], len(group)))
        if len(ranked) == 1 or groups == CARRIED:
            chosen.append((ranked[0],))
        elif len(kinds) <= FEW and not may_overlap(pair := rarest_pair(ranked, having)):
            chosen.append(pair)
        else:
            chosen.append(rarest_with_second(ranked, having, counts, len(lines)))
    return chosen


def rarest(kinds: Sequence[LiteralGroups], sample: bytes) -> list[tuple[LiteralGroup, ...]]:
    """For each kind of watched line the group that the fewest lines of a sample have."""
    low = sample.lower()
    count = cache(low.count)

    @cache
    def counted(group: LiteralGroup) -> int:
        return sum(map(count, spellings(group)))

    return [(min(groups, key=lambda group: (counted(group), len(group))),) for groups in kinds]


def may_overlap(chosen: Sequence[LiteralGroup]) -> bool:
    """Whether one place in a line may hold a literal of each of two groups: a pattern of one after the other would not
    find them there."""
    first, second = chosen
    return any(_overlap(one, other) for one in first for other in second)


def _overlap(one: LineLiteral, other: LineLiteral) -> bool:
    if (one.bare and other.bare) or not one.text or not other.text:
        return True  # they may share what stands between them
    a, b = (('"' * each.opens + each.text + '"' * each.closes).lower() for each in (one, other))
    if a in b or b in a:
        return True
    return any(a.endswith(b[:size]) or b.endswith(a[:size]) for size in range(1, min(len(a), len(b))))


def pattern_of_pair(chosen: Sequence[LiteralGroup]) -> bytes:
    """A pattern that lines with a literal of each of two groups have."""
    return together([_group_pattern(group) for group in chosen])


def patterns_of(group: LiteralGroup) -> Iterator[bytes]:
    """The patterns of a group. A line that has none of them has no literal of the group."""
    for literal in group:
        yield from plain_patterns(literal)


def _group_pattern(group: LiteralGroup) -> bytes:
    return rb"(?:" + rb"|".join(sorted(pattern_of(literal) for literal in group)) + rb")"
