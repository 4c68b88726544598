"""Searches that only count events by fields: which they are, and how events are counted without making rows.

Hunting is mostly this (`stats count by user.username verb objectRef.resource`), over every event there is. The values
of the fields are the key of a dict. If a search counts all events, whole blocks of lines are decoded and counted at
once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from typing import Final

from podhawk.commands.declare import Counting
from podhawk.commands.search import Search
from podhawk.engine.fastpath.decoder import NOT_OF_SHAPE, UNSET, DecodedValues, Shape, reader, sound
from podhawk.engine.prefilter.newlines import count_lines
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.events.event import METADATA
from podhawk.events.fields import of_body
from podhawk.events.reasons import METHODS
from podhawk.spl.clause import EVERYTHING

PART: Final = 256 << 10
"""Bytes whose events are in memory at the same time: they stay in the processor's cache."""
_NOTHING: Final = frozenset({UNSET})
_LOST: Final = attrgetter("annotations.truncated")


def line_counter(shape: Shape, by: Sequence[str], seen: dict[DecodedValues, int]) -> Callable[[bytes, int], bool]:
    """Takes a line for a search that only counts by fields, and counts its stage, level and values in `seen`."""
    read = reader(("stage", "level", *by))
    decode, annotated = shape.decode, shape.annotated

    def take(line: bytes, number: int) -> bool:
        try:
            event = decode(line)
        except NOT_OF_SHAPE:
            return False
        annotations = event.annotations
        if event.verb in METHODS or (not sound(annotations) if annotated else annotations.truncated is not UNSET):
            return False
        values = read(event)
        seen[values] = seen.get(values, 0) + 1
        return True

    return take


def block_counter(shape: Shape, by: Sequence[str], seen: dict[DecodedValues, int]) -> Callable[[bytes, int, int], int]:
    """The same for the lines between two offsets of a block. None of them is counted if one must take the slow path."""
    names = tuple(dict.fromkeys(("verb", "stage", "level", *by)))
    read = reader(names)
    key_of = itemgetter(*map(names.index, ("stage", "level", *by)))
    decode, annotated = shape.spelled_decoder(), shape.annotated

    def part(block: bytes, start: int, stop: int, counts: Counter[DecodedValues]) -> int:
        """Count the events of a part of a block, if all of them are of the shape; returns how many lines that is."""
        lines = memoryview(block)[start:stop]
        try:
            events = decode(lines)
        except NOT_OF_SHAPE:
            try:
                events = shape.decode_lines(lines)
            except NOT_OF_SHAPE:
                return 0
            if not annotated and not _NOTHING.issuperset(map(_LOST, events)):
                return 0
        if len(events) != count_lines(block, start, stop):
            return 0  # blank lines, or documents of several lines
        if annotated and not all(sound(event.annotations) for event in events):
            return 0
        counts.update(map(read, events))
        return len(events)

    def take_lines(block: bytes, start: int, stop: int) -> int:
        counts: Counter[DecodedValues] = Counter()
        taken = 0
        while start < stop:
            end = block.rfind(b"\n", start, start + PART) + 1 if stop - start > PART else stop
            found = part(block, start, end or stop, counts)
            if not found:
                return 0
            taken += found
            start = end or stop
        if any(values[0] in METHODS for values in counts):
            return 0
        for values, count in counts.items():
            key = key_of(values)
            seen[key] = seen.get(key, 0) + count
        return taken

    return take_lines


def order_free(search: CompiledSearch) -> bool:
    """Whether the order of rows cannot change the state of a search."""
    return isinstance(search.reducer, Counting) and search.reducer.order_free()


def fills(search: CompiledSearch) -> dict[str, str] | None:
    """For a search that only counts by fields: the values that stand for missing fields. None for any other search."""
    run = search.reducer
    if not isinstance(run, Counting) or not run.counts_only():
        return None
    if any(name in (*METADATA, "_time") or of_body(name) for name in run.by):
        return None
    first, *others = search.plan.mapped or (None,)
    if first is None or not isinstance(first.node, Search):
        return None
    filled: dict[str, str] = {}
    for stage in others:
        fills = stage.command.fills(stage.node)
        if fills is None or "fillnull-empty" in search.context.env.switches:
            return None
        filled = {**fills, **filled}
    return filled


def counts_everything(search: CompiledSearch) -> Counting | None:
    """The run code of a search that counts all events by fields; None for any other search."""
    run = search.reducer
    if isinstance(run, Counting) and search.clause == EVERYTHING and run.by and fills(search) == {}:
        return run
    return None
