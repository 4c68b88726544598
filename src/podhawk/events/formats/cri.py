"""Lines of the container runtime interface: a prefix of time, stream and tag before the text."""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events import hides
from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.time import parse_rfc3339

CRI_LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP])(?::\S*)? ?(.*)", re.DOTALL
)


def _is_cri(value: Any) -> bool:
    return type(value) is str and CRI_LINE.match(value) is not None


def _unwrap(record: Record) -> Layer:
    match = CRI_LINE.match(record.value)
    if match:
        yield Record(match[4], record.envelope.within("cri", time=parse_rfc3339(match[1])))


CRI: Final = Format(
    name="cri",
    doc="Lines with the prefix of the container runtime interface (CRI): time, stream, `F` (full) or "
    "`P` (partial). Partial lines are reassembled.",
    recognise=_is_cri,
    unwrap=_unwrap,
    takes=str,
    hides=hides.CRI,
    verbatim=True,
    example='2026-11-01T10:00:00.5Z stdout F {"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}\n',
)
