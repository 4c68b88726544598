"""Several audit events on one line, in every wrapping and in every way in which a line can hold them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

from support.samples import aks, cloudwatch, event, gke, packed, text

PER_LINE = (1, 2, 5)
AT = "2026-11-01T10:00:00.5Z"
Wrapping = Callable[[list[dict[str, Any]]], str]


def back_to_back(wrap: Callable[[dict[str, Any]], Any], between: str = "") -> Wrapping:
    """A record for each event, one after the other."""
    return lambda events: between.join(text(wrap(one)) for one in events)


def texts(events: list[dict[str, Any]]) -> str:
    return "".join(text(one) for one in events)


def docker(log: str, **more: Any) -> dict[str, Any]:
    return {"log": log, "stream": "stdout", "time": AT, **more}


def docker_parts(events: list[dict[str, Any]]) -> str:
    """Each record in two parts, as the driver splits what is long; the second stream tells nothing."""
    made = []
    for one in events:
        whole = text(one) + "\n"
        made += [docker(whole[:300]), docker("noise", stream="stderr"), docker(whole[300:])]
    return "".join(text(one) for one in made)


def crossed_parts(events: list[dict[str, Any]]) -> str:
    """The first parts on one line, after a whole record of its own; the rests on the next line, in front of another."""
    logs = [text(one) + "\n" for one in events]
    if len(logs) < 3:
        return "".join(text(docker(log)) for log in logs)
    whole, first, second, *others = logs
    return (
        text(docker(whole))
        + text(docker(first[:300]))
        + text(docker(second[:300], stream="stderr"))
        + "\n"
        + "".join(text(docker(log, stream="other")) for log in others[:1])
        + text(docker(second[300:], stream="stderr"))
        + text(docker(first[300:]))
        + "".join(text(docker(log)) for log in others[1:])
    )


def of_gke(one: dict[str, Any]) -> dict[str, Any]:
    return {**gke(), "operation": {"id": one["auditID"], "producer": "k8s.io", "first": True, "last": True}}


def pubsub(one: dict[str, Any]) -> dict[str, Any]:
    data = base64.b64encode(text(of_gke(one)).encode()).decode()
    return {"message": {"data": data, "messageId": "1", "publishTime": AT}, "subscription": "projects/p"}


def otlp(logs: list[str]) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": log}} for log in logs]}]}]}


def twice_packed(events: list[dict[str, Any]]) -> str:
    """A compressed payload that holds more events than it has bytes for them."""
    body = gzip.compress(text(cloudwatch(*map(text, events))).encode())
    return text({"awslogs": {"data": base64.b64encode(body).decode()}})


WRAPPINGS: dict[str, Wrapping] = {
    "native": texts,
    "native with commas": back_to_back(lambda one: one, ","),
    "native with blanks": back_to_back(lambda one: one, " \t "),
    "pretty": lambda events: "".join(json.dumps(one, indent=1) for one in events),
    "array": text,
    "arrays": lambda events: text(events[:2]) + text(events[2:]) if events[2:] else text(events),
    "array of texts": lambda events: text([text(one) for one in events]),
    "event list": lambda events: text({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events}),
    "event lists": back_to_back(lambda one: {"kind": "EventList", "items": [one]}),
    "list of event lists": lambda events: text([{"kind": "EventList", "items": [one]} for one in events]),
    "hec": back_to_back(lambda one: {"time": 1, "event": one}),
    "hec text": back_to_back(lambda one: {"event": text(one), "host": "h"}),
    "hec of several": lambda events: text({"event": texts(events)}),
    "hec of docker": lambda events: text({"event": "".join(text(docker(text(one) + "\n")) for one in events)}),
    "docker": back_to_back(lambda one: docker(text(one) + "\n")),
    "docker of several": lambda events: text(docker(texts(events) + "\n")),
    "docker in parts": docker_parts,
    "docker in crossed parts": crossed_parts,
    "cri": lambda events: f"{AT} stdout F " + texts(events),
    "cloudwatch export": lambda events: "2026-11-01T10:00:00.500Z " + texts(events),
    "syslog": lambda events: "Nov  1 10:00:00 cp-1 kube-apiserver[1]: " + texts(events),
    "fluent": back_to_back(lambda one: {"log": text(one), "kubernetes": {"host": "n1"}}),
    "fluent object": back_to_back(lambda one: {"log": one, "kubernetes": {"host": "n1"}}),
    "shipper": back_to_back(lambda one: {**one, "kubernetes": {"host": "n1"}, "stream": "stdout"}),
    "openshift": back_to_back(lambda one: {**one, "level": "default", "k8s_audit_level": "Metadata", "hostname": "c"}),
    "forward": back_to_back(lambda one: [1793527200, one]),
    "forward tagged": lambda events: text(["kube.audit", [[1793527200, one] for one in events]]),
    "vector": back_to_back(lambda one: {"message": text(one), "host": "n1", "source_type": "file"}),
    "vector of several": lambda events: text({"message": texts(events), "host": "n1"}),
    "filebeat": back_to_back(lambda one: {"@timestamp": AT, "kubernetes": {"audit": one}}),
    "filebeat text": back_to_back(lambda one: {"@timestamp": AT, "message": text(one), "agent": {"type": "filebeat"}}),
    "elastic": back_to_back(lambda one: {"_index": "i", "_source": {"kubernetes": {"audit": one}}}),
    "cloudwatch": lambda events: text(cloudwatch(*map(text, events))),
    "cloudwatch payloads": back_to_back(lambda one: cloudwatch(text(one))),
    "cloudwatch events": back_to_back(lambda one: {"timestamp": 1793527200500, "message": text(one)}),
    "cloudwatch of several": lambda events: text(cloudwatch(texts(events))),
    "lambda": back_to_back(lambda one: {"awslogs": {"data": packed(cloudwatch(text(one)))}}),
    "lambda of several": twice_packed,
    "kinesis": lambda events: text(
        {"Records": [{"kinesis": {"data": packed(cloudwatch(text(one)))}} for one in events]}
    ),
    "firehose": back_to_back(lambda one: {"records": [{"recordId": "1", "data": packed(cloudwatch(text(one)))}]}),
    "insights": lambda events: text({"results": [[{"field": "@message", "value": text(one)}] for one in events]}),
    "aks": back_to_back(lambda one: aks(text(one) + "\n")),
    "aks records": lambda events: text({"records": [aks(text(one) + "\n") for one in events]}),
    "aks of several": lambda events: text(aks(texts(events))),
    "otlp": lambda events: text(otlp([text(one) for one in events])),
    "otlp lines": back_to_back(lambda one: otlp([text(one)])),
    "splunk export": back_to_back(lambda one: {"preview": False, "result": {"_raw": text(one)}}),
    "gke": back_to_back(of_gke),
    "gke array": lambda events: text([of_gke(one) for one in events]),
    "pubsub": back_to_back(pubsub),
    "nested": back_to_back(lambda one: {"id": "42", "payload": {"audit": one}}),
}
"""A line (or what of it is on several) with these events."""


def numbered(name: str, count: int) -> list[dict[str, Any]]:
    """Events of one moment, each of its own request."""
    return [event(f"{name}.{count}.{number}") for number in range(count)]


def line(name: str, count: int) -> str:
    """A line of a wrapping with so many events."""
    return WRAPPINGS[name](numbered(name, count)) + "\n"


def rules(count: int) -> str:
    """The tests of a rule, all of them on one line of YAML."""
    logs = ", ".join(text({"Name": "x", "ExpectedResult": True, "Log": one}) for one in numbered("rule tests", count))
    return f"AnalysisType: rule\nRuleID: x\nTests: [{logs}]\n"
