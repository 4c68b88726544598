"""How many messages a sink may have in a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from podhawk.errors import UsageError

_RATE: Final = re.compile(r"([1-9]\d{0,5})/([smhd])")
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class MessageRate(Struct, frozen=True):
    """At most so many messages in any `period` of seconds, digests included."""

    most: int
    period: float

    @property
    def reserved(self) -> int:
        """Messages that are kept for digests."""
        return max(1, self.most // 2)

    @property
    def spacing(self) -> float:
        """Seconds between two digests, so that none has to wait for the whole period."""
        return self.period / self.most

    def room(self, planned: Sequence[float], now: float) -> int:
        """How many messages there may be now, after those that were made at these times. A clock that was set back
        frees nothing."""
        return max(0, self.most - sum(one > now - self.period for one in planned))

    def noted(self, planned: Sequence[float], count: int, now: float) -> list[float]:
        """The times, with those of new messages."""
        return [*(one for one in planned if one > now - self.period), *[now] * count][-self.most :]


def rate_of(text: str) -> MessageRate | None:
    """The rate that a text such as `20/h` means; None for `none`. Raises UsageError."""
    if text in ("", "none"):
        return None
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is not a rate", remedy="Write a number and s, m, h or d: 20/h. Or none.")
    return MessageRate(int(found[1]), _SECONDS[found[2]])
