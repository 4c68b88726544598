"""Keeps the evaluator running: starts it, wakes it, listens to it, and starts it again when it ends.

An evaluator that is busy with one increment for too long is killed; that counts as an attempt that failed, so that what
it was busy with is halved and in the end buried.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from podhawk.log import logger
from podhawk.serve.metrics import Evaluations

_LONGEST: Final = 300.0
"""Seconds for one increment."""
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the evaluator is started again, after one failure and after more."""
_LONG_LINE: Final = 64 << 20
_GOODBYE: Final = 20.0
"""Seconds for the increment that is in work when the server ends."""


class LoadedContent(Struct, frozen=True):
    """The content that the evaluator evaluates by: since when (epoch seconds), how many detections it has, those that
    cannot run with the reason, those that run in shadow, and those that are isolated. `problem` says why what the files
    hold now was not taken over; it is empty if it was."""

    since: float = 0.0
    detections: int = 0
    unable: list[str] = []
    shadow: list[str] = []
    problem: str = ""
    isolated: list[str] = []


class Supervisor:
    """The evaluator as the server sees it. `told` is called with each change of a finding."""

    def __init__(
        self,
        order: bytes,
        evaluations: Evaluations,
        told: Callable[[dict[str, Any]], None] = lambda change: None,
        longest: float = _LONGEST,
    ) -> None:
        self._order = order
        self._evaluations = evaluations
        self._told = told
        self._longest = longest
        self._process: asyncio.subprocess.Process | None = None
        self._busy_since = 0.0
        self._failures = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._was_ready = False
        self.content = LoadedContent()
        self.isolated: list[str] = []
        """The names of detections that are over their budget."""
        self.refused: tuple[str, int] | None = None
        """The message and exit code of an evaluator that could not start the first time."""
        self.changed: Callable[[], None] = lambda: None
        """Called when an increment was committed."""
        self.refuse: Callable[[], None] = lambda: None
        """Called when `refused` is known."""
        self.state = "starting"
        """starting, ready, busy, stuck (the state cannot be written), failed (content or settings are wrong) or
        ended."""

    @property
    def is_up(self) -> bool:
        return self.state in ("ready", "busy")

    async def run(self) -> None:
        """Keep the evaluator running until `stop`."""
        self._loop = asyncio.get_running_loop()
        watch = asyncio.create_task(self._watch())
        try:
            while not self._stopping:
                try:
                    await self._run_once()
                except Exception as error:  # no descriptors, for example: the next start may succeed
                    logger(__name__).error("the evaluator cannot be run; it is started again", exc_info=error)
                    await self._kill()
                if self._stopping:
                    break
                self._failures += 1
                await asyncio.sleep(_PAUSES[min(self._failures, len(_PAUSES)) - 1])
        finally:
            watch.cancel()

    async def _kill(self) -> None:
        """End the process at once."""
        self._busy_since = 0.0
        if self.state != "failed":
            self.state = "ended"
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def stop(self) -> None:
        """End the evaluator, after the increment that is in work."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _GOODBYE)
        except TimeoutError:
            process.kill()
            await process.wait()

    def wake(self) -> None:
        """Say that something came in; may be called in any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        process = self._process
        if process is None or process.returncode is not None or process.stdin is None:
            return
        transport = process.stdin.transport
        if not transport.is_closing() and not transport.get_write_buffer_size():
            process.stdin.write(b".")

    async def _run_once(self) -> None:
        self.state = "starting"
        self._evaluations.starts += 1
        self._process = None
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "podhawk.serve.evaluator.process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONG_LINE,
        )
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.write(self._order)
            await process.stdin.drain()
        with contextlib.suppress(ValueError):  # a line that is too long: it is started again
            while line := await process.stdout.readline():
                self._take(msgspec.json.decode(line))
        self._busy_since = 0.0
        if process.returncode is None and not self._stopping:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        code = await process.wait()
        if self.state != "failed":
            self.state = "ended"
        if not self._stopping:
            logger(__name__).error("the evaluator ended with %d; it is started again", code)

    def _take(self, told: dict[str, Any]) -> None:
        match told["what"]:
            case "ready":
                self.state, self._was_ready = "ready", True
            case "content":
                self._content(told)
            case "begun":
                self.state = "busy"
                self._busy_since = time.monotonic()
            case "increment":
                self._done(told)
            case "idle":
                self.state = "ready"
                self._busy_since = 0.0
            case "stuck":
                self.state = "stuck"
                self._busy_since = 0.0
            case "failed":
                self.state = "failed"
                logger(__name__).error("the evaluator cannot start: %s", told["error"])
                if not self._was_ready:
                    self.refused = told["error"], told["code"]
                    self.refuse()

    def _content(self, told: dict[str, Any]) -> None:
        if told["problem"]:
            self.content = replace(self.content, problem=told["problem"])
            return
        for one in told["unable"]:
            logger(__name__).warning("a detection cannot run: %s", one)
        self.content = LoadedContent(time.time(), told["detections"], told["unable"], told["shadow"])

    def _done(self, told: dict[str, Any]) -> None:
        self._busy_since = 0.0
        self._failures = 0 if told["events"] else self._failures
        self._evaluations.seconds += told["seconds"]
        self._evaluations.cpu = told["budgets"]["cpu"]
        self.isolated = told["budgets"]["isolated"]
        for lag, events in told["lags"]:
            self._evaluations.note_lag(lag, events)
        try:
            for change in told["changes"]:
                self._told(change)
        except Exception as error:  # nobody reads them any more, for example
            logger(__name__).error("changes of findings cannot be told", exc_info=error)
        self.changed()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._longest))
            process = self._process
            if self._busy_since and time.monotonic() - self._busy_since > self._longest and process is not None:
                logger(__name__).error("the evaluator is busy for more than %g seconds; it is ended", self._longest)
                self._busy_since = 0.0
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
