"""What a scan tells the profile: the path it took, and why."""

from __future__ import annotations

from collections.abc import Sequence

from podhawk.engine.fastpath.reader import FastPath, needed_fields
from podhawk.engine.prefilter.literals import groups_of
from podhawk.engine.prefilter.prefilter import Prefilter
from podhawk.engine.profile import ScanProfile, SearchProfile
from podhawk.engine.search.collectors import Collector
from podhawk.wording import counted


def scan_profile(
    collectors: Sequence[Collector],
    prefilter: Prefilter | None,
    fast_path: FastPath | None,
    seconds: float,
    splits: int,
) -> ScanProfile:
    """The profile of a scan, after it."""
    path = ("prefilter, then " if prefilter is not None else "") + ("fast path" if fast_path else "slow path")
    return ScanProfile(
        path,
        _why(collectors, prefilter, fast_path is not None),
        seconds,
        tuple(
            SearchProfile(
                one.search.name,
                prefilter.described(number) if prefilter is not None else "every line",
                prefilter.selected_for(number) if prefilter is not None else 0,
                one.stats.matched,
            )
            for number, one in enumerate(collectors)
        ),
        splits,
        fast_path.lines if fast_path is not None else 0,
        fast_path.rows_filtered if fast_path is not None else 0,
    )


def _why(collectors: Sequence[Collector], prefilter: Prefilter | None, fast: bool) -> str:
    parts = []
    if prefilter is None:
        searches = [one.search for one in collectors]
        free = [one.name for one in searches if one.selects_native and not groups_of(one.clause)]
        parts.append(
            f"{free[0]} has no literal that every matching line must contain"
            if free
            else "no prefilter: Hyperscan is not installed"
        )
    else:
        parts.append(f"{counted(len(collectors), 'search', 'searches')} in {counted(len(prefilter.kinds), 'group')}")
    slow = [one.search.name for one in collectors if needed_fields(one) is None]
    if slow:
        parts.append(f"{slow[0]} needs every field of an event" + (" that its clause matches" if fast else ""))
    elif not fast:
        parts.append("the input format needs the slow path")
    return "; ".join(parts)
