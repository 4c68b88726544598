"""What runs beside the server goes on after a fault, and ends when it is told to."""

from __future__ import annotations

import asyncio

import pytest

from podhawk.serve.children import Child

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
