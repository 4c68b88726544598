"""The bound on the groups of a window.

Whoever can make events can make any number of groups: objects, users or user agents of any name. A window with more
than `MOST_GROUPS` is evaluated over those of which it has most events; of equal ones over those with the lowest hash,
so that the order of events does not matter. A flood of groups of one event each thus hides no group that goes on. What
is counted of the groups that are kept is exact, and each row says that there were more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Final, Protocol, TypeVar

MOST_GROUPS: Final = 200_000
GROUPS: Final = "(groups)"
"""Stands in the column `truncated` of each row of such a window."""


class Grouped(Protocol):
    """An event with the groups that it counts for."""

    @property
    def keys(self) -> Collection[tuple[str, ...]]: ...


Event = TypeVar("Event", bound=Grouped)


def bounded(events: Sequence[Event], most: int = MOST_GROUPS) -> Sequence[Event]:
    """The events of a window that count for one of the groups that are kept; the same sequence if all are."""
    if sum([len(one.keys) for one in events]) <= most:
        return events
    counts = Counter(key for one in events for key in one.keys)
    if len(counts) <= most:
        return events
    kept = set(sorted(counts, key=lambda key: (-counts[key], _hash(key)))[:most])
    return [one for one in events if not kept.isdisjoint(one.keys)]


def _hash(key: tuple[str, ...]) -> bytes:
    return blake2b(repr(key).encode("utf-8", "backslashreplace"), digest_size=8).digest()
