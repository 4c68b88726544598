"""One scan over several cores: each process maps its pieces of the input to states, which are merged.

The processes are forks, so plans need not be sent to them; what comes back is states, counts and what was
observed. Whatever stands in the way (a format that cannot be cut, a state that cannot be sent, an error in
a process) makes the scan run in one process instead, with the same result.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from podhawk.engine.job import Observed, ScanJob
from podhawk.events.options import InputReport
from podhawk.events.pieces import Piece

WORTH_IT = 24 << 20
"""Below so many bytes a second process costs more than it saves."""
MOST_PIECE = 64 << 20
LEAST_PIECE = 1 << 20


class CutSource(Protocol):
    """A source that can be read in pieces."""

    report: InputReport

    def pieces(self, size: int) -> list[Piece] | None:
        """The input in pieces of whole lines, or None."""


Work = Callable[[Piece, InputReport], None]
Sent = tuple[int, list[Any], list[Observed], InputReport]


def scan_in_parallel(jobs: Sequence[ScanJob], source: CutSource, workers: int, work: Work) -> bool:
    """Map the whole input in `workers` processes; False if it must be done in one, with nothing changed."""
    if workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return False
    pieces = source.pieces(MOST_PIECE)
    if pieces is None or sum(piece.end - piece.start for piece in pieces) < WORTH_IT:
        return False
    total = sum(piece.end - piece.start for piece in pieces)
    finer = source.pieces(max(min(MOST_PIECE, total // (workers * 2) + 1), LEAST_PIECE))
    if not finer or len(finer) < 2:
        return False
    received = _run(jobs, finer, min(workers, len(finer)), work)
    if received is None:
        return False
    lines: dict[str, int] = {}
    for number, states, observed, report in sorted(received, key=lambda one: one[0]):
        path = finer[number].path
        offset = lines.get(path, 0)
        lines[path] = offset + report.lines
        for job, state, seen in zip(jobs, states, observed, strict=True):
            job.absorb(state, seen, offset)
        source.report.absorb(report, offset)
    source.report.files += len({piece.file for piece in finer})
    return True


def _run(jobs: Sequence[ScanJob], pieces: list[Piece], workers: int, work: Work) -> list[Sent] | None:
    """What each piece gave, or None if any process failed."""
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
                received.append(pickle.loads(data))
    for child, ours in children:
        if failed:
            child.terminate()
        ours.close()
        child.join()
    return None if failed or len(received) != len(pieces) else received


def _child(jobs: Sequence[ScanJob], pieces: list[Piece], queue: Any, pipe: Any, work: Work) -> None:
    """Take pieces until there are none; what they gave goes up the pipe, one message a piece."""
    try:
        while True:
            with queue.get_lock():
                number = queue.value
                queue.value += 1
            if number >= len(pieces):
                pipe.send_bytes(b"done")
                break
            report = InputReport()
            for job in jobs:
                job.restart()
            work(pieces[number], report)
            sent: Sent = (number, [job.state for job in jobs], [job.observed for job in jobs], report)
            pipe.send_bytes(pickle.dumps(sent, pickle.HIGHEST_PROTOCOL))
    except BaseException:
        pipe.send_bytes(b"failed")
    finally:
        pipe.close()
        os._exit(0)
