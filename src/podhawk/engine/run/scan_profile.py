"""Where the time of a run goes, and how much of the input each part looked at (`--profile`).

A profile is active for a run in one process; without one nothing is measured. It says which way the scan took and why,
what literals stand for each search and how many lines these let through, and the seconds of each search and stage.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from msgspec import Struct, field

from podhawk.wording import counted

if TYPE_CHECKING:
    from podhawk.engine.prefilter.prefilter import Sieve
    from podhawk.engine.search.compiled import ScanJob

ACTIVE: ContextVar[Profile | None] = ContextVar("podhawk_profile", default=None)


class ScanProfile(Struct):
    """One reading of the input: which way, why, how long; for each search its literals and the lines let through."""

    way: str
    why: str
    seconds: float = 0.0
    searches: list[tuple[str, str, int, int]] = field(default_factory=list)
    """Name, literals, lines that these let through, events that matched."""


class Profile(Struct):
    """What was measured: readings, and seconds by search and stage."""

    scans: list[ScanProfile] = field(default_factory=list)
    stages: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))

    def lines(self) -> Iterator[str]:
        """The profile, for people."""
        for number, scan in enumerate(self.scans, 1):
            yield f"scan {number}: {scan.seconds * 1000:,.0f} ms, {scan.way} ({scan.why})"
            for name, literals, passed, matched in sorted(scan.searches, key=lambda one: -one[2]):
                yield f"  {passed:>10,} lines passed the prefilter, {matched:>8,} events matched  {name}: {literals}"
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
    """Charge the block's time to a search and stage, where a profile is active."""
    profile = ACTIVE.get()
    if profile is None:
        yield
        return
    started = time.perf_counter()
    try:
        yield
    finally:
        profile.stages[name, stage] += time.perf_counter() - started


@contextmanager
def scanned(jobs: Sequence[ScanJob], sieve: Sieve | None, quick: bool) -> Iterator[None]:
    """Note one reading of the input."""
    profile = ACTIVE.get()
    if profile is None:
        yield
        return
    started = time.perf_counter()
    try:
        yield
    finally:
        way = ("prefilter, then " if sieve is not None else "") + ("fast path" if quick else "slow path")
        profile.scans.append(
            ScanProfile(
                way,
                _why(jobs, sieve, quick),
                time.perf_counter() - started,
                [
                    (name_of(job), _literals(number, sieve), _passed(number, sieve), job.observed.matched)
                    for number, job in enumerate(jobs)
                ],
            )
        )


def name_of(job: ScanJob) -> str:
    """What a job's search is called."""
    source = job.plan.pipeline.source
    return (source.name or "search").removesuffix(": search").rpartition("/")[2]


def _why(jobs: Sequence[ScanJob], sieve: Sieve | None, quick: bool) -> str:
    from podhawk.engine.fastpath.reader import needed
    from podhawk.engine.prefilter.literals import groups_of

    parts = []
    if sieve is None:
        free = [name_of(job) for job in jobs if job.selects_native and not groups_of(job.base)]
        parts.append(
            f"{free[0]} has no literal that every matching line must contain"
            if free
            else "the prefilter does not apply to this input"
        )
    else:
        parts.append(f"{counted(len(jobs), 'search', 'searches')} in {counted(len(sieve.kinds), 'group')}")
    slow = [name_of(job) for job in jobs if needed(job) is None]
    if slow:
        parts.append(f"{slow[0]} needs every field of an event" + (" that its clause matches" if quick else ""))
    elif not quick:
        parts.append("the input format needs the slow path")
    return "; ".join(parts)


def _literals(number: int, sieve: Sieve | None) -> str:
    if sieve is None:
        return "every line"
    kind = next(one for one in sieve.kinds if number in one.searches)
    groups = ("|".join(literal.text or "not the usual start of an event" for literal in group) for group in kind.chosen)
    return " and ".join(groups) or "every line"


def _passed(number: int, sieve: Sieve | None) -> int:
    return 0 if sieve is None else sieve.passed(number)
