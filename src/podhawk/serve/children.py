"""Short-lived processes that the server starts for work that must not hold it up: one at a time, and ended with it."""

from __future__ import annotations

import asyncio
import contextlib
import sys


class Child:
    """Runs a module of podhawk as a process, which gets a line on standard input and answers on standard output."""

    def __init__(self, module: str, longest: float) -> None:
        self._module = module
        self._longest = longest
        self._process: asyncio.subprocess.Process | None = None
        self.stopping = False
        """Whether no process is to be started any more."""

    async def run(self, order: bytes) -> bytes:
        """What the process answers; nothing if it was ended, by itself or because it took too many seconds."""
        if self.stopping:
            return b""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        if self.stopping:  # meanwhile
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            return b""
        try:
            async with asyncio.timeout(self._longest):
                out, _ = await process.communicate(order)
                return out
        except TimeoutError:
            return b""
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    async def stop(self) -> None:
        """End the process, and start no other."""
        self.stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
