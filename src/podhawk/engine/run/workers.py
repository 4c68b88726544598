"""One scan over several cores: each process maps its pieces of the input to states, which are merged.

The processes are forks, so plans need not be sent to them; what comes back is states, counts and what was
observed. Whatever stands in the way (a format that cannot be cut, a state that cannot be sent, an error in
a process) makes the scan run in one process instead, with the same result.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from podhawk.engine.search.compiled import Observed, ScanJob
from podhawk.events.options import InputReport
from podhawk.events.pieces import NotByLine, Piece
from podhawk.log import logger

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

WORTH_IT = 24 << 20
"""Below so many bytes a second process costs more than it saves."""
MOST_PIECE = 64 << 20
LEAST_PIECE = 1 << 20


class CutSource(Protocol):
    """A source that can be read in pieces."""

    report: InputReport

    def pieces(self, size: int) -> list[Piece] | None:
        """The input in pieces of whole lines, or None."""


class Work(Protocol):
    """Maps pieces to the states of jobs, which are complete after `settle`."""

    def __call__(self, piece: Piece, report: InputReport) -> None: ...
    def settle(self) -> None: ...


Sent = tuple[int, list[Any], list[Observed], InputReport]
"""What a piece gave: its number, states of jobs that are placed (None for any other), what was observed, its report."""
States = list[tuple[Any, Observed]]
"""What all the pieces that a process took gave jobs (a state of None for those that are placed), and what was observed
in the end."""


def scan_in_parallel(jobs: Sequence[ScanJob], source: CutSource, workers: int, work: Work) -> bool:
    """Map the whole input in `workers` processes; False if it must be done in one, with nothing changed."""
    if workers < 2 or not hasattr(os, "fork"):
        return False
    pieces = source.pieces(MOST_PIECE)
    if pieces is None or sum(piece.end - piece.start for piece in pieces) < WORTH_IT:
        return False
    total = sum(piece.end - piece.start for piece in pieces)
    finer = source.pieces(max(min(MOST_PIECE, total // (workers * 2) + 1), LEAST_PIECE))
    if not finer or len(finer) < 2:
        return False
    found = _run(jobs, finer, min(workers, len(finer)), work)
    if found is None:
        logger(__name__).info("a process could not finish: the input is read again, in one process")
        return False
    received, merged = found
    lines: dict[int, int] = {}
    for number, states, observed, report in sorted(received, key=lambda one: one[0]):
        file = finer[number].file
        offset = lines.get(file, 0)
        lines[file] = offset + report.lines
        for job, state, seen in zip(jobs, states, observed, strict=True):
            job.observed.absorb(seen, offset)
            if job.placed:
                job.absorb_state(state, offset)
        source.report.absorb(report, offset)
    for states in merged:
        for job, (state, seen) in zip(jobs, states, strict=True):
            job.observed.absorb(seen, 0)
            if not job.placed:
                job.absorb_state(state)
    source.report.files += len({piece.file for piece in finer})
    return True


def _run(
    jobs: Sequence[ScanJob], pieces: list[Piece], workers: int, work: Work
) -> tuple[list[Sent], list[States]] | None:
    """What each piece and each process gave, or None if any process failed."""
    import multiprocessing
    from multiprocessing.connection import Connection, wait

    context = multiprocessing.get_context("fork")
    queue = context.Value("i", 0)
    children = []
    for _ in range(workers):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(jobs, pieces, queue, theirs, work), daemon=True)
        child.start()
        theirs.close()
        children.append((child, ours))
    received: list[Sent] = []
    merged: list[States] = []
    failed = False
    open_pipes = [ours for _, ours in children]
    while open_pipes and not failed:
        for pipe in wait(open_pipes):
            assert isinstance(pipe, Connection)
            try:
                data = pipe.recv_bytes()
            except EOFError:
                data = b"failed"
            if data == b"failed":
                failed = True
            elif data == b"done":
                open_pipes.remove(pipe)
            else:
                sent = pickle.loads(data)
                (received if isinstance(sent, tuple) else merged).append(sent)
    for child, ours in children:
        if failed:
            child.terminate()
        ours.close()
        child.join()
    return None if failed or len(received) != len(pieces) else (received, merged)


def _child(jobs: Sequence[ScanJob], pieces: list[Piece], queue: Any, pipe: Connection, work: Work) -> None:
    """Take pieces until there are none; what they gave goes up the pipe, one message a piece. States that know no
    places go on from piece to piece, and up the pipe once."""
    try:
        for job in jobs:
            job.restart()
        while True:
            with queue.get_lock():
                number = queue.value
                queue.value += 1
            if number >= len(pieces):
                for job in jobs:
                    job.restart(going_on=True)
                work.settle()
                _send(pipe, [(None if job.placed else job.state, job.observed) for job in jobs])
                pipe.send_bytes(b"done")
                break
            report = InputReport()
            for job in jobs:
                job.restart(going_on=not job.placed)
            work(pieces[number], report)
            sent: Sent = (
                number,
                [job.state if job.placed else None for job in jobs],
                [job.observed for job in jobs],
                report,
            )
            _send(pipe, sent)
    except BaseException as error:
        unexpected = isinstance(error, Exception) and not isinstance(error, NotByLine)
        logger(__name__).log(30 if unexpected else 20, "a process gives up: %r", error, exc_info=unexpected)
        pipe.send_bytes(b"failed")
    finally:
        pipe.close()
        os._exit(0)


def _send(pipe: Connection, sent: Sent | States) -> None:
    pipe.send_bytes(pickle.dumps(sent, pickle.HIGHEST_PROTOCOL))
