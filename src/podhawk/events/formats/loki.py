"""Grafana Loki: answers of its query API, pushed streams, and the JSON lines of `logcli`.

Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from podhawk.events.envelope import Envelope, Format, Layer, Record
from podhawk.events.formats.shipper import cluster_beside, host_beside
from podhawk.events.time import epoch_of


def _streams(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The streams of an answer or a push; None where it is neither."""
    data = value.get("data")
    found = data.get("result") if type(data) is dict else value.get("streams")
    if type(found) is not list or not found or not all(_is_stream(item) for item in found):
        return None
    return found


def _is_stream(value: Any) -> bool:
    if type(value) is not dict or type(value.get("values")) is not list:
        return False
    return type(value.get("stream")) is dict or isinstance(value.get("labels"), (dict, str))


def _is_line(value: dict[str, Any]) -> bool:
    return type(value.get("line")) is str and type(value.get("labels")) is dict


def _recognise(value: Any) -> bool:
    return type(value) is dict and (_is_line(value) or _is_stream(value) or _streams(value) is not None)


def _labelled(labels: Any, envelope: Envelope, moment: float | None) -> Envelope:
    said = labels if type(labels) is dict else {}
    return envelope.within("loki", time=moment, host=host_beside(said), cluster=cluster_beside(said))


def _unwrap(record: Record) -> Layer:
    value, envelope = record.value, record.envelope
    if _is_line(value):
        yield Record(value["line"], _labelled(value["labels"], envelope, epoch_of(value.get("timestamp"))))
        return
    for stream in _streams(value) or [value]:
        for stamp, line in _lines(stream["values"]):
            yield Record(line, _labelled(stream.get("stream"), envelope, epoch_of(stamp)))


def _lines(values: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Time and line of each entry, be it an array (perhaps with metadata behind) or an object."""
    for entry in values:
        if type(entry) is list and len(entry) >= 2:
            yield entry[0], entry[1]
        elif type(entry) is dict and "line" in entry:
            yield entry.get("ts") or entry.get("timestamp"), entry["line"]


LOKI: Final = Format(
    name="loki",
    doc="Grafana Loki: answers of the query API, pushed streams, and lines of `logcli -o jsonl`. Cluster and host are "
    "those of the labels.",
    recognise=_recognise,
    unwrap=_unwrap,
    example='{"status":"success","data":{"resultType":"streams","result":[{"stream":{"cluster":"prod-eu"},"values":'
    '[["1793527200500000000","{\\"auditID\\":\\"7f0a\\",\\"stage\\":\\"ResponseComplete\\",\\"verb\\":\\"get\\"}"]]}'
    "]}}\n",
)
