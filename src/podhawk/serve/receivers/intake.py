"""From a request to a deposit that is on the disk: what all receivers have in common.

Bodies are read (decoded, masked) in one thread, so that the event loop goes on answering. A request is never held: what
there is no room for is refused at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Final

from msgspec import Struct, field

from podhawk.events.redaction.mask import Redaction
from podhawk.log import logger
from podhawk.serve.inbox.deposit import Deposit
from podhawk.serve.inbox.writer import InboxFullError, InboxWriter
from podhawk.serve.receivers.bodies import BodyLines
from podhawk.serve.receivers.streams import BodyLimits, Budget, Held, read_body
from podhawk.serve.tokens import Token, TokenStore
from podhawk.serve.tripwires.outside import OutsideClusters

RETRY_AFTER: Final = "5"
"""Seconds. An API server tries a batch ten times where the answer says when, and five times where it does not."""
FUTURE: Final = 60.0
"""Seconds by which the clock of a sender may be ahead."""
MOST_SENDERS: Final = 1000
"""Senders that have counts of their own; the rest share one."""


class Refusals(Struct):
    """What was refused at the door, by reason, and why."""

    by_reason: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By cluster and reason; the cluster is empty where the sender is not known."""
    logged: float = 0.0

    def note(self, reason: str, cluster: str = "", detail: str = "") -> None:
        """Count a refusal. It is logged too, at most once in ten seconds: wrong tokens come at any speed."""
        self.by_reason[cluster, reason] += 1
        if time.monotonic() - self.logged > 10:
            self.logged = time.monotonic()
            logger(__name__).warning("refused: %s %s %s", reason, cluster, detail)


class Intake:
    """Takes bodies in."""

    def __init__(self, tokens: TokenStore, writer: InboxWriter, redaction: Redaction, limits: BodyLimits) -> None:
        self.tokens = tokens
        self.writer = writer
        self.limits = limits
        self.refusals = Refusals()
        self.outside = OutsideClusters()
        self.stopping = False
        self._redaction = redaction
        self._budget = Budget(limits.in_work)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="bodies")
        self._senders = {sender for sender, _ in writer.ledger()}

    def refuse_cluster(self, token: Token, cluster: str, sender: str, counted: str = "") -> None:
        """Note that a token was used for a cluster that it does not cover. It counts for the cluster `counted`, if the
        sender may send of that one."""
        self.refusals.note("cluster", counted, f"{token.name} {cluster}"[:130])
        self.outside.note(token.name, cluster, sender)

    def check_room(self) -> None:
        """Raise InboxFullError if nothing can be taken now."""
        if self.stopping:
            raise InboxFullError("podhawk is stopping")
        if self.writer.full:
            raise InboxFullError(self.writer.full)

    def sender(self, receiver: str, name: str) -> str:
        """The name under which a sender is counted."""
        sender = f"{receiver}:{name}"
        if sender not in self._senders and len(self._senders) >= MOST_SENDERS:
            return f"{receiver}:(others)"
        self._senders.add(sender)
        return sender

    async def take(
        self,
        chunks: AsyncIterator[bytes],
        encoding: str,
        sender: str,
        cluster: str,
        token: Token,
        read: Callable[[bytes, BodyLines], None],
    ) -> BodyLines:
        """Take in a body: when this returns, it is on the disk.

        Raises BodyError for a body that is over a limit, ForbiddenClusterError, InboxFullError, and what `read` raises;
        nothing of the body is stored then.
        """
        self.check_room()
        with Held(self._budget) as held:
            body = await read_body(chunks, encoding, self.limits, held)
            now = time.time()
            digest = sha256(body).digest()[:16]
            found = BodyLines(cluster, token.covers, self._redaction)
            if not self.writer.repeats(sender, digest, now):
                await asyncio.get_running_loop().run_in_executor(self._reader, read, body, found)
            newest = min(found.newest, now + FUTURE)
            deposit = Deposit(
                sender, cluster, digest, now, newest, found.parts(), dict(found.rejected), tuple(found.letters)
            )
            await asyncio.wrap_future(self.writer.put(deposit))
            return found

    def close(self) -> None:
        """Let go of the thread."""
        self._reader.shutdown()
