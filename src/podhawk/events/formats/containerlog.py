"""Container logs: Docker's json-file driver, CRI line prefixes, and other text in front of the JSON."""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events.envelope import Carrier, Format, Layer, Record
from podhawk.events.time import parse_rfc3339

CRI_LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP])(?::\S*)? ?(.*)", re.DOTALL
)
_DOCKER_KEYS: Final = frozenset({"log", "stream", "time", "attrs"})
_EXPORT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?=\{|[A-Z]\d{4} )")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_JSON_START: Final = re.compile(r'\{\s*"')
_LONGEST_PREFIX: Final = 1024


def is_docker(value: Any) -> bool:
    """A line of Docker's json-file driver."""
    return type(value) is dict and type(value.get("log")) is str and value.keys() <= _DOCKER_KEYS


def _unwrap_docker(record: Record) -> Layer:
    stamp = record.value.get("time")
    moment = parse_rfc3339(stamp) if isinstance(stamp, str) else None
    yield Record(record.value["log"], record.envelope.within("docker", time=moment))


def _is_cri(value: Any) -> bool:
    return type(value) is str and CRI_LINE.match(value) is not None


def _unwrap_cri(record: Record) -> Layer:
    match = CRI_LINE.match(record.value)
    if match:
        yield Record(match[4], record.envelope.within("cri", time=parse_rfc3339(match[1])))


def _is_export(value: Any) -> bool:
    return type(value) is str and _EXPORT.match(value) is not None


def _unwrap_export(record: Record) -> Layer:
    match = _EXPORT.match(record.value)
    if match:
        envelope = record.envelope
        folder = envelope.path.replace("\\", "/").rsplit("/", 2)
        name = folder[-2] if len(folder) > 1 and "kube-apiserver" in folder[-2] else folder[-1]
        carrier = Carrier("aws:cloudwatchlogs:eks", name)
        yield Record(
            record.value[match.end() :],
            envelope.within("cloudwatch-export", time=parse_rfc3339(match[1]), carrier=carrier),
        )


def _json_start(value: str) -> int:
    found = _JSON_START.search(value, 1, _LONGEST_PREFIX)
    return found.start() if found and '"auditID"' in value else -1


def _is_prefixed(value: Any) -> bool:
    return (
        type(value) is str
        and not value.lstrip().startswith(("{", "["))
        and _json_start(value) > 0
        and ('"' not in value[: _json_start(value)])
    )


def _unwrap_prefixed(record: Record) -> Layer:
    start = _json_start(record.value)
    stamp = _STAMP.search(record.value, 0, start)
    moment = parse_rfc3339(stamp.group()) if stamp else None
    yield Record(record.value[start:], record.envelope.within("prefixed", time=moment))


_EVENT: Final = '{"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}'

DOCKER: Final = Format(
    name="docker",
    doc="Lines of Docker's json-file driver. An event that the driver split at 16 KiB is reassembled.",
    recognise=is_docker,
    unwrap=_unwrap_docker,
    example='{"log":"{\\"auditID\\":\\"7f0a\\",\\"stage\\":\\"ResponseComplete\\",\\"verb\\":\\"get\\"}\\n","stream":'
    '"stdout","time":"2026-11-01T10:00:00.5Z"}\n',
)

CRI: Final = Format(
    name="cri",
    doc="Lines with the prefix of the container runtime interface (CRI): time, stream, `F` (full) or "
    "`P` (partial). Partial lines are reassembled.",
    recognise=_is_cri,
    unwrap=_unwrap_cri,
    verbatim=True,
    example=f"2026-11-01T10:00:00.5Z stdout F {_EVENT}\n",
)

CLOUDWATCH_EXPORT: Final = Format(
    name="cloudwatch-export",
    doc="A CloudWatch log group exported to S3: lines of time and message. The export does not name "
    "the cluster. The carrier's source is the folder name (the log stream), else the file name.",
    recognise=_is_export,
    unwrap=_unwrap_export,
    verbatim=True,
    example=f"2026-11-01T10:00:00.500Z {_EVENT}\n",
)

PREFIXED: Final = Format(
    name="prefixed",
    doc="An event that follows other text on its line: a syslog header, the name of the sender, a timestamp.",
    recognise=_is_prefixed,
    unwrap=_unwrap_prefixed,
    verbatim=True,
    example=f"<134>1 2026-11-01T10:00:00.5Z cp-1 kube-apiserver 1 - - {_EVENT}\n",
)
