"""The tripwire of a token that is used for a cluster to which it is not bound.

The server refuses such a request, so the evaluator never hears of it. What was refused is noted here and written to the
state a moment later. Whoever holds a token can do this at any speed and with any name: there is one finding for each
token, cluster and hour, and at most `MOST` an hour.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct, field

from podhawk.detect.finding import Finding
from podhawk.serve.changes import LoggedChange, change_of
from podhawk.serve.changes import put as put_changes
from podhawk.serve.tripwires.finding import OUTSIDE, put, tripwire
from podhawk.store.database import open_engine, transaction

MOST: Final = 200
"""Findings in an hour. What comes beyond them is told together."""
LONGEST: Final = 63
"""Characters of a name that are shown: whoever sent it chose it."""
_HOUR: Final = 3600
_OTHERS: Final = "(others)"


class OutsideClusters(Struct):
    """What was refused because of its cluster and is not told yet."""

    waiting: dict[tuple[str, str, int], tuple[str, float]] = field(default_factory=dict)
    """The sender and the time, by token, cluster and hour."""
    told: set[tuple[str, str, int]] = field(default_factory=set)

    def note(self, token: str, cluster: str, sender: str) -> None:
        """A sender used a token for a cluster that it does not cover."""
        now = time.time()
        hour = int(now // _HOUR)
        key = token, cluster[:LONGEST], hour
        self.told = {one for one in self.told if one[2] == hour} if len(self.told) > MOST else self.told
        if key in self.told or key in self.waiting:
            return
        if len(self.told) + len(self.waiting) >= MOST:
            key = _OTHERS, _OTHERS, hour
            if key in self.told:
                return
        self.waiting.setdefault(key, (sender[:LONGEST], now))

    def write(self, state: str) -> list[LoggedChange]:
        """Write what waits as findings; gives those that are new. Raises StoreError: it waits on then."""
        some = dict(self.waiting)
        if not some:
            return []
        findings = [_finding(*key, *one) for key, one in some.items()]
        with transaction(open_engine(state)) as connection:
            changes = _changes(put(connection, findings))
            put_changes(connection, changes)
        self.told |= some.keys()
        for key in some:
            self.waiting.pop(key, None)
        return changes


def _finding(token: str, cluster: str, hour: int, sender: str, when: float) -> Finding:
    first = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return tripwire(
        OUTSIDE,
        cluster,
        f"The token {token} was used to send events of the cluster {cluster}, to which it is not bound",
        (token, str(hour)),
        (when, when),
        {"token": token, "sender": sender, "cluster": cluster, "first": first},
    )


def _changes(new: Sequence[Finding]) -> list[LoggedChange]:
    now = time.time()
    return [change_of("new", one, now) for one in new]
