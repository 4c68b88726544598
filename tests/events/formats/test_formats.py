"""Each wrapping, recognised without being told, and what of it is kept."""

from __future__ import annotations

import base64
import gzip
import io
import json
from typing import Any

import pytest

from events.conftest import Read
from podhawk.events.registry import FORMATS
from support.packing import zstd
from support.samples import aks, cloudwatch, event, gke, line, packed, text

DOCS_TIME = 1793527200.5
EVENT_TIME = 1793527200.123456


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_the_example_of_a_format_is_of_that_format(form: Any, read: Read) -> None:
    events, report = read(form.example)
    assert events, report.summary_lines()
    assert {one.format for one in events} <= {form.name, "native"}
    assert events[0].format == ("native" if form.beside else form.name)
    events, _ = read(form.example, input_format=form.name)
    assert events


WRAPPED = {
    "ndjson": line(),
    "pretty": json.dumps(event(), indent=2),
    "concatenated": line().strip() + line("a2").strip(),
    "pretty concatenated": json.dumps(event(), indent=4) + "\n\n" + json.dumps(event("a2"), indent=1),
    "array": text([event(), event("a2")]),
    "array by lines": "[\n" + line().strip() + ",\n" + line("a2") + "]\n",
    "eventlist": text({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event()]}),
    "list of v1beta1": text({"kind": "List", "apiVersion": "v1", "items": [event(apiVersion="audit.k8s.io/v1beta1")]}),
    "hec object": text({"event": event(), "time": 1}),
    "hec string": text({"event": text(event()), "host": "h"}),
    "hec concatenated": text({"event": event()}) + text({"event": event("a2")}),
    "hec of docker": text({"event": text({"log": line(), "stream": "stdout", "time": "2026-11-01T10:00:00Z"})}),
    "docker": text({"log": line(), "stream": "stdout", "time": "2026-11-01T10:00:00Z"}),
    "cri": "2026-11-01T10:00:00.5Z stdout F " + line(),
    "syslog": "Nov  1 10:00:00 cp-1 kube-apiserver[1]: " + line(),
    "fluent text": text({"log": line(), "kubernetes": {"host": "n1"}}),
    "fluent object": text({"log": event(), "kubernetes": {"host": "n1"}}),
    "fluent parsed": text({**event(), "kubernetes": {"host": "n1"}, "stream": "stdout"}),
    "forward": text([1793527200, event()]),
    "forward tagged": text(["kube.audit", [[1793527200, event()], [[1793527200, {}], event("a2")]]]),
    "vector": text({"message": text(event()), "host": "n1", "source_type": "file"}),
    "filebeat message": text({"@timestamp": "2026-11-01T10:00:00Z", "message": text(event()), "agent": {"x": 1}}),
    "filebeat nested": text({"@timestamp": "2026-11-01T10:00:00Z", "kubernetes": {"audit": event()}}),
    "filebeat dotted": text({f"kubernetes.audit.{key}": value for key, value in event().items()}),
    "elastic hit": text({"_index": "i", "_source": {"kubernetes": {"audit": event()}}}),
    "cloudwatch": text(cloudwatch(text(event()))),
    "lambda": text({"awslogs": {"data": packed(cloudwatch(text(event())))}}),
    "kinesis": text({"Records": [{"kinesis": {"data": packed(cloudwatch(text(event())))}}]}),
    "firehose": text({"records": [{"recordId": "1", "data": packed(cloudwatch(text(event())))}]}),
    "filter-log-events": text(
        {
            "events": [
                {
                    "logStreamName": "kube-apiserver-audit-0f",
                    "timestamp": 1793527200500,
                    "message": text(event()),
                    "eventId": "1",
                }
            ],
            "searchedLogStreams": [],
        }
    ),
    "insights": text({"results": [[{"field": "@message", "value": text(event())}]]}),
    "s3 export": "2026-11-01T10:00:00.500Z " + line(),
    "aks records": text({"records": [aks(line()), aks(event("a2"), category="kube-audit-admin")]}),
    "aks single": "\ufeff" + json.dumps(aks(line()), indent=2),
    "aks escaped slashes": text(aks(line())).replace("/", "\\/"),
    "aks other category": text(aks(line(), category="kube-apiserver")),
    "aks properties as text": text({**aks(""), "properties": text({"log": line()})}),
    "log analytics": text({"TenantId": "t", "Category": "kube-audit", "log_s": line()}),
    "otlp": text({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": text(event())}}]}]}]}),
    "otlp record alone": text({"timeUnixNano": "1", "body": {"stringValue": text(event())}}),
    "splunk export": text({"preview": False, "result": {"_raw": text(event())}}),
    "cloudwatch event alone": text({"timestamp": 1793527200500, "message": text(event())}),
    "text of text": text(text(text(event()))),
    "array of texts": text([text(event())]),
    "yaml": "---\n" + "\n".join(f"{key}: {text(value)}" for key, value in event().items()) + "\n",
    "somewhere inside": text({"a": {"b": event()}}),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_every_wrapping_gives_the_event(name: str, read: Read) -> None:
    events, report = read(WRAPPED[name])
    assert not report.rejected, report.summary_lines()
    assert len(events) == WRAPPED[name].count("a2") + 1
    first = events[0].view.data
    assert {key: first[key] for key in event() if key != "apiVersion"} == {
        key: value
        for key, value in json.loads(text(event()), parse_int=str, parse_float=str).items()
        if key != "apiVersion"
    }
    assert events[0].time == EVENT_TIME
    assert events[0].stage_time == 1793527200.234567
    assert (events[0].view.source, events[0].view.sourcetype, events[0].view.index) == ("kubernetes", "_json", "main")


def _utf16(data: str) -> bytes:
    return data.encode("utf-16")


STREAMS = {
    "gzip": gzip.compress(line().encode() * 1) + gzip.compress(line("a2").encode()),
    "gzip padded": gzip.compress((line() + line("a2")).encode()) + b"\0" * 512,
    "zstd": zstd.compress(line().encode()) + zstd.compress(line("a2").encode()),
    "crlf": (line() + line("a2")).replace("\n", "\r\n").encode(),
    "bom": b"\xef\xbb\xbf" + (line() + line("a2")).encode(),
    "bom inside": line().encode() + b"\xef\xbb\xbf" + line("a2").encode(),
    "utf-16": _utf16(line() + line("a2")),
    "no final newline": (line() + line("a2").strip()).encode(),
    "blank lines": ("\n \n" + line() + "\r\n\n" + line("a2") + "\n").encode(),
    "nul padding": b"\0" * 4096 + line().encode() + b"\0\0" + line("a2").encode() + b"\0" * 64,
}


@pytest.mark.parametrize("name", STREAMS)
def test_every_stream_gives_both_events(name: str, read: Read) -> None:
    events, report = read(STREAMS[name])
    assert [one.view.data["auditID"] for one in events] == ["a1", "a2"], report.summary_lines()
    assert events[0].view.data["objectRef"]["name"] == "web-ä"
    assert not report.rejected


def test_raw_is_the_source_text_where_the_event_stands_verbatim(read: Read) -> None:
    spaced = '{ "auditID":"a1",  "verb":"get", "n": 1.0, "kind":"Event" }'
    for content in (spaced, f'{{"kind":"EventList","items":[ {spaced} ]}}', f'{{"event": {spaced}}}', f"[{spaced}]"):
        events, _ = read(content)
        assert events[0].view.raw == spaced
    pretty = json.dumps(event(), indent=2)
    assert read(pretty + "\n" + pretty)[0][1].view.raw == pretty
    events, _ = read(text(aks({"auditID": "a1", "verb": "get", "n": "ä"})))
    assert events[0].view.raw == '{"auditID":"a1","verb":"get","n":"ä"}'


def test_hec_envelope_is_kept_and_its_time_never_overrides_the_events(read: Read) -> None:
    envelope = {
        "time": 99,
        "host": "cp-1",
        "source": "audit",
        "sourcetype": "kube:apiserver-audit",
        "index": "k8s",
        "fields": {"cluster": "prod-eu", "zones": ["a", "b"]},
        "event": event(),
    }
    (one,), _ = read(text(envelope))
    assert one.time == EVENT_TIME
    assert (one.cluster, one.view.host, one.view.source) == ("prod-eu", "cp-1", "kubernetes")
    assert one.view.indexed == {"cluster": "prod-eu", "zones": ("a", "b")}
    assert one.carrier is not None
    assert (one.carrier.source, one.carrier.sourcetype, one.carrier.index) == ("audit", "kube:apiserver-audit", "k8s")
    (bare,), _ = read(text({"time": "1793527200.5", "event": {"auditID": "x", "verb": "get"}}))
    assert bare.time == DOCS_TIME
    assert bare.carrier is None


def test_outer_time_fills_in_for_events_without_one(read: Read) -> None:
    short = '{"auditID":"x","verb":"get"}'
    for content in (
        f"2026-11-01T10:00:00.5Z stdout F {short}",
        f"2026-11-01T10:00:00.500Z {short}",
        text({"log": short, "time": "2026-11-01T10:00:00.5Z"}),
        text({"timeUnixNano": "1793527200500000000", "body": {"stringValue": short}}),
        text(cloudwatch(short)),
        text(aks(short, time="2026-11-01T10:00:00.5Z")),
    ):
        assert read(content)[0][0].time == DOCS_TIME, content


def test_time_field_option_and_v1beta1_timestamp(read: Read) -> None:
    assert read(line(), time_field="stageTimestamp")[0][0].time == 1793527200.234567
    old = {"auditID": "x", "verb": "get", "timestamp": "2026-11-01T10:00:00.5Z"}
    assert read(text(old))[0][0].time == DOCS_TIME


def test_options_override_both_views_and_name_the_cluster(read: Read) -> None:
    (one,), _ = read(text(aks(line())), source="s", sourcetype="t", host="h", index="i")
    assert one.carrier is not None
    for view in (one.view, one.carrier):
        assert (view.source, view.sourcetype, view.host, view.index) == ("s", "t", "h", "i")
    assert one.cluster == "PROD"
    assert read(line(), cluster="mine")[0][0].cluster == "mine"
    assert read(text(aks(line())), cluster="mine")[0][0].cluster == "PROD"
    assert read(line())[0][0].cluster == "default"


def test_cloudwatch_carrier_names_the_cluster_in_its_source(read: Read) -> None:
    (one,), _ = read(text(cloudwatch(text(event()))))
    assert one.carrier is not None
    assert (one.carrier.sourcetype, one.carrier.source) == ("aws:cloudwatchlogs:eks", "/aws/eks/prod-eu/cluster")
    assert one.carrier.data == one.view.data
    assert one.cluster == "prod-eu"


def test_aks_carrier_is_the_record_with_the_log_as_text(read: Read) -> None:
    for log in (line(), event()):
        (one,), _ = read(text({"records": [aks(log)]}))
        assert one.carrier is not None
        assert one.carrier.sourcetype == "mscs:storage:blob:json"
        assert one.carrier.data["category"] == "kube-audit"
        assert json.loads(one.carrier.data["properties"]["log"])["auditID"] == "a1"
        assert json.loads(one.carrier.raw)["properties"]["pod"] == "kube-apiserver-1"


def test_pubsub_push_pull_and_as_the_add_on_keeps_it(read: Read) -> None:
    data = base64.b64encode(text(gke()).encode()).decode()
    message = {"data": data, "messageId": "1", "publishTime": "2026-11-01T10:00:01Z"}
    for content in (
        {"message": message, "subscription": "s"},
        {"receivedMessages": [{"message": message}]},
        {"data": gke(), "publish_time": 1.0},
        message,
        gke(),
    ):
        (one,), _ = read(text(content))
        assert one.format == "gke"
        assert one.carrier is not None
        assert one.carrier.sourcetype == "google:gcp:pubsub:message"
        assert one.carrier.data["data"]["protoPayload"]["serviceName"] == "k8s.io"
        assert one.carrier.aliases["src_ip"] == "data.protoPayload.requestMetadata.callerIp"
        assert one.cluster == "prod-eu"


def test_origins_name_line_and_place(read: Read) -> None:
    events, _ = read("\n" + text([event(), event("a2")]) + "\n" + json.dumps(event(), indent=1) + "\n" + line("a3"))
    assert [str(one.origin).rsplit("/", 1)[-1] for one in events] == [
        "input.log:2",
        "input.log:2[1]",
        "input.log:3",
        f"input.log:{4 + json.dumps(event(), indent=1).count(chr(10))}",
    ]


def test_shippers_are_undone(read: Read) -> None:
    shipped: dict[str, Any] = event(
        level="default",
        k8s_audit_level="Metadata",
        user=text(event()["user"]),
        objectRef=text(event()["objectRef"]),
        annotations={"authorization_k8s_io/decision": "forbid", "authorization_k8s_io_reason": "RBAC: x"},
    )
    (one,), _ = read(text(shipped))
    data = one.view.data
    assert data["level"] == "Metadata"
    assert data["user"] == event()["user"]
    assert data["objectRef"]["resource"] == "pods"
    assert data["annotations"] == {"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": "RBAC: x"}
    assert json.loads(one.view.raw)["annotations"] == data["annotations"]
    nested = event(annotations={"authorization": {"k8s": {"io/decision": "allow"}}})
    assert read(text(nested))[0][0].view.data["annotations"] == {"authorization.k8s.io/decision": "allow"}
    flat = {
        "auditID": "x",
        "verb": "get",
        "user.username": "bob",
        "user.groups": ["a"],
        "user.extra.k8s.io/x": ["y"],
        "objectRef.resource": "pods",
        "annotations.authorization.k8s.io/decision": "allow",
    }
    data = read(text(flat))[0][0].view.data
    assert data["user"] == {"username": "bob", "groups": ["a"], "extra": {"k8s.io/x": ["y"]}}
    assert data["objectRef"] == {"resource": "pods"}
    assert data["annotations"] == {"authorization.k8s.io/decision": "allow"}


def test_an_annotation_that_was_sound_is_left_alone(read: Read) -> None:
    kept = {"pod-security.kubernetes.io/enforce-policy": "x", "example.com/with_underscore": "y"}
    content = text(event(annotations=kept))
    (one,), _ = read(content)
    assert one.view.data["annotations"] == kept
    assert one.view.raw == content


def test_partial_lines_of_runtimes_are_put_together(read: Read) -> None:
    whole = line("big", note="x" * 40_000)
    parts = [whole[start : start + 16384] for start in range(0, len(whole), 16384)]
    cri = "".join(
        f"2026-11-01T10:00:00.5Z stdout {'P' if part is not parts[-1] else 'F'} {part.rstrip()}\n"
        f"2026-11-01T10:00:00.5Z stderr F I1101 10:00:00.000000       1 x.go:1] note\n"
        for part in parts
    )
    docker = "".join(text({"log": part, "stream": "stdout", "time": "2026-11-01T10:00:00.5Z"}) + "\n" for part in parts)
    for content in (cri, docker):
        events, report = read(line("a0") + content + line("a2"))
        assert [one.view.data["auditID"] for one in events] == ["a0", "big", "a2"]
        assert not events[1].truncated
        assert set(report.rejected) <= {"klog line"}
    events, _ = read(docker[: docker.index("\n") + 1] + docker)  # the first record lost its rest
    assert [(one.view.data["auditID"], one.truncated) for one in events][-1] == ("big", False)


def test_stdin_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from podhawk.events import InputReport, ReadOptions, read_events

    class Stdin:
        buffer = io.BytesIO(gzip.compress(line().encode()))

    monkeypatch.setattr("sys.stdin", Stdin())
    assert [str(one.origin) for one in read_events(["-"], ReadOptions(), InputReport())] == ["-:1"]
