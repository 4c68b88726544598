"""Where the time of a run goes, and how much of the input each part looked at (`--profile`).

A profile is active for a run in one process; without one nothing is measured. It has an entry for each scan of the
input (which path it took and why, which literals stand for each search and how many lines passed) and the
seconds that each search spent in each of its stages.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from msgspec import Struct, field

ACTIVE: Final[ContextVar[Profile | None]] = ContextVar("podhawk_profile", default=None)


class SearchProfile(Struct, frozen=True):
    """One search in a scan: its literals, the lines that the prefilter selected for them, the events that matched."""

    name: str
    literals: str
    selected: int
    matched: int


class ScanProfile(Struct, frozen=True):
    """One scan of the input. `splits` is 0 where one process read it as a whole; of a scan by several processes it is
    not known which lines took the fast path."""

    path: str
    why: str
    seconds: float
    searches: tuple[SearchProfile, ...]
    splits: int = 0
    fast_lines: int = 0
    """Lines that the fast path took."""
    rows_filtered: int = 0
    """Combinations of values for which a row filter ran the stages of a search."""


class Profile(Struct):
    """What was measured: scans, and seconds by search and stage."""

    scans: list[ScanProfile] = field(default_factory=list)
    stages: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))

    def lines(self) -> Iterator[str]:
        """The profile as text."""
        for number, scan in enumerate(self.scans, 1):
            yield f"scan {number}: {scan.seconds * 1000:,.0f} ms, {scan.path} ({scan.why})"
            for one in sorted(scan.searches, key=lambda one: -one.selected):
                yield (
                    f"  {one.selected:>10,} lines passed the prefilter, {one.matched:>8,} events matched  "
                    f"{one.name}: {one.literals}"
                )
        totals: Counter[str] = Counter()
        for (name, _), seconds in self.stages.items():
            totals[name] += seconds  # type: ignore[assignment]
        for name, _ in totals.most_common():
            parts = ", ".join(
                f"{stage} {seconds * 1000:,.1f}"
                for (owner, stage), seconds in sorted(self.stages.items())
                if owner == name
            )
            yield f"  {totals[name] * 1000:>10,.1f} ms  {name}: {parts}"


@contextmanager
def profiling() -> Iterator[Profile]:
    """A profile that is active within the block."""
    made = Profile()
    token = ACTIVE.set(made)
    try:
        yield made
    finally:
        ACTIVE.reset(token)


@contextmanager
def timed(name: str, stage: str) -> Iterator[None]:
    """Charge the time of the block to a stage of a search, if a profile is active."""
    profile = ACTIVE.get()
    if profile is None:
        yield
        return
    started = time.perf_counter()
    try:
        yield
    finally:
        profile.stages[name, stage] += time.perf_counter() - started
