"""What runs beside the server goes on after a fault, and ends when it is told to."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from pathlib import Path

import pytest

from podhawk.errors import StoreError
from podhawk.serve.background import forever
from podhawk.serve.children import Child
from podhawk.serve.metrics import Evaluations
from podhawk.serve.searches.pool import Hunt, SearchPool
from podhawk.serve.supervisor import Supervisor
from podhawk.serve.tokens import Token, TokenStore, new_token
from podhawk.settings.resolve import resolve

pytestmark = [pytest.mark.needs("serve")]


def test_a_process_that_is_stopped_while_it_starts_ends() -> None:
    """It went on, because there was no process yet that could be ended."""

    async def stopped() -> tuple[bytes, int | None]:
        child = Child("http.server", 60.0)
        run = asyncio.create_task(child.run(b""))
        await asyncio.sleep(0)  # it is being started
        await child.stop()
        answer = await asyncio.wait_for(run, 30.0)
        assert child._process is not None
        return answer, child._process.returncode

    assert asyncio.run(stopped()) == (b"", -9)


def test_one_fault_does_not_end_work_in_the_background() -> None:
    """A lack of descriptors ended it for good, without a word: revoked tokens went on to be taken."""
    faults: Counter[str] = Counter()
    left: list[Exception | None] = [OSError(24, "Too many open files"), StoreError("busy"), ValueError("x"), None]

    async def run() -> None:
        ended = asyncio.Event()

        async def step() -> None:
            error = left.pop(0)
            if error is not None:
                raise error
            ended.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(forever("reload", step, faults, 0.0))
        await asyncio.wait_for(ended.wait(), 30)
        task.cancel()

    asyncio.run(run())
    assert faults == {"reload": 2}


class NoDescriptors(Child):
    """A process that cannot be started."""

    async def run(self, order: bytes) -> bytes:
        raise OSError(24, "Too many open files")


def test_a_search_that_cannot_be_started_has_failed(tmp_path: Path) -> None:
    """It went on for ever, and took the place of another one."""
    pool = SearchPool(resolve("serve", {"state": str(tmp_path)}))
    hunt = Hunt("1", "me", ("*",), "search", "*", time.time(), NoDescriptors("x", 1.0))
    asyncio.run(pool._run(hunt, b"", 1.0))
    assert hunt.status == "failed"
    assert hunt.ended is not None
    assert hunt.answer is not None
    assert hunt.answer.error


class StumblingSupervisor(Supervisor):
    """A supervisor that cannot start a process the first time."""

    starts = 0

    async def _run_once(self) -> None:
        self.starts += 1
        if self.starts == 1:
            raise OSError(24, "Too many open files")
        await self.stop()


def test_an_evaluator_that_cannot_be_started_is_started_later() -> None:
    supervisor = StumblingSupervisor(b"", Evaluations())
    asyncio.run(asyncio.wait_for(supervisor.run(), 30))
    assert supervisor.starts == 2


def test_tokens_that_could_not_be_read_once_are_read_later(tmp_path: Path) -> None:
    """The file was not looked at again until it changed once more, so a revoked token went on to be taken."""
    path = tmp_path / "tokens.json"
    secret = new_token(path, Token("one", ("prod",), ("send",)))
    store = TokenStore(path)
    path.write_text('{"tokens": []}', encoding="utf-8")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        told = [store.reload(), store.reload()]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert told == [True, False]
    assert store.problem
    assert store.reload()
    assert not store.problem
    assert store.tokens.find(secret) is None
