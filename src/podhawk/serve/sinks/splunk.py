"""Splunk HEC: each finding as risk events, as the risk index of Enterprise Security has them, and as itself.

Every finding gives an event of the sourcetype `podhawk:finding`, and one of `podhawk:risk` for each risk object. The id
in `podhawk_key` is that of the finding and its revision: `dedup podhawk_key` removes repeats.

Source: https://docs.splunk.com/Documentation/ES/latest/RBA/Riskdatamodel
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from podhawk.detect.report.finding_json import epoch_seconds
from podhawk.serve.sinks.declare import Deliverer, RefusedError, SinkKind
from podhawk.serve.sinks.inert import inert_json
from podhawk.serve.sinks.message import ENDED, SinkItem, SinkMessage
from podhawk.serve.sinks.posting import SinkPoster

_SOURCE = "podhawk"


class SplunkOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The URL of the collector without its path, its token, and the indexes."""

    url: str
    token: str
    index: str = "main"
    risk_index: str = "risk"
    ca: str | None = None


def envelopes(message: SinkMessage, options: SplunkOptions) -> Iterator[dict[str, Any]]:
    """The events of a message, each in its envelope."""
    if message.digest:
        yield _envelope(
            options.index,
            "podhawk:digest",
            message.time,
            {
                "podhawk_key": message.key,
                "total": message.total,
                "severities": dict(message.severities),
                "urgency": message.urgency,
                "imported": message.imported,
                "priority": message.priority,
            },
        )
    for item in message.items:
        record, at = item.record, epoch_seconds(item.record["last_time"])
        told = {"podhawk_key": item.key, "change": item.change, "replaces_told": list(item.replaces), **record}
        yield _envelope(options.index, "podhawk:finding", at, told)
        if item.change not in ENDED:
            for number, one in enumerate(record["risk_objects"]):
                yield _envelope(options.risk_index, "podhawk:risk", at, risk_event(item, one, number))


def risk_event(item: SinkItem, risk_object: dict[str, Any], number: int) -> dict[str, Any]:
    """A risk event, with the fields of the data model Risk."""
    record = item.record
    techniques = record["attack"]
    return {
        "podhawk_key": f"{item.key}:{number}",
        "finding_id": item.finding_id,
        "replaces": list(item.replaces),
        "search_name": record["detection"]["name"],
        "source": record["detection"]["name"],
        "risk_object": risk_object["value"],
        "risk_object_type": risk_object["type"],
        "risk_score": risk_object["score"],
        "risk_message": record["title"],
        "threat_object": [one["value"] for one in record["threat_objects"]],
        "threat_object_type": [one["type"] for one in record["threat_objects"]],
        "annotations.mitre_attack.mitre_technique_id": [one["id"] for one in techniques],
        "annotations.mitre_attack.mitre_technique": [one["name"] for one in techniques],
        "annotations.mitre_attack.mitre_tactic": [tactic["name"] for one in techniques for tactic in one["tactics"]],
        "severity": record["severity"],
        "priority": record["priority"],
        "cluster": record["cluster"],
        "user": record["actor"]["user"],
        "src": record["actor"]["source_ip"],
    }


def _envelope(index: str, sourcetype: str, at: float, event: dict[str, Any]) -> dict[str, Any]:
    return {"time": round(at, 6), "index": index, "source": _SOURCE, "sourcetype": sourcetype, "event": event}


class _Splunk:
    def __init__(self, options: SplunkOptions) -> None:
        self._options = options
        headers = {"Authorization": f"Splunk {options.token}", "Content-Type": "application/json"}
        self._poster = SinkPoster(f"{options.url.rstrip('/')}/services/collector/event", headers, options.ca)

    def deliver(self, message: SinkMessage) -> None:
        body = b"\n".join(inert_json(one) for one in envelopes(message, self._options))
        answer = self._poster.post(body, {})
        try:
            code = msgspec.json.decode(answer.content).get("code")
        except (msgspec.DecodeError, AttributeError):
            code = None
        if code != 0:
            raise RefusedError(f"the collector at {self._poster.host} answers {answer.text[:200]}")

    def preview(self, message: SinkMessage) -> str:
        return f"{sum(1 for _ in envelopes(message, self._options))} events to HEC at {self._poster.host}"

    def close(self) -> None:
        self._poster.close()


def _open(options: SplunkOptions) -> Deliverer:
    return _Splunk(options)


SPLUNK = SinkKind(
    "splunk",
    "Splunk's HTTP Event Collector: findings, and risk events for Enterprise Security.",
    SplunkOptions,
    _open,
    feed=True,
    batch=50,
)
