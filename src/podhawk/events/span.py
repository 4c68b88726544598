"""The time that a file covers, told by its beginning and its end.

An API server writes events in the order in which it handles them, so the first and the last lines of a file tell which
times it covers, and no other line needs to be looked at: most lines are never decoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from podhawk.events.options import InputReport
from podhawk.events.time import parse_rfc3339

EDGE: Final = 64 << 10
"""Bytes that are looked at, at each end of a file."""
_TIME: Final = re.compile(
    rb'(?:requestReceivedTimestamp|stageTimestamp)\\{0,3}"\s{0,2}:\s{0,2}\\{0,3}"'
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)"
)


def noting_span(
    blocks: Iterator[bytes], report: InputReport, *, first: bool, last: Callable[[], bool]
) -> Iterator[bytes]:
    """The blocks; the report is told the times at their beginning (if `first`) and at their end (if `last`, which is
    asked there)."""
    before = block = b""
    for block in blocks:
        if first:
            note_times(block[:EDGE], report)
            first = False
        yield block
        before = block if len(block) >= EDGE else before[-EDGE:] + block
    if last():
        note_times(before[-EDGE:], report)


def note_times(text: bytes, report: InputReport) -> None:
    """Tell a report the first and last time in a text."""
    found = _TIME.findall(text)
    for one in (min(found), max(found)) if found else ():
        time = parse_rfc3339(one.decode())
        if time is not None:
            report.note_time(time)
