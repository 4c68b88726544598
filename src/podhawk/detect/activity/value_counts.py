"""How often each of many values occurs, and when, in bounded RAM.

A fixed number of values is kept. If there are more, those with the lowest hash are kept: which values these are does
not depend on the order of events or on the number of processes, and what is said of each of them is exact.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Final

from msgspec import Struct

MOST_VALUES: Final = 1000
"""Values that a tally keeps."""
LONGEST: Final = 200
"""Characters that are kept of a value. Longer ones are told apart by their hash."""


class Occurrence(Struct):
    """How often a value occurred, and when first and last, in epoch seconds (None without times)."""

    count: int = 0
    first: float | None = None
    last: float | None = None

    def add(self, count: int, first: float | None, last: float | None) -> None:
        """Count more of them."""
        self.count += count
        if first is not None and (self.first is None or first < self.first):
            self.first = first
        if last is not None and (self.last is None or last > self.last):
            self.last = last


class ValueCounts:
    """Counts values. `complete` says whether all of them were kept."""

    __slots__ = ("_heap", "_most", "complete", "values")

    def __init__(self, most: int = MOST_VALUES) -> None:
        self.values: dict[str, Occurrence] = {}
        self.complete = True
        self._most = most
        self._heap: list[tuple[int, str]] = []
        """Negated hashes of the values, once there are as many as are kept: the highest hash comes first."""

    def add(self, value: str, time: float | None = None, count: int = 1, last: float | None = None) -> None:
        """Count a value: `count` of them from `time` to `last`."""
        if len(value) > LONGEST:
            value = _shortened(value)
        found = self.values.get(value)
        if found is None:
            found = self._new(value)
            if found is None:
                return
        found.add(count, time, last if last is not None else time)

    def add_all(self, counts: Mapping[str, int]) -> None:
        """Count values without times, each as often as is said."""
        values, add = self.values, self.add
        for value, count in counts.items():
            found = values.get(value)
            if found is not None:
                found.count += count
            elif not self._heap or len(value) > LONGEST or (-hash_of(value), value) > self._heap[0]:
                add(value, count=count)
            else:
                self.complete = False

    def _new(self, value: str) -> Occurrence | None:
        if len(self.values) >= self._most:
            self.complete = False
            if not self._heap:
                self._heap = [(-hash_of(one), one) for one in self.values]
                heapq.heapify(self._heap)
            own = -hash_of(value)
            if (own, value) <= self._heap[0]:
                return None
            _, dropped = heapq.heapreplace(self._heap, (own, value))
            del self.values[dropped]
        elif self._heap:
            self._heap = []
        found = self.values[value] = Occurrence()
        return found

    def merge(self, other: ValueCounts) -> None:
        """Take in what was counted elsewhere."""
        self.complete = self.complete and other.complete
        for value, found in other.values.items():
            self.add(value, found.first, found.count, found.last)

    def top(self) -> Iterator[tuple[str, Occurrence]]:
        """The values, the most frequent first; those of the same number in alphabetical order."""
        yield from sorted(self.values.items(), key=lambda item: (-item[1].count, item[0]))

    def __len__(self) -> int:
        return len(self.values)


def hash_of(value: str) -> int:
    """A hash that is the same in every process."""
    return int.from_bytes(blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _shortened(value: str) -> str:
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{value[: LONGEST - 11]}… #{digest}"
