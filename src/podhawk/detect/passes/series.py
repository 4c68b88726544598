"""Passes over series in an increment, as functions of their rows.

Each gets the rows that findings of the increment have now (`added`) and had before (`removed`), asks the state for the
rows near them, and returns two things: what it says of each added row, and the known findings of which it says
something else now. A run without a state has all findings at hand and needs no rows: the passes themselves go by the
same keys, in `podhawk.detect.noise` and `podhawk.detect.rank`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from podhawk.detect.increment.kept import KeptFindings, SeriesName, SeriesRow
from podhawk.detect.noise.habit import DAY, ENOUGH

CHUNK: Final = 100
"""Rows of a chain that are looked at together."""


def by_key(rows: Iterable[SeriesRow]) -> dict[str, list[SeriesRow]]:
    """Rows by key, in order."""
    found: defaultdict[str, list[SeriesRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.position):
        found[row.key].append(row)
    return dict(found)


def firsts(rows: Iterable[SeriesRow]) -> dict[str, SeriesRow]:
    """The first row of each key."""
    return {key: own[0] for key, own in by_key(rows).items()}


def habits(rows: Sequence[SeriesRow]) -> dict[str, bool]:
    """Whether each row of one key has enough rows before it within a day, by finding."""
    seen: deque[float] = deque()
    found = {}
    for row in rows:
        while seen and seen[0] < row.time - DAY:
            seen.popleft()
        found[row.finding_id] = len(seen) >= ENOUGH
        seen.append(row.time)
    return found


def first_with(
    kept: KeptFindings, series: SeriesName, added: Sequence[SeriesRow], removed: Sequence[SeriesRow]
) -> tuple[dict[str, SeriesRow], dict[str, bool]]:
    """The first row of each key of `added`, and the known findings that became the first of their series, or no longer
    are."""
    new, old = firsts(added), firsts(removed)
    known = {row.key: row for row in kept.firsts(series, {*new, *old})}
    first = {}
    flips = {}
    for key in {*new, *old}:
        others = [row for row in (new.get(key), known.get(key)) if row is not None]
        if key in new:
            first[key] = min(others, key=lambda row: row.position)
        row = known.get(key)
        if row is None:
            continue
        is_first = key not in new or row.position < new[key].position
        was_first = key not in old or row.position < old[key].position
        if is_first is not was_first:
            flips[row.finding_id] = is_first
    return first, flips


def moved_with(
    kept: KeptFindings, series: SeriesName, added: Sequence[SeriesRow], removed: Sequence[SeriesRow]
) -> tuple[dict[str, str], dict[str, str]]:
    """The value of the first row of each key of `added`, and the known findings for which that value changes, with the
    new one ("" where it is their own)."""
    new, old = firsts(added), firsts(removed)
    known = {row.key: row for row in kept.firsts(series, {*new, *old})}

    def value(key: str, changed: Mapping[str, SeriesRow]) -> str | None:
        rows = [row for row in (changed.get(key), known.get(key)) if row is not None]
        return min(rows, key=lambda row: row.position).value if rows else None

    home = {key: value(key, new) for key in {*new, *old}}
    flips = {
        row.finding_id: "" if row.value == home[row.key] else str(home[row.key])
        for row in kept.rows(series, [key for key in known if home[key] != value(key, old)])
    }
    return {key: str(home[key]) for key in new}, flips


def habits_with(
    kept: KeptFindings, added: Sequence[SeriesRow], removed: Sequence[SeriesRow]
) -> tuple[dict[str, bool], dict[str, bool]]:
    """Which rows of `added` are habits, and the known findings that became one, or no longer are. A row changes the
    verdict of the next `ENOUGH` rows at most."""
    new = by_key(added)
    places = {row[:3]: row for row in removed}
    moved = [row for row in added if places.pop(row[:3], None) is None] + list(places.values())
    after = kept.after("habit", moved, ENOUGH)
    earliest = [rows[0] for rows in by_key([*added, *moved]).values()]
    mixed = {row.key for row in kept.after("habit", earliest, 1)}
    asked = [row for row in (*added, *moved) if row.key in mixed]
    before = kept.before("habit", [*earliest, *asked], ENOUGH)
    context = {row.finding_id: row for row in (*after, *before)}
    verdicts: dict[str, bool] = {}
    for rows in by_key([*context.values(), *added]).values():
        verdicts.update(habits(rows))
    flips = {
        row.finding_id: verdicts[row.finding_id] for row in after if verdicts[row.finding_id] is not (row.value == "1")
    }
    return {row.finding_id: verdicts[row.finding_id] for rows in new.values() for row in rows}, flips


def quiet_value(quiet: bool, period: float) -> str:
    """What a row of throttling says: whether the finding stays quiet, and for how long it quiets others."""
    return f"{quiet:d} {period:g}"


def _period(row: SeriesRow) -> float:
    return float(row.value.split(" ")[1])


def chains_with(
    kept: KeptFindings, added: Sequence[SeriesRow], removed: Sequence[SeriesRow]
) -> tuple[dict[str, bool], dict[str, bool]]:
    """Which rows of `added` are throttled, and the known findings that became so, or no longer are. Each chain is
    played again from the first change until it is as it was."""
    verdicts: dict[str, bool] = {}
    flips: dict[str, bool] = {}
    new, old = by_key(added), by_key(removed)
    for key in {*new, *old}:
        changed = sorted([*new.get(key, ()), *old.get(key, ())], key=lambda row: row.position)
        anchor = _anchor(kept, changed[0])
        until = anchor.time + _period(anchor) if anchor is not None else float("-inf")
        waiting = list(new.get(key, ()))
        place = changed[0]
        while True:
            known = sorted(kept.after("throttling", [place], CHUNK), key=lambda row: row.position)
            end = known[-1].position if len(known) == CHUNK else (float("inf"), "")
            rows = sorted([*known, *(row for row in waiting if row.position <= end)], key=lambda row: row.position)
            waiting = [row for row in waiting if row.position > end]
            ids = {row.finding_id for row in known}
            for row in rows:
                quiet = row.time < until
                was_loud = row.finding_id in ids and row.value.startswith("0")
                if row.finding_id not in ids:
                    verdicts[row.finding_id] = quiet
                elif quiet is was_loud:
                    flips[row.finding_id] = quiet
                if not quiet:
                    until = row.time + _period(row)
                    if was_loud and row.position > changed[-1].position:
                        known = []  # from here on it is as it was
                        break
            if len(known) < CHUNK:
                break
            place = known[-1]
    return verdicts, flips


def _anchor(kept: KeptFindings, place: SeriesRow) -> SeriesRow | None:
    """The last row before a place that is not throttled."""
    while True:
        rows = sorted(kept.before("throttling", [place], CHUNK), key=lambda row: row.position, reverse=True)
        loud = next((row for row in rows if row.value.startswith("0")), None)
        if loud is not None or len(rows) < CHUNK:
            return loud
        place = rows[-1]
