"""A known event or envelope is found in whatever it is wrapped, at any depth; what holds none is refused."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from events.conftest import Read
from podhawk.errors import InputError
from podhawk.events import check_recognised
from support.samples import aks, cloudwatch, event, gke, line, packed, text

pytestmark = pytest.mark.slow

EVENT = text(event())
BATCH = text({"records": [aks(line())]})


def coded(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def otlp(body: Any, **more: Any) -> Any:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": body, **more}]}]}]}


WRAPPED: dict[str, Any] = {
    "answer of Elasticsearch": {"hits": {"hits": [{"_index": "i", "_source": {"kubernetes": {"audit": event()}}}]}},
    "answers of Elasticsearch": {"responses": [{"hits": {"hits": [{"_source": {"message": EVENT}}]}}]},
    "original text": {"hits": {"hits": [{"_index": "i", "_source": {"event": {"original": EVENT}}}]}},
    "fields of Elasticsearch": {
        "hits": {"hits": [{"fields": {f"kubernetes.audit.{name}": [value] for name, value in event().items()}}]}
    },
    "answer of Loki": {"data": {"result": [{"stream": {"job": "a"}, "values": [["1793527202511000000", EVENT]]}]}},
    "push to Loki": {"streams": [{"stream": {}, "values": [["1793527202511000000", EVENT, {"trace": "x"}]]}]},
    "line of logcli": {"labels": {"cluster": "prod"}, "line": EVENT, "timestamp": "2026-11-01T10:00:00Z"},
    "time and line": [["1793527202511000000", EVENT]],
    "arrays in arrays": [[[[["x", [["y", EVENT]]]]]]],
    "deep": {"a": {"b": {"c": [{"d": {"e": [[{"f": {"g": {"h": event()}}}]]}}]}}},
    "Event Hub": {"Body": json.loads(BATCH), "EnqueuedTimeUtc": "11/1/2026 10:00:00 AM"},
    "Event Hub, text": {"Body": BATCH, "Offset": "0"},
    "Event Hub, base64": [{"Body": coded(BATCH)}],
    "Event Hub, bytes": {"Body": list(BATCH.encode())},
    "Avro as JSON": {"Body": {"bytes": BATCH}, "Offset": {"long": 1}},
    "OTLP bytes": otlp({"bytesValue": coded(EVENT)}),
    "OTLP compressed bytes": otlp({"bytesValue": coded(gzip.compress(EVENT.encode()))}),
    "OTLP array of bytes": otlp({"bytesValue": list(EVENT.encode())}),
    "OTLP list with text": otlp({"kvlistValue": {"values": [{"key": "log", "value": {"stringValue": EVENT}}]}}),
    "OTLP attribute": otlp({"stringValue": "x"}, attributes=[{"key": "original", "value": {"stringValue": EVENT}}]),
    "journal": {"__REALTIME_TIMESTAMP": "1793527202511000", "MESSAGE": EVENT, "_HOSTNAME": "h"},
    "journal, bytes": {"__REALTIME_TIMESTAMP": "1793527202511000", "MESSAGE": list(EVENT.encode())},
    "a buffer of Node": {"x": {"type": "Buffer", "data": list(EVENT.encode())}},
    "bytes alone": list(EVENT.encode()),
    "Kafka in Lambda": {"eventSource": "aws:kafka", "records": {"t-0": [{"value": coded(EVENT), "key": "x"}]}},
    "one record of Kinesis": {
        "kinesis": {"data": packed(cloudwatch(EVENT))},
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
    },
    "SNS in SQS": {"Records": [{"body": text({"Type": "Notification", "Message": EVENT}), "eventSource": "aws:sqs"}]},
    "CloudEvents": {"specversion": "1.0", "type": "x", "data_base64": coded(EVENT)},
    "Datadog": {"data": [{"type": "log", "attributes": {"attributes": event(), "message": "x"}}]},
    "payload of Cloud Logging": {"insertId": "x", "logName": "y", "jsonPayload": {"message": EVENT}},
    "compressed text": {"a": [{"b": coded(gzip.compress(BATCH.encode()))}]},
    "base64 twice": {"v": coded(coded(EVENT))},
    "text in text in text": {"a": text({"b": text({"c": text({"log": EVENT})})})},
    "collector in collector": {"event": {"event": {"event": EVENT}}},
    "another message beside it": {"message": "hello", "log": "hello", "data": {"x": [event()]}},
    "results of Insights": {"x": {"results": [[{"field": "@message", "value": EVENT}]]}},
}


@pytest.mark.parametrize("name", WRAPPED)
def test_an_event_is_found_in_whatever_it_is_wrapped(name: str, read: Read) -> None:
    for content in (text(WRAPPED[name]), json.dumps(WRAPPED[name], indent=1), text({"more": [WRAPPED[name]]})):
        events, report = read(content, strict=True)
        assert [one.view.data["auditID"] for one in events] == ["a1"], report.summary_lines()
        assert not report.rejected
        assert events[0].view.data["requestObject"]["spec"]["hostNetwork"] is True


@pytest.mark.parametrize("outer", ["text", "base64", "bytes", "array", "object"])
def test_wrappers_are_wrapped_in_any_order(outer: str, read: Read) -> None:
    around: dict[str, Any] = {
        "text": lambda value: {"message": text(value)},
        "base64": lambda value: {"v": coded(text(value))},
        "bytes": lambda value: {"b": list(text(value).encode())},
        "array": lambda value: [["t", value]],
        "object": lambda value: {"x": {"y": value}},
    }
    for middle in around:
        for inner in around:
            value = around[outer](around[middle](around[inner](event())))
            events, report = read(text(value))
            assert [one.view.data["auditID"] for one in events] == ["a1"], (middle, inner, report.summary_lines())


def test_what_is_said_on_the_way_is_kept(read: Read) -> None:
    short = text({"auditID": "x", "verb": "get"})
    (one,), _ = read(
        text({"cluster": "prod", "x": [{"host": "h", "@timestamp": "2026-11-01T10:00:00.5Z", "y": short}]})
    )
    assert (one.cluster, one.view.host, one.time) == ("prod", "h", 1793527200.5)
    (one,), _ = read(
        text({"data": {"result": [{"stream": {"cluster": "eu"}, "values": [["1793527200500000000", short]]}]}})
    )
    assert (one.cluster, one.time) == ("eu", 1793527200.5)
    (one,), _ = read(text({"Body": json.loads(BATCH)}))
    assert (one.format, one.cluster) == ("aks", "PROD")
    (one,), _ = read(text({"v": coded(text(gke()))}))
    assert (one.format, one.cluster) == ("gke", "prod-eu")


NOTHING = [
    {"a": {"b": [{"c": [["x", {"d": "eyJhIjoxfQ=="}]]}]}},
    {"a": [list(range(200)), {"x": "an auditID"}]},
    [["a", 1], ["b", 2]],
    {"v": coded("x" * 99)},
    {"v": coded(gzip.compress(b"auditID", mtime=0))[:30]},
    {"message": "no event"},
    [1, 2, 3],
    {"columns": [{"name": "a"}, {"name": "b"}], "rows": [[1, 2], [3, 4]]},
]


@pytest.mark.parametrize("value", NOTHING, ids=repr)
def test_deep_values_without_an_event_are_refused(value: Any, read: Read) -> None:
    events, report = read(text(value))
    assert not events
    with pytest.raises(InputError):
        check_recognised(report)


def test_many_known_wrappers_around_nothing_cost_no_more_than_their_size(read: Read) -> None:
    """A look into each of them again from each one outside of it would not end."""
    value: Any = "x"
    for _ in range(60):
        value = {"event": value, "items": [value] if isinstance(value, str) else [], "x": {"message": "y"}}
    _, report = read(text({"outer": [value]}))
    assert report.rejected
