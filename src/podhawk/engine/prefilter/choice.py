"""Which literals of a search the prefilter scans for, and as which patterns.

A line can match a search only if it has a literal of each of its groups (`literals`), but not all groups need be looked
for. Of a few searches, each becomes one pattern: the two groups that the fewest lines have together, in any order. Of
many, only the literals of each search's rarest group are scanned for, because a set of plain literals is scanned
several times as fast. The other groups are not looked for in the lines that are selected: decoding a line takes no
longer.

How rare a group is, is counted in a sample of the input.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from podhawk.engine.prefilter.literals import CARRIED, PLAIN, LineLiteral, LiteralGroup, LiteralGroups

FEW: Final = 4
"""Up to so many kinds of searches, each has a pattern of two groups."""


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


def rarest_pair(groups: Sequence[LiteralGroup], lines: Sequence[bytes]) -> tuple[LiteralGroup, ...]:
    """The two groups that the fewest lines have together; of equal ones the earlier. Lines must be in lower case."""
    having = [
        {number for number, line in enumerate(lines) if any(spelling in line for spelling in spellings(group))}
        for group in groups
    ]
    first, second = min(
        itertools.combinations(range(len(groups)), 2),
        key=lambda pair: (len(having[pair[0]] & having[pair[1]]), sum(pair)),
    )
    return groups[first], groups[second]


def choose(kinds: Sequence[LiteralGroups], sample: bytes) -> list[tuple[LiteralGroup, ...]]:
    """For each kind of search the groups to scan for, by what is rare in a sample."""
    low = sample.lower()
    counts: dict[LiteralGroup, int] = {}
    for groups in kinds:
        for group in groups:
            if group not in counts:
                counts[group] = 0 if groups == CARRIED else sum(map(low.count, spellings(group)))
    lines = low.split(b"\n") if len(kinds) <= FEW else []
    chosen = []
    for groups in kinds:
        ranked = sorted(groups, key=lambda group: (counts[group], len(group)))
        chosen.append(rarest_pair(ranked, lines) if lines and len(ranked) > 1 else (ranked[0],))
    return chosen


def rarest(kinds: Sequence[LiteralGroups], sample: bytes) -> list[tuple[LiteralGroup, ...]]:
    """For each kind of watched line the group that the fewest lines of a sample have."""
    low = sample.lower()
    count = lru_cache(lambda group: sum(map(low.count, spellings(group))))
    return [(min(groups, key=lambda group: (count(group), len(group))),) for groups in kinds]


def patterns_of(chosen: Sequence[LiteralGroup]) -> Iterator[bytes]:
    """The patterns of the groups that were chosen for a search. A line that has none of them does not match it."""
    if len(chosen) == 1:
        for literal in chosen[0]:
            yield from plain_patterns(literal)
    else:
        yield together([_group_pattern(group) for group in chosen])


def _group_pattern(group: LiteralGroup) -> bytes:
    return rb"(?:" + rb"|".join(sorted(pattern_of(literal) for literal in group)) + rb")"
