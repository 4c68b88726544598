"""Runs the sinks: each has a thread of its own, so that a receiver that hangs holds up nobody else.

A step delivers what is due, in order, and plans what comes next when nothing is left, or only messages that have failed
several times. So while a receiver is away, most changes wait in their table and come as a digest, not as thousands of
messages; and one message that a receiver never takes does not keep the others back.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from msgspec import Struct

from podhawk.log import logger
from podhawk.serve.changes import make_tables
from podhawk.serve.sinks.configuration import SinkSettings
from podhawk.serve.sinks.declare import Deliverer, DeliveryError, RefusedError
from podhawk.serve.sinks.kept import (
    STUCK,
    KeptMessage,
    begin_sink,
    buried,
    counts,
    delivered,
    divided,
    drop_others,
    kept_sink,
    last_change,
    next_message,
    postponed,
    revive,
    write_sink,
)
from podhawk.serve.sinks.plan import plan
from podhawk.store.database import Waiting, open_engine, reading, transaction

LOOK: Final = 1.0
"""Seconds between looks at the table of changes."""
_WAIT: Final = Waiting(10)
_FIRST: Final = 2.0
_LONGEST: Final = 300.0
"""Seconds between two attempts: they double."""


_MOST_STUCK: Final = 50
"""Stuck messages beside which others are planned. While a receiver is away there are no more than these."""


class SinkStatus(Struct, frozen=True):
    """How a sink is: how many changes it has not read, how many messages wait and findings are held for a digest, the
    age of the oldest message, and what was sent, failed (attempts), dead and missed (changes) since it was new."""

    name: str
    kind: str
    dry_run: bool
    cursor: int
    unread: int
    waiting: int
    held: int
    lag_seconds: float
    sent: int
    failed: int
    dead: int
    missed: int
    last_sent: float
    last_error: str
    would_send: list[str] = []
    """What it would have sent, the last first, if it only says so."""


class RunningSink:
    """One sink at work."""

    def __init__(self, state: str, settings: SinkSettings) -> None:
        self.settings = settings
        self._state = state
        self._deliverer: Deliverer = settings.open()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sink-{settings.name}")
        self._stopping = False
        self.would_send: deque[str] = deque(maxlen=20)

    def begin(self) -> None:
        """Make the row of the sink."""
        with transaction(open_engine(self._state), waiting=_WAIT) as connection:
            begin_sink(connection, self.settings.name, dry=self.settings.dry_run)

    async def step(self) -> None:
        """Wait, then deliver and plan."""
        await asyncio.sleep(LOOK)
        await asyncio.get_running_loop().run_in_executor(self._thread, self.work)

    def work(self) -> None:
        """Deliver what is due and plan what comes next, until there is nothing to do."""
        while not self._stopping:
            with reading(self._state) as connection:
                waiting = None if connection is None else next_message(connection, self.settings.name)
            if waiting is not None and waiting.due <= time.time():
                if not self._deliver(waiting):
                    return
            elif not (waiting is None or self._goes_on(waiting)) or not self._plan():
                return

    def _goes_on(self, waiting: KeptMessage) -> bool:
        """Whether more is planned although this message, and any other, has to wait. What a firewall before the
        receiver does not let through, for a word that an attacker has put in it, must not hold up all that follows."""
        if waiting.attempts < STUCK:
            return False
        with reading(self._state) as connection:
            return connection is not None and counts(connection, self.settings.name)[0] < _MOST_STUCK

    def _plan(self) -> bool:
        """Plan; gives whether there is more to do at once."""
        if not self._has_work():
            return False
        with transaction(open_engine(self._state), waiting=_WAIT) as connection:
            planned = plan(connection, self.settings, time.time())
        if self.settings.dry_run:
            for one in planned.messages:
                text = self._deliverer.preview(one)
                self.would_send.appendleft(text)
                logger(__name__).info("the sink %s would send: %s", self.settings.name, text)
            return planned.more
        return planned.more or bool(planned.messages)

    def _has_work(self) -> bool:
        """Whether there are changes that were not read, or findings that are held."""
        with reading(self._state) as connection:
            kept = None if connection is None else kept_sink(connection, self.settings.name)
            if connection is None or kept is None:
                return False
            return last_change(connection) > kept.cursor or counts(connection, self.settings.name)[1] > 0

    def _deliver(self, one: KeptMessage) -> bool:
        """Deliver a message; gives whether to go on."""
        error, refused, wait = "", False, 0.0
        try:
            self._deliverer.deliver(one.message)
        except DeliveryError as failure:
            error, wait = failure.message, failure.after
        except RefusedError as failure:
            error, refused = str(failure), True
        except Exception as failure:  # a bug, or a library's: it must not hold up what comes after
            error = f"{type(failure).__name__}: {failure}"
            logger(__name__).error("the sink %s failed", self.settings.name, exc_info=failure)
        now = time.time()
        old = now - one.message.time > self.settings.common.give_up_after
        name = self.settings.name
        with transaction(open_engine(self._state), waiting=_WAIT) as connection:
            kept = kept_sink(connection, name)
            assert kept is not None
            numbers = kept.numbers
            if not error:
                delivered(connection, one.number)
                numbers.sent, numbers.last_sent, numbers.last_error = numbers.sent + 1, now, ""
            else:
                numbers.failed, numbers.last_error = numbers.failed + 1, error[:500]
                if refused and len(one.message.items) > 1 and not one.message.digest:
                    # Whoever makes one finding that a receiver refuses must not take others along.
                    divided(connection, name, one, self.settings.urgent)
                elif refused or old:
                    buried(connection, name, one.number, error)
                    numbers.dead += 1
                else:
                    postponed(connection, one.number, now + pause_after(one.attempts, wait), error)
            write_sink(connection, name, kept)
        if error:
            logger(__name__).warning(
                "the sink %s: %s; %s", name, error, "a dead letter" if refused or old else "tried again"
            )
        return not error or refused or old

    def status(self) -> SinkStatus:
        """How the sink is."""
        name, settings = self.settings.name, self.settings
        with reading(self._state) as connection:
            kept = None if connection is None else kept_sink(connection, name)
            if connection is None or kept is None:
                return SinkStatus(name, settings.kind.name, settings.dry_run, 0, 0, 0, 0, 0.0, 0, 0, 0, 0, 0.0, "")
            waiting, held, made = counts(connection, name)
            unread = max(0, last_change(connection) - kept.cursor)
        now, numbers = time.time(), kept.numbers
        since = min([one for one in (made, numbers.read if unread else None) if one is not None], default=now)
        return SinkStatus(
            name,
            settings.kind.name,
            settings.dry_run,
            kept.cursor,
            unread,
            waiting,
            held,
            round(max(0.0, now - since), 3),
            numbers.sent,
            numbers.failed,
            numbers.dead,
            numbers.missed,
            numbers.last_sent,
            numbers.last_error,
            list(self.would_send),
        )

    def retry(self) -> int:
        """Try the dead letters again; gives how many there are."""
        with transaction(open_engine(self._state), waiting=_WAIT) as connection:
            return revive(connection, self.settings.name, time.time())

    def stop(self) -> None:
        """Let go of the thread, when the message that is being sent is done."""
        self._stopping = True
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._deliverer.close()


def pause_after(attempts: int, asked: float, draw: float | None = None) -> float:
    """Seconds until the next attempt: twice as long each time, with jitter, and not before the receiver asked for."""
    longest = min(_LONGEST, _FIRST * 2.0 ** min(attempts, 20))
    jitter = random.random() if draw is None else draw
    return max(min(asked, 3600.0), longest * (0.5 + jitter / 2))


class SinkRunner:
    """All sinks of the service."""

    def __init__(self, state: str, sinks: Sequence[SinkSettings]) -> None:
        self._state = state
        self.sinks = [RunningSink(state, one) for one in sinks]

    def begin(self) -> None:
        """Make what the sinks need in the state, and forget those that are not in the settings any more."""
        make_tables(self._state)
        with transaction(open_engine(self._state), waiting=_WAIT) as connection:
            drop_others(connection, [one.settings.name for one in self.sinks])
        for one in self.sinks:
            one.begin()

    def status(self) -> list[SinkStatus]:
        """How the sinks are."""
        return [one.status() for one in self.sinks]

    def find(self, name: str) -> RunningSink | None:
        """A sink by its name."""
        return next((one for one in self.sinks if one.settings.name == name), None)

    async def stop(self) -> None:
        """End all sinks."""
        await asyncio.gather(*(asyncio.to_thread(one.stop) for one in self.sinks))
