"""One scan over several cores: each process maps its splits of the input to states, which are merged.

The processes are forks, so plans need not be sent to them; what comes back is states, stats and reports. Whatever
stands in the way (a format that cannot be split, a state that cannot be sent, an error in a process) makes the scan run
in one process instead, with the same result.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from podhawk.engine.options import EngineOptions
from podhawk.engine.run.worker_process import end_with_parent, give_up_descriptors
from podhawk.engine.search.collectors import Collector
from podhawk.engine.search.stats import SearchStats
from podhawk.events.options import InputReport
from podhawk.events.source import READ, told_read
from podhawk.events.splits import NotByLine, Split
from podhawk.log import logger
from podhawk.memory import share
from podhawk.runtime import no_copies

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


class SplittableSource(Protocol):
    """A source that can be read in splits."""

    report: InputReport
    unread: bool
    """Whether this is the first time that it is read: only then the report takes account of it."""

    def pieces(self, size: int) -> list[Split] | None:
        """The input in splits of whole lines, or None."""

    def descriptors(self) -> list[int]:
        """The descriptors that a process needs to read splits."""


class Work(Protocol):
    """Maps splits to the states of collectors, which are complete after `settle`."""

    def __call__(self, piece: Split, report: InputReport) -> None: ...
    def settle(self) -> None: ...


Sent = tuple[int, list[Any], list[SearchStats], InputReport]
"""What a split gave: its number, the states of positional collectors (None for any other), stats, its report."""
States = list[tuple[Any, SearchStats]]
"""What all the splits of a process gave each collector (None for a positional one), and the stats of the end."""


def scan_in_parallel(
    collectors: Sequence[Collector], source: SplittableSource, workers: int, work: Work, options: EngineOptions
) -> int:
    """Map the whole input in `workers` processes. Returns the number of splits; 0 if the input must be read in one
    process, with nothing changed."""
    if workers < 2 or not hasattr(os, "fork"):
        return 0
    pieces = source.pieces(options.largest_split)
    total = sum(piece.amount for piece in pieces or ())
    if pieces is None or total < options.parallel_from:
        return 0
    finer = source.pieces(max(min(options.largest_split, total // (workers * 2) + 1), options.smallest_split))
    if not finer or len(finer) < 2:
        return 0
    with no_copies():
        found = _run(collectors, finer, min(workers, len(finer)), work, source.descriptors())
    if found is None:
        logger(__name__).info("a process could not finish: the input is read again, in one process")
        return 0
    received, merged = found
    account = source.report if source.unread else InputReport()
    lines: dict[int, int] = {}
    received.sort(key=lambda one: one[0], reverse=True)
    while received:  # what was merged goes
        number, states, stats, report = received.pop()
        file = finer[number].file
        offset = lines.get(file, 0)
        lines[file] = offset + report.lines
        for collector, state, met in zip(collectors, states, stats, strict=True):
            collector.stats.merge(met, offset)
            if collector.positional:
                collector.merge(state, offset)
        account.absorb(report, offset)
    for ended in merged:
        for collector, (state, met) in zip(collectors, ended, strict=True):
            collector.stats.merge(met, 0)
            if not collector.positional:
                collector.merge(state)
    account.files += len({piece.file for piece in finer})
    return len(finer)


def _run(
    collectors: Sequence[Collector], pieces: list[Split], workers: int, work: Work, descriptors: list[int]
) -> tuple[list[Sent], list[States]] | None:
    """What each split and each process gave, or None if any process failed."""
    # Imported here, because a scan by one process needs neither; before the processes are forked, so that it is done
    # once.
    import multiprocessing
    from multiprocessing.connection import Connection, wait

    from podhawk.engine.wire import load_local

    context = multiprocessing.get_context("fork")
    queue = context.Value("i", 0)
    children = []
    needed = (os.getpid(), descriptors, workers)
    for _ in range(workers):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(collectors, pieces, queue, theirs, work, needed), daemon=True)
        child.start()
        theirs.close()
        children.append((child, ours))
    received: list[Sent] = []
    merged: list[States] = []
    failed = False
    open_pipes = [ours for _, ours in children]
    try:
        while open_pipes and not failed:
            for pipe in wait(open_pipes):
                assert isinstance(pipe, Connection)
                try:
                    data = pipe.recv_bytes()
                except (EOFError, OSError):  # a worker that was killed, in the middle of a message too
                    data = b"failed"
                if data == b"failed":
                    failed = True
                elif data == b"done":
                    open_pipes.remove(pipe)
                else:
                    sent = load_local(data)
                    (received if isinstance(sent, tuple) else merged).append(sent)
                    if isinstance(sent, tuple):
                        told_read(pieces[sent[0]].stored)
    finally:
        for child, ours in children:
            if open_pipes:  # a process failed, or this one is interrupted
                child.terminate()
            ours.close()
            child.join()
    return None if failed or len(received) != len(pieces) else (received, merged)


def _child(
    collectors: Sequence[Collector],
    pieces: list[Split],
    queue: Any,
    pipe: Connection,
    work: Work,
    needed: tuple[int, list[int], int],
) -> None:
    """Take splits until there are none. What each gave is sent at once; states without positions go on from split to
    split and are sent at the end. `needed` is the number of the parent process, the descriptors of the input and the
    number of processes."""
    try:
        parent, descriptors, processes = needed
        READ.set(None)  # the parent tells what was read
        end_with_parent(parent)
        give_up_descriptors([pipe.fileno(), *descriptors])
        share(processes)
        for collector in collectors:
            collector.clear()
        while True:
            with queue.get_lock():
                number = queue.value
                queue.value += 1
            for collector in collectors:
                collector.stats.restart(collector.search.expected)
                if collector.positional:
                    collector.clear()
            if number >= len(pieces):
                work.settle()
                _send(pipe, [(None if one.positional else one.state, one.stats) for one in collectors])
                pipe.send_bytes(b"done")
                break
            report = InputReport()
            work(pieces[number], report)
            sent: Sent = (
                number,
                [one.state if one.positional else None for one in collectors],
                [one.stats for one in collectors],
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
    from podhawk.engine.wire import dump_local

    pipe.send_bytes(dump_local(sent))
