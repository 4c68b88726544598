"""A bounded selection of things: those with the lowest hash of their key, whatever the order in which they come."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

from podhawk.detect.activity.value_counts import hash_of

T = TypeVar("T")


class BoundedSet(Generic[T]):
    """At most `most` things by key. `complete` says whether all were kept."""

    __slots__ = ("_heap", "_most", "_things", "complete")

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: dict[int, T] = {}
        self._heap: list[int] = []
        self.complete = True

    def add(self, key: str, thing: T) -> None:
        """Take a thing; of several with the same key, one stays."""
        self._add(hash_of(key), thing)

    def _add(self, number: int, thing: T) -> None:
        if number in self._things:
            return
        if len(self._things) >= self._most:
            self.complete = False
            if -number <= self._heap[0]:
                return
            del self._things[-heapq.heapreplace(self._heap, -number)]
        else:
            heapq.heappush(self._heap, -number)
        self._things[number] = thing

    def merge(self, other: BoundedSet[T]) -> None:
        """Take in what was selected elsewhere."""
        self.complete = self.complete and other.complete
        for number, thing in other._things.items():
            self._add(number, thing)

    def __iter__(self) -> Iterator[T]:
        return iter(self._things.values())

    def __len__(self) -> int:
        return len(self._things)
