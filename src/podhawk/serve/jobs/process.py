"""The process of jobs: `python -m podhawk.serve.jobs.process`.

The server starts it when a search over the whole input is due, or a backfill is to be done. It gets the settings as a
line of JSON, says when it is needed again, and ends. It has less priority than the evaluator, and may take only so much
memory and time; what it has begun and not ended is tried again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import sys
import time
from typing import Final

import msgspec
from msgspec import Struct, field

from podhawk.detect.passes.increment import digest_of
from podhawk.errors import PodhawkError
from podhawk.log import logger
from podhawk.serve.changes import make_tables as make_change_table
from podhawk.serve.evaluator.process import Order
from podhawk.serve.jobs.backfill import run_backfills
from podhawk.serve.jobs.content import JobContent
from podhawk.serve.jobs.kept import make_job_tables, pending
from podhawk.serve.jobs.scheduled import run_due
from podhawk.serve.logs import log_as_json
from podhawk.store.begin import policies_of

_NICE: Final = 10
_LOCK: Final = "jobs.lock"
_WAIT: Final = 10.0
"""Seconds before the policies are compared again. Findings are evaluated by one set of policies at a time."""


class JobOrder(Struct):
    """What the process is told: the settings, how many days are backfilled, and what it may take: bytes of memory, and
    seconds after which it begins nothing more."""

    order: Order
    days: float
    memory: int
    seconds: float


class JobsDone(Struct):
    """What the process says: when a search is due next, how many jobs failed, how many changes of findings were
    committed, and which backfills can go on only when the content is another one."""

    due: float | None = None
    failed: int = 0
    changed: int = 0
    waiting: list[str] = field(default_factory=list)


def do_jobs(order: JobOrder) -> JobsDone:
    """Run what is due, and go on with backfills."""
    until = time.monotonic() + order.seconds
    jobs = JobContent.read(order.order.settings())
    make_job_tables(jobs.state)
    make_change_table(jobs.state)
    known = policies_of(jobs.state)
    if known is not None and known != digest_of(jobs.policies):
        logger(__name__).info("jobs over the lake wait: the evaluator has not taken over the policies yet")
        return JobsDone(time.time() + _WAIT, waiting=[one.detection_id for one in pending(jobs.state)])
    due, failed = run_due(jobs, time.time())
    done = run_backfills(jobs, order.days, until)
    return JobsDone(due, failed + done.failed, jobs.changed, done.waiting)


def main() -> int:
    """Do what standard input says."""
    log_as_json()
    os.nice(_NICE)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=JobOrder)
    resource.setrlimit(resource.RLIMIT_AS, (order.memory, order.memory))
    with open(f"{order.order.values['state']}/{_LOCK}", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of a server that was killed may still be at work
        try:
            done = do_jobs(order)
        except PodhawkError as error:
            logger(__name__).error("jobs over the lake cannot run: %s", error)
            done = JobsDone(failed=1)
    with contextlib.suppress(BrokenPipeError):  # the server is gone
        os.write(sys.stdout.fileno(), msgspec.json.encode(done) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
