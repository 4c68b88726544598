"""Alertmanager: an alert for each finding, resolved when the finding is gone or closed.

The labels of an alert are what tells it from others, so they hold nothing that may change with a revision, but for
`severity`, by which people route: where that may have been another one, the alert with the other one is resolved.
Alertmanager forgets an alert at its `endsAt`; a finding is no state that ends by itself, so it is told for `hours`.

Source: https://prometheus.io/docs/alerting/latest/clients/ and the OpenAPI document of its API v2
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from podhawk.detect.report.finding_json import rfc3339
from podhawk.serve.sinks.declare import Deliverer, SinkKind
from podhawk.serve.sinks.inert import inert
from podhawk.serve.sinks.message import ENDED, SinkItem, SinkMessage, urgency_with
from podhawk.serve.sinks.posting import SinkPoster
from podhawk.serve.sinks.texts import MessageTexts, texts_for

_SEVERITY = {"urgent": "critical", "normal": "warning", "low": "info"}
"""The values of the label `severity` that routes of Alertmanager commonly have."""


class AlertmanagerOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The URL of Alertmanager without the path of its API, credentials, and labels to add."""

    url: str
    hours: Annotated[float, Meta(gt=0)] = 24.0
    labels: dict[str, str] = {}
    token: str | None = None
    ca: str | None = None
    title: str | None = None
    text: str | None = None
    url_of_findings: str | None = None
    """Where people find findings; `generatorURL` of the alerts."""


def labels_of(item: SinkItem, finding_id: str) -> dict[str, str]:
    """What tells the alert of a finding from others."""
    return {
        "alertname": "PodhawkFinding",
        "finding_id": finding_id,
        "cluster": inert(item.record["cluster"]),
        "detection": inert(item.record["detection"]["name"]),
    }


class _Alertmanager:
    def __init__(self, options: AlertmanagerOptions) -> None:
        self._options = options
        self._texts: MessageTexts = texts_for(options.title, options.text)
        headers = {"Content-Type": "application/json"}
        if options.token is not None:
            headers["Authorization"] = f"Bearer {options.token}"
        self._poster = SinkPoster(f"{options.url.rstrip('/')}/api/v2/alerts", headers, options.ca)

    def alerts(self, message: SinkMessage, now: float) -> list[dict[str, Any]]:
        """The alerts of a message."""
        if message.digest:
            labels = {"alertname": "PodhawkDigest", "digest": message.key, "severity": _SEVERITY[message.urgency]}
            return [self._alert(message, {**labels, **self._options.labels}, now, now + self._options.hours * 3600)]
        found = []
        ends = now + self._options.hours * 3600
        for item in message.items:
            current = None if item.change in ENDED else _SEVERITY[message.urgency]
            for finding_id, priority in item.before.items():
                before = _SEVERITY[urgency_with(priority, message.urgent)]
                if (finding_id, before) != (item.finding_id, current):
                    found.append(self._alert(message, self._labels(item, finding_id, before), now, now))
            if current is not None:
                found.append(self._alert(message, self._labels(item, item.finding_id, current), now, ends))
        return found

    def _labels(self, item: SinkItem, finding_id: str, severity: str) -> dict[str, str]:
        return {**labels_of(item, finding_id), "severity": severity, **self._options.labels}

    def _alert(self, message: SinkMessage, labels: dict[str, str], now: float, ends: float) -> dict[str, Any]:
        alert: dict[str, Any] = {
            "labels": labels,
            "annotations": {
                "summary": self._texts.title_of(message),
                "description": self._texts.text_of(message),
                "key": message.key,
                "urgency": message.urgency,
                "finding_severity": message.severity,
                "priority": str(message.priority),
            },
            "startsAt": rfc3339(min(message.time, now)),
            "endsAt": rfc3339(ends),
        }
        if self._options.url_of_findings is not None:
            alert["generatorURL"] = self._options.url_of_findings
        return alert

    def deliver(self, message: SinkMessage) -> None:
        self._poster.post(msgspec.json.encode(self.alerts(message, time.time())), {})

    def preview(self, message: SinkMessage) -> str:
        return f"alert to {self._poster.host}: {self._texts.title_of(message)}"

    def close(self) -> None:
        self._poster.close()


def _open(options: AlertmanagerOptions) -> Deliverer:
    return _Alertmanager(options)


ALERTMANAGER = SinkKind(
    "alertmanager",
    "Alertmanager's API v2: an alert for each finding, resolved when it is gone.",
    AlertmanagerOptions,
    _open,
    rate="120/h",
)
