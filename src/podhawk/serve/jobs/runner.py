"""Starts the process of jobs when it is needed: at the start, when a search is due, and while backfills are pending."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec

from podhawk.log import logger
from podhawk.serve.children import Child
from podhawk.serve.evaluator.process import Order, order_of
from podhawk.serve.jobs.kept import pending
from podhawk.serve.jobs.process import JobOrder, JobsDone
from podhawk.settings.resolve import Settings

LOOK: Final = 5.0
"""Seconds between looks whether there is something to do."""
AGAIN: Final = 600.0
"""Seconds after which the process is started though nothing is known to be due: content may have changed."""
MEMORY: Final = 8 << 30
"""Bytes of address space that the process may take. What is mapped and not used counts too."""
SECONDS: Final = 120.0
"""After so many seconds the process begins no more backfills; scheduled searches get their turn."""
_LONGEST: Final = 1800.0
"""Seconds after which the process is ended."""
_PAUSE: Final = 30.0
"""Seconds after a failure."""


class JobRunner:
    """Starts the process, one at a time."""

    def __init__(self, settings: Settings, days: float) -> None:
        self.failures = 0
        """Jobs that failed."""
        self.changed: Callable[[], None] = lambda: None
        """Called when jobs have changed findings."""
        self._state = str(settings["state"])
        order = msgspec.json.decode(order_of(settings), type=Order)
        self._order = msgspec.json.encode(JobOrder(order, days, MEMORY, SECONDS)) + b"\n"
        self._child = Child("podhawk.serve.jobs.process", _LONGEST)
        self._due = 0.0
        self._waiting = frozenset[str]()
        """Backfills that could not go on by the content of the last process."""

    async def step(self) -> None:
        """Wait a little, and run the jobs that are due."""
        await asyncio.sleep(LOOK)
        if not self._child.stopping and (time.time() >= self._due or await asyncio.to_thread(self._is_behind)):
            await self._run_once()

    async def stop(self) -> None:
        """End the process: what it has begun is done again when the service starts."""
        await self._child.stop()

    def _is_behind(self) -> bool:
        return any(one.detection_id not in self._waiting for one in pending(self._state))

    async def _run_once(self) -> None:
        out = await self._child.run(self._order)
        if self._child.stopping:
            return
        try:
            done = msgspec.json.decode(out, type=JobsDone)
        except msgspec.DecodeError:
            logger(__name__).error("the process of jobs over the lake was ended")
            done = JobsDone(failed=1)
        self.failures += done.failed
        self._waiting = frozenset(done.waiting)
        if done.changed:
            self.changed()
        latest = time.time() + (_PAUSE if done.failed else AGAIN)
        self._due = min(latest, done.due) if done.due is not None else latest
        if done.failed:
            await asyncio.sleep(_PAUSE)
