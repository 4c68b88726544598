"""Whether the text of an event has a hint of a secret that is told by its form.

This is asked of each event of which secrets are to be masked, and nearly always answered no. Looking for each hint by
itself takes as long as decoding the event. Hyperscan looks for all of them at once and takes a tenth of that, but its
database takes as long to build as asking of some events, so it is built for an input that has more. Where there is no
Hyperscan, the answer is the same.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Final

from podhawk.events.redaction.text import HINTS

FEW: Final = 128
"""Events of which is asked before the database is built."""
SECRET_AS_TEXT: Final = '\\"Secret\\"'
_ALONE: Final = (*HINTS, SECRET_AS_TEXT)
TOGETHER: Final = ("://", "@")
"""The password of a URL stands between these."""


class _Ours(threading.local):
    """What a thread asked, and its database, which can be used by one at a time."""

    asked = 0
    scanner: Callable[[str], bool] | None = None


_ours = _Ours()


def may_hold_forms(raw: str) -> bool:
    """Whether the text of an event has a hint of a secret that is told by its form."""
    if _ours.scanner is not None:
        return _ours.scanner(raw)
    _ours.asked += 1
    if _ours.asked > FEW:
        _ours.scanner = scanner() or look_for_each
    return look_for_each(raw)


def look_for_each(raw: str) -> bool:
    """The same, one hint after the other."""
    return any(hint in raw for hint in _ALONE) or all(hint in raw for hint in TOGETHER)


def scanner() -> Callable[[str], bool] | None:
    """The same with Hyperscan; None where it does not run."""
    try:
        import hyperscan
    except ImportError:
        return None
    hints = [re.escape(hint).encode() for hint in (*_ALONE, *TOGETHER)]
    database = hyperscan.Database()
    try:
        database.compile(
            expressions=hints,
            ids=list(range(len(hints))),
            elements=len(hints),
            flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(hints),
        )
    except hyperscan.HyperscanError:
        return None
    alone, every = len(_ALONE), (1 << len(TOGETHER)) - 1

    def holds(raw: str) -> bool:
        met = 0

        def seen(identity: int, begin: int, end: int, flags: int, context: object) -> bool | None:
            nonlocal met
            met |= every if identity < alone else 1 << (identity - alone)
            return True if met == every else None

        try:
            database.scan(raw.encode("utf-8", "surrogatepass"), match_event_handler=seen)
        except hyperscan.HyperscanError:
            if met != every:  # else it was stopped on purpose
                raise
        return met == every

    return holds
