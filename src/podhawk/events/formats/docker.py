"""Lines of Docker's json-file driver: the text under `log`, stream and time beside it."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events import hides
from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.time import parse_rfc3339

_KEYS: Final = frozenset({"log", "stream", "time", "attrs"})


def is_docker(value: Any) -> bool:
    """A line of Docker's json-file driver."""
    return type(value) is dict and type(value.get("log")) is str and value.keys() <= _KEYS


def _unwrap(record: Record) -> Layer:
    stamp = record.value.get("time")
    moment = parse_rfc3339(stamp) if isinstance(stamp, str) else None
    yield Record(record.value["log"], record.envelope.within("docker", time=moment))


DOCKER: Final = Format(
    name="docker",
    doc="Lines of Docker's json-file driver. An event that the driver split at 16 KiB is reassembled.",
    recognise=is_docker,
    unwrap=_unwrap,
    hides=hides.DOCKER,
    example='{"log":"{\\"auditID\\":\\"7f0a\\",\\"stage\\":\\"ResponseComplete\\",\\"verb\\":\\"get\\"}\\n","stream":'
    '"stdout","time":"2026-11-01T10:00:00.5Z"}\n',
)
