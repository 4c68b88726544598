"""EKS through CloudWatch Logs: subscription payloads, filter results, single log events, Insights rows.

The payload of a subscription reaches its reader gzipped and base64-encoded inside the record of a
service: Lambda (`awslogs.data`), Kinesis (`Records[].kinesis.data`), Firehose (`records[].data`). The log
group names the cluster: `/aws/eks/CLUSTER/cluster`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events import hides
from podhawk.events.decode import JsonNumber
from podhawk.events.envelope import Carrier, Envelope, Format, Layer, Record, Reject
from podhawk.events.formats.payload import records_in
from podhawk.events.reasons import CONTROL
from podhawk.events.time import epoch_of

SOURCETYPE: Final = "aws:cloudwatchlogs:eks"
_GROUP: Final = re.compile(r"/aws/eks/([^/]+)/cluster")
_BATCH_KEYS: Final = ("logEvents", "events")
_EVENT_MARKS: Final = frozenset(
    {
        "id",
        "eventId",
        "ingestionTime",
        "logStreamName",
        "logGroupName",
        "logStream",
        "logGroup",
        "log_group",
        "log_stream",
        "@ptr",
        "@logStream",
        "@log",
    }
)


def _text(value: dict[str, Any], *names: str) -> str | None:
    for name in names:
        found = value.get(name)
        if isinstance(found, str) and found:
            return str(found)
    return None


def _within(value: dict[str, Any], envelope: Envelope, moment: float | None = None) -> Envelope:
    group = _text(value, "logGroup", "logGroupName", "log_group", "@log")
    stream = _text(value, "logStream", "logStreamName", "log_stream", "@logStream")
    match = _GROUP.search(group or "")
    source = group or (envelope.carrier.source if envelope.carrier else None) or stream or "cloudwatch"
    return envelope.within(
        "cloudwatch", time=moment, cluster=match[1] if match else None, carrier=Carrier(SOURCETYPE, source)
    )


def _log_events(value: dict[str, Any]) -> list[Any] | None:
    for key in _BATCH_KEYS:
        found = value.get(key)
        if type(found) is list and (key == "logEvents" or all(_has_message(item) for item in found)):
            return found
    return None


def _has_message(value: Any) -> bool:
    return type(value) is dict and ("message" in value or "@message" in value)


def _is_single(value: dict[str, Any]) -> bool:
    if "@message" in value:
        return True
    stamp = value.get("timestamp")
    return (
        "message" in value
        and isinstance(stamp, JsonNumber)
        and stamp.isdigit()
        and (len(value) == 2 or not _EVENT_MARKS.isdisjoint(value))
    )


def _is_insights(value: dict[str, Any]) -> bool:
    rows = value.get("results")
    return (
        type(rows) is list
        and bool(rows)
        and all(
            type(row) is list and row and all(type(cell) is dict and "field" in cell for cell in row) for row in rows
        )
    )


def _payloads(value: dict[str, Any]) -> list[Any]:
    """The encoded or nested payloads of the service records that an AWS function is called with."""
    found: list[Any] = []
    logs = value.get("awslogs")
    if type(logs) is dict and type(logs.get("data")) is str:
        found.append(logs["data"])
    for item in value.get("Records") or value.get("records") or []:
        if type(item) is not dict:
            continue
        for place in (item.get("kinesis"), item):
            if type(place) is dict and type(place.get("data")) is str:
                found.append(place["data"])
                break
    return found


def _notices(value: dict[str, Any]) -> list[str]:
    """The plain texts that SQS and SNS deliver."""
    found: list[str] = []
    records = value.get("Records")
    for item in records if type(records) is list else []:
        if type(item) is dict:
            notice = item.get("Sns")
            for place, key in ((item, "body"), (notice, "Message")):
                if type(place) is dict and type(place.get(key)) is str:
                    found.append(place[key])
    return found


def _recognise(value: Any) -> bool:
    if type(value) is not dict:
        return False
    return (
        value.get("messageType") in ("DATA_MESSAGE", "CONTROL_MESSAGE")
        or _log_events(value) is not None
        or _is_single(value)
        or _is_insights(value)
        or _has_records(value)
    )


def _has_records(value: dict[str, Any]) -> bool:
    logs = value.get("awslogs")
    if type(logs) is dict and type(logs.get("data")) is str:
        return True
    for key in ("Records", "records"):
        items = value.get(key)
        if type(items) is list and items and type(items[0]) is dict:
            first = items[0]
            return (
                "kinesis" in first
                or "Sns" in first
                or type(first.get("data")) is str
                or (type(first.get("body")) is str and "eventSource" in first)
            )
    return False


def _unwrap(record: Record) -> Layer:
    value, envelope = record.value, record.envelope
    if value.get("messageType") == "CONTROL_MESSAGE":
        yield Reject(CONTROL)
        return
    events = _log_events(value)
    if events is not None:
        outer = _within(value, envelope)
        for item in events:
            if type(item) is dict:
                yield _single(item, outer)
        return
    if _is_single(value):
        yield _single(value, envelope)
        return
    if _is_insights(value):
        for row in value["results"]:
            yield _single({cell["field"]: cell.get("value") for cell in row if type(cell["field"]) is str}, envelope)
        return
    for payload in _payloads(value):
        yield from records_in(payload, envelope.within("cloudwatch"))
    for text in _notices(value):
        yield Record(text, envelope.within("cloudwatch"))


def _single(item: dict[str, Any], envelope: Envelope) -> Record:
    moment = epoch_of(item.get("timestamp") or item.get("@timestamp"))
    message = item.get("message", item.get("@message"))
    return Record(message, _within(item, envelope, moment))


CLOUDWATCH: Final = Format(
    name="cloudwatch",
    doc="EKS control-plane logs from CloudWatch: subscription payloads (also inside the records of Lambda, Kinesis, "
    "Firehose, SQS and SNS), `aws logs filter-log-events`, single log events, Insights results. Other logs of the "
    "group (`authenticator`, `api`) are rejected for what they are.",
    recognise=_recognise,
    unwrap=_unwrap,
    hides=hides.CLOUDWATCH,
    example='{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/aws/eks/prod-eu/cluster","logStream":'
    '"kube-apiserver-audit-1","logEvents":[{"id":"1","timestamp":1793527200500,"message":'
    '"{\\"auditID\\":\\"7f0a\\",\\"stage\\":\\"ResponseComplete\\",\\"verb\\":\\"get\\"}"}]}\n',
)
