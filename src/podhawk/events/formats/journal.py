"""Entries of the systemd journal as JSON; a message that is no plain UTF-8 text is an array of bytes.

Source: https://systemd.io/JOURNAL_EXPORT_FORMATS/
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.inside import text_in
from podhawk.events.time import epoch_of


def _recognise(value: Any) -> bool:
    return (
        type(value) is dict and "__REALTIME_TIMESTAMP" in value and isinstance(value.get("MESSAGE"), (str, list, dict))
    )


def _unwrap(record: Record) -> Layer:
    value = record.value
    message = value["MESSAGE"]
    host = value.get("_HOSTNAME")
    envelope = record.envelope.within(
        "journal", time=epoch_of(value["__REALTIME_TIMESTAMP"]), host=str(host) if isinstance(host, str) else None
    )
    text = text_in(message)
    yield Record(message if text is None else text, envelope)


JOURNAL: Final = Format(
    name="journal",
    doc="Entries of the systemd journal (`journalctl -o json`): the line is `MESSAGE`, a text or an array of bytes. "
    "Lines that the driver of a container runtime split are put together.",
    recognise=_recognise,
    unwrap=_unwrap,
    example='{"__REALTIME_TIMESTAMP":"1793527200500000","_HOSTNAME":"cp-1","MESSAGE":"{\\"auditID\\":\\"7f0a\\",'
    '\\"stage\\":\\"ResponseComplete\\",\\"verb\\":\\"get\\"}"}\n',
)
