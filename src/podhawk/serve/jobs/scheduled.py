"""Searches over the whole input (`append`, `join`, subsearches …), each on its cron over the lake.

An increment would show them a few events only. They run when their cron says so, over the span of their deployment. If
the service was away at such a moment, the last one is made up for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from cronsim import CronSim
from msgspec import Struct
from msgspec.structs import replace

from podhawk.api import inputs_for
from podhawk.detect.evaluate.pipeline import is_whole
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.evaluate.windows import Schedule, schedule_of
from podhawk.engine.run.files import FileSource
from podhawk.engine.run.source import TimeRange
from podhawk.errors import NoEventsError
from podhawk.events.paths import STORED
from podhawk.log import logger
from podhawk.serve.jobs.content import JobContent, key_of
from podhawk.serve.jobs.kept import MOST_ATTEMPTS, last_runs, note_run
from podhawk.store.database import open_engine, transaction

_LONGEST_BACK: Final = 32 * 86400.0
"""Seconds that missed moments are looked for."""


class Due(Struct, frozen=True):
    """A search that is to run, at which moment, and when it ran last."""

    prepared: Prepared
    schedule: Schedule
    at: float
    attempts: int


def run_due(jobs: JobContent, now: float) -> tuple[float | None, int]:
    """Run what is due; gives when something is due next, if anything ever is, and how many have failed."""
    every = jobs.prepared(jobs.now())
    wholes = [one for one in every if is_whole(one)]
    failed = 0
    for due in _due(jobs, wholes, now):
        failed += not _run(jobs, due, now)
    moments = [_next(_schedule(jobs, one), now) for one in wholes]
    return min(moments, default=None), failed


def _due(jobs: JobContent, wholes: Sequence[Prepared], now: float) -> Iterator[Due]:
    known = last_runs(jobs.state)
    for one in wholes:
        last, attempts = known.get(key_of(one), (None, 0))
        schedule = _schedule(jobs, one)
        if last is None:
            _note(jobs, key_of(one), now)
            continue
        at = _latest(schedule, max(last, now - _LONGEST_BACK), now)
        if at is None:
            continue
        if attempts >= MOST_ATTEMPTS:
            logger(__name__).error("%s did not end %d times; it is left out once", one.detection.name, attempts)
            _note(jobs, key_of(one), at)
            continue
        yield Due(one, schedule, at, attempts)


def _run(jobs: JobContent, due: Due, now: float) -> bool:
    """Run a search for one moment; gives whether it could be."""
    key, last = key_of(due.prepared), last_runs(jobs.state)[key_of(due.prepared)][0]
    _note(jobs, key, last, due.attempts + 1)
    window = due.schedule.window(due.at)
    session = replace(jobs.session, now=due.at, within=TimeRange(window.start, window.end))
    every = jobs.prepared(session)
    chosen = next(one for one in every if key_of(one) == key)
    try:
        with (
            inputs_for([f"{STORED}{jobs.state}"], session, keep=True) as inputs,
            FileSource(inputs, session.reading, keep=True) as source,
        ):
            inputs.files  # noqa: B018 - opens them
            found = jobs.find(chosen, every, source, session, partial(note_run, detection_id=key, last_run=due.at))
            for path, gap in inputs.gaps.items():
                logger(__name__).warning("not all of the lake was read: %s", gap.text(path))
            name = due.prepared.detection.name
            logger(__name__).info("%s has run over the lake: %d findings", name, len(found.findings))
    except NoEventsError:
        _note(jobs, key, due.at)
    except Exception as error:
        logger(__name__).error("%s failed over the lake", due.prepared.detection.name, exc_info=error)
        return False
    return True


def _note(jobs: JobContent, key: str, last_run: float, attempts: int = 0) -> None:
    with transaction(open_engine(jobs.state)) as connection:
        note_run(connection, key, last_run, attempts)


def _schedule(jobs: JobContent, one: Prepared) -> Schedule:
    return schedule_of(jobs.content.deployment_for(one.detection), jobs.session.zone)


def _latest(schedule: Schedule, after: float, now: float) -> float | None:
    """The last moment of a cron that is later than one time and not later than another."""
    found = None
    for moment in CronSim(schedule.cron, datetime.fromtimestamp(after, schedule.zone)):
        if moment.timestamp() > now:
            return found
        found = moment.timestamp()
    return found


def _next(schedule: Schedule, now: float) -> float:
    return next(CronSim(schedule.cron, datetime.fromtimestamp(now, schedule.zone))).timestamp()
