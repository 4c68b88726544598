"""Work that goes on as long as the service does: a fault, such as a lack of descriptors while connections flood in, is
logged and counted, and the work is tried again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from podhawk.errors import StoreError
from podhawk.log import logger

PAUSE: Final = 5.0
"""Seconds after a fault."""


async def forever(name: str, step: Callable[[], Awaitable[None]], faults: Counter[str], pause: float = PAUSE) -> None:
    """Take a step again and again until the task is cancelled. A step waits by itself until there is something to do.
    A state that is busy is no fault."""
    while True:
        try:
            await step()
        except StoreError as error:
            logger(__name__).warning("%s: %s; it is tried again", name, error)
            await asyncio.sleep(pause)
        except Exception as error:
            faults[name] += 1
            logger(__name__).error("%s failed; it is tried again", name, exc_info=error)
            await asyncio.sleep(pause)
