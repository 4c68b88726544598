"""The account of each sender: everything that it sent is evaluated, waits, or is accounted for otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from podhawk.serve.evaluator.positions import EVALUATED, evaluated_counts
from podhawk.serve.inbox.deposit import DEAD_LETTERED, RECEIVED, REJECTED, REPEATED, STORED
from podhawk.serve.inbox.segment import reading, segments


class SenderAccount(Struct, frozen=True):
    """Events of a sender: received = evaluated + waiting + rejected + dead-lettered + repeated."""

    sender: str
    received: int
    evaluated: int
    waiting: int
    rejected: Mapping[str, int]
    dead_lettered: int
    repeated: int

    @property
    def balance(self) -> int:
        """What is not accounted for: always 0."""
        accounted = self.evaluated + self.waiting + sum(self.rejected.values()) + self.dead_lettered + self.repeated
        return self.received - accounted


def accounts(inbox: Mapping[tuple[str, str], int], state: Mapping[tuple[str, str], int]) -> list[SenderAccount]:
    """The accounts, from the counts of the inbox and those of the state."""
    senders = sorted({sender for sender, _ in inbox})
    found = []
    for sender in senders:
        evaluated, buried = state.get((sender, EVALUATED), 0), state.get((sender, DEAD_LETTERED), 0)
        found.append(
            SenderAccount(
                sender,
                inbox.get((sender, RECEIVED), 0),
                evaluated,
                inbox.get((sender, STORED), 0) - evaluated - buried,
                {
                    what.removeprefix(REJECTED): count
                    for (of, what), count in sorted(inbox.items())
                    if of == sender and what.startswith(REJECTED)
                },
                inbox.get((sender, DEAD_LETTERED), 0) + buried,
                inbox.get((sender, REPEATED), 0),
            )
        )
    return found


def kept_accounts(state: str) -> list[SenderAccount]:
    """The accounts as they stand on the disk, whether the service runs or not; none if there never was one."""
    evaluated = evaluated_counts(state)
    files = segments(Path(state) / "inbox")
    if not files:
        return []
    with reading(files[-1]) as connection:
        inbox = {(row[0], row[1]): row[2] for row in connection.execute("SELECT sender, what, count FROM ledger")}
    return accounts(inbox, evaluated)
