"""Tests in several processes, each with the content already loaded."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from podhawk.engine.run.worker_process import end_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")
_WORK: list[Callable[[Any], Any]] = []


def mapped(work: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """The results in the order of the items, as they come. With one job, or where processes cannot be forked, in this
    process."""
    if jobs < 2 or len(items) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, items)
        return
    # Forks inherit the work, so that content need not be sent to them.
    _WORK.append(work)
    try:
        with multiprocessing.get_context("fork").Pool(min(jobs, len(items)), end_with_parent, (os.getpid(),)) as pool:
            yield from pool.imap(_run, items)
    finally:
        _WORK.pop()


def _run(item: Any) -> Any:
    return _WORK[-1](item)
