"""Keeps the lake: looks whether there is something to seal or to remove, and starts a process that does it.

Sealing reads and compresses a gigabyte at a time. In a process of its own it holds up neither those who send nor the
evaluator.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from podhawk.log import logger
from podhawk.serve.children import Child
from podhawk.serve.lake.process import LakeDone, LakeOrder
from podhawk.serve.lake.retention import Keeping
from podhawk.serve.lake.seal import last_body
from podhawk.store.inbox_files import INBOX, segments
from podhawk.store.lake import SEALED, Manifest

LOOK: Final = 5.0
"""Seconds between looks for something to seal."""
RETAIN: Final = 600.0
"""Seconds between looks for something to remove, if nothing was sealed."""
_LONGEST: Final = 1800.0
"""Seconds after which a process that keeps the lake is ended."""


class LakeHolds(Struct, frozen=True):
    """What the lake has: bytes, events, and the receipt of its first events in epoch seconds, None for an empty one."""

    size: int = 0
    events: int = 0
    begins: float | None = None


class LakeKeeper:
    """Starts the process when it is needed, one at a time."""

    def __init__(self, state: str, keeping: Keeping, copy: str = "") -> None:
        self.keeping = keeping
        self.failures = 0
        """Processes that did not do all that was to be done."""
        self._state = state
        self._manifest = Manifest(state)
        self._order = msgspec.json.encode(LakeOrder(state, keeping, copy)) + b"\n"
        self._child = Child("podhawk.serve.lake.process", _LONGEST)
        self._retained = 0.0

    async def step(self) -> None:
        """Do what there is to do, and wait a little."""
        if self.keeping.is_on and not self._child.stopping:
            due = time.monotonic() - self._retained > RETAIN
            if due or await asyncio.to_thread(self._has_work):
                await self._run_once()
                self._retained = time.monotonic()
        await asyncio.sleep(LOOK)

    async def stop(self) -> None:
        """End the process: what it has begun is done again when the service starts."""
        await self._child.stop()

    def holds(self) -> LakeHolds:
        """What the lake has now."""
        files = self._manifest.files(SEALED)
        begins = min((one.hour * 3600.0 for one in files), default=None)
        return LakeHolds(sum(one.size for one in files), sum(one.events for one in files), begins)

    def sealed_up_to(self) -> int | None:
        """The number of the last body that is in the lake, up to which the inbox may go; None if there is no lake."""
        return self._manifest.sealed_up_to() if self.keeping.is_on else None

    def _has_work(self) -> bool:
        for segment in reversed(segments(Path(self._state) / INBOX)[:-1]):
            last = last_body(segment)
            if last is not None:
                return last > self._manifest.sealed_up_to()
        return False

    async def _run_once(self) -> None:
        out = await self._child.run(self._order)
        if self._child.stopping:
            return
        try:
            done = msgspec.json.decode(out, type=LakeDone)
        except msgspec.DecodeError:
            done = LakeDone(error="the process that keeps the lake was ended")
        if done.error:
            self.failures += 1
            logger(__name__).error("the lake cannot be written: %s", done.error)
        if done.sent:
            logger(__name__).info("%d files of the lake were sent to the object store", done.sent)
        if done.sealed:
            logger(__name__).info("%d events were sealed into %d files of the lake", done.events, done.sealed)
