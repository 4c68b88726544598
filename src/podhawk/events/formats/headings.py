"""Lines that a viewer of logs writes between the lines of the log."""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record, Skipped

_HEADING: Final = re.compile(
    r"==> .+ <==\Z"  # tail and head, of several files
    r"|-- (?:Logs begin|Journal begins|Boot |No entries|Reboot).*--\Z"  # journalctl
    r"|[+-] \S+ › \S+\Z"  # stern
    r"|Defaulted container \"|Found \d+ pods, using pod/"  # kubectl logs
)


def _recognise(value: Any) -> bool:
    return type(value) is str and _HEADING.match(value.strip()) is not None


def _unwrap(record: Record) -> Layer:
    yield Skipped()


HEADINGS: Final = Format(
    name="headings",
    doc="Lines of `tail`, `journalctl`, `stern` and `kubectl logs` that say whose lines follow: they are passed over.",
    recognise=_recognise,
    unwrap=_unwrap,
    takes=str,
    verbatim=True,
    beside=True,
    example='==> /var/log/audit.log <==\n{"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}\n',
)
