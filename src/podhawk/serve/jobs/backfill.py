"""Backfill: a detection that is new, or has changed, is evaluated over the lake.

The position of the evaluator stays where it is. A backfill has one of its own, which is written with what it finds; it
reads a few thousand events at a time, so that the evaluator can write between two of them. What it finds has the ids
that it would have had, so events that the evaluator sees too count once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.detect.evaluate.pipeline import is_whole, reads_risk
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.events.inputfile import Input
from podhawk.events.partition import cluster_of
from podhawk.events.paths import ListedFile
from podhawk.log import logger
from podhawk.serve.evaluator.loaded import own_detections
from podhawk.serve.evaluator.source import InboxSource, LineSample
from podhawk.serve.jobs.content import JobContent, key_of
from podhawk.serve.jobs.kept import Backfill, given_up, note_backfill, note_known, note_since, pending
from podhawk.store.database import open_engine, transaction
from podhawk.store.keys import column_text
from podhawk.store.lake import HOUR, SEALED, LakeFile, Manifest
from podhawk.store.stored_events import consistent

_ALL: Final = -1
"""The number of lines of a file that was read to its end."""
LINES: Final = 5000
"""Events that are evaluated and written at once."""


class BackfillsDone(Struct):
    """How many backfills failed, and the keys of those that wait: their detections are not in the content now, or
    cannot run. While a file is broken in an editor, the evaluator goes on with what it has; so they are not ended."""

    failed: int = 0
    waiting: list[str] = field(default_factory=list)


def run_backfills(jobs: JobContent, days: float, until: float) -> BackfillsDone:
    """Go on with the backfills until a moment of the monotonic clock. Events that were received more than so many days
    ago are left out."""
    note_known(jobs.state)
    done = BackfillsDone()
    own = {key_of(one) for one in own_detections(jobs.settings, jobs.session)}
    every = jobs.prepared(jobs.now())
    by_key = {key_of(one): one for one in every}
    _give_up(jobs)  # the last attempt may have ended its process
    for one in pending(jobs.state):
        chosen = by_key.get(one.detection_id)
        if days <= 0 or one.detection_id in own or (chosen is not None and _needs_none(chosen)):
            _note(jobs, one, time.time())
            continue
        if chosen is None or chosen.request is None:
            done.waiting.append(one.detection_id)
            continue
        try:
            if not _backfill(jobs, replace(one, attempts=one.attempts + 1), chosen, every, days, until):
                return done
        except Exception as error:
            logger(__name__).error("the backfill of %s failed", chosen.detection.name, exc_info=error)
            done.failed += 1
    _give_up(jobs)
    return done


def _give_up(jobs: JobContent) -> None:
    """Say, once, which backfills are given up."""
    names = {column_text(one.key, 255): one.name for one in jobs.chosen}
    for one in given_up(jobs.state):
        name = names.get(one.detection_id, one.detection_id)
        logger(__name__).error("the backfill of %s is given up: it was begun %d times", name, one.attempts)
        _note(jobs, one, time.time())


def _needs_none(chosen: Prepared) -> bool:
    """Whether a detection runs over the lake anyway, or reads no events."""
    return chosen.request is not None and (is_whole(chosen) or reads_risk(chosen))


def _backfill(
    jobs: JobContent, one: Backfill, chosen: Prepared, every: list[Prepared], days: float, until: float
) -> bool:
    """Go on with one backfill; gives whether it is done."""
    _note(jobs, one)
    oldest = (time.time() - days * 86400) // HOUR
    sample = LineSample()
    while True:
        left = _left(Manifest(jobs.state).files(SEALED), one, oldest)
        if not left:
            files, waiting = consistent(jobs.state)
            if not _left(files, one, oldest):
                break
            for each in waiting:
                each.close()
            continue
        file = left[0]
        start = one.line if file.first == one.first else 0
        for number, lines, last in _chunks(_of_lake(jobs.state, file), start):
            one = replace(one, first=file.first, line=_ALL if last else number, attempts=0)
            _evaluate(jobs, one, chosen, every, file.cluster, file.name, lines, sample)
            if time.monotonic() > until:
                return False
    for each in waiting:
        cluster = cluster_of(each.path) or ""
        for number, lines, _ in _chunks(each, 0):
            _evaluate(jobs, one, chosen, every, cluster, f"{each.path}/{number}", lines, sample)
        each.close()
    times = [file.first_time for file in Manifest(jobs.state).files(SEALED) if file.hour >= oldest]
    known = [moment for moment in times if moment is not None]
    with transaction(open_engine(jobs.state)) as connection:
        note_backfill(connection, one, time.time())
        if known:
            note_since(connection, one.detection_id, min(known))
    logger(__name__).info("%s was evaluated over the lake", chosen.detection.name)
    return True


def _left(files: list[LakeFile], one: Backfill, oldest: float) -> list[LakeFile]:
    """The files that a backfill has still to read, in the order in which their events came."""
    return sorted(
        (
            file
            for file in files
            if file.hour >= oldest and (file.first > one.first or (file.first == one.first and one.line != _ALL))
        ),
        key=lambda file: file.first,
    )


def _evaluate(
    jobs: JobContent,
    one: Backfill,
    chosen: Prepared,
    every: list[Prepared],
    cluster: str,
    name: str,
    lines: list[bytes],
    sample: LineSample,
) -> None:
    if not lines:
        _note(jobs, one)
        return
    session = jobs.now()
    reading = replace(session.reading, cluster=cluster)
    with InboxSource(name, b"".join(line + b"\n" for line in lines), reading, sample) as source:
        jobs.find(chosen, every, source, session, partial(note_backfill, one=one), backfill=True)


def _of_lake(state: str, file: LakeFile) -> Input:
    found = Input(ListedFile(str(Manifest(state).folder / file.name), True))
    found.open()
    return found


def _chunks(file: Input, start: int) -> Iterator[tuple[int, list[bytes], bool]]:
    """The lines of a file in chunks, after so many of them: the number of the last line of each, the lines, and whether
    there are no more. A file without lines has one empty chunk."""
    lines: list[bytes] = []
    number, carry = 0, b""
    for block in file.blocks():
        *whole, carry = (carry + block).split(b"\n")
        for line in whole:
            number += 1
            if number > start:
                lines.append(line)
            if len(lines) > LINES:
                yield number - 1, lines[:LINES], False
                lines = lines[LINES:]
    yield number, lines, True
    file.close()


def _note(jobs: JobContent, one: Backfill, ended: float | None = None) -> None:
    with transaction(open_engine(jobs.state)) as connection:
        note_backfill(connection, one, ended)
