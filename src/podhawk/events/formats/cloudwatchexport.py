"""CloudWatch log groups exported to S3: lines of time and message."""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events.envelope import Carrier, Format, Layer, Record
from podhawk.events.time import parse_rfc3339

_LINE: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?=\{|[A-Z]\d{4} )")


def _recognise(value: Any) -> bool:
    return type(value) is str and _LINE.match(value) is not None


def _unwrap(record: Record) -> Layer:
    match = _LINE.match(record.value)
    if match:
        envelope = record.envelope
        folder = envelope.path.replace("\\", "/").rsplit("/", 2)
        name = folder[-2] if len(folder) > 1 and "kube-apiserver" in folder[-2] else folder[-1]
        carrier = Carrier("aws:cloudwatchlogs:eks", name)
        yield Record(
            record.value[match.end() :],
            envelope.within("cloudwatch-export", time=parse_rfc3339(match[1]), carrier=carrier),
        )


CLOUDWATCH_EXPORT: Final = Format(
    name="cloudwatch-export",
    doc="A CloudWatch log group exported to S3: lines of time and message. The export does not name "
    "the cluster. The carrier's source is the folder name (the log stream), else the file name.",
    recognise=_recognise,
    unwrap=_unwrap,
    takes=str,
    verbatim=True,
    example='2026-11-01T10:00:00.500Z {"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}\n',
)
