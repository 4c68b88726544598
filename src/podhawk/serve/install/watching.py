"""Alert rules and a dashboard for the service.

The first rule compares two sides: what the API servers say they have logged, and what has come here. It needs the
metrics of the API servers in the same Prometheus, with the label `cluster` that their tokens name.
"""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

_SENT: Final = "sum by (cluster) (increase(apiserver_audit_event_total[15m]))"
_CAME: Final = (
    'sum by (cluster) (increase(podhawk_events_received_total{receiver="webhook"}[15m]))'
    ' - sum by (cluster) (increase(podhawk_events_duplicate_total{receiver="webhook"}[15m]))'
)
RULES: Final[tuple[tuple[str, str, str, str, str], ...]] = (
    (
        "PodhawkEventsMissing",
        f"({_SENT} - ({_CAME} or {_SENT} * 0)) / {_SENT} > 0.05 and {_SENT} > 100",
        "10m",
        "critical",
        "More than 5 % of the audit events of a cluster do not arrive.",
    ),
    (
        "PodhawkAuditWebhookErrors",
        'sum by (cluster) (increase(apiserver_audit_error_total{plugin="webhook"}[10m])) > 0',
        "0m",
        "critical",
        "An API server has dropped audit events.",
    ),
    (
        "PodhawkDown",
        'absent(podhawk_build_info) or up{job="podhawk"} == 0',
        "5m",
        "critical",
        "podhawk serve does not answer.",
    ),
    (
        "PodhawkSenderQuiet",
        "time() - max by (cluster, receiver, instance) (podhawk_last_received_timestamp_seconds) > 900",
        "5m",
        "warning",
        "A sender has sent nothing for 15 minutes.",
    ),
    (
        "PodhawkEvaluatorDown",
        "podhawk_evaluator_up == 0",
        "5m",
        "critical",
        "Events are taken and not evaluated.",
    ),
    (
        "PodhawkBehind",
        "sum by (job) (podhawk_events_waiting) > 100000",
        "15m",
        "warning",
        "More than 100,000 events wait for their evaluation.",
    ),
    ("PodhawkInboxFull", "podhawk_inbox_full == 1", "1m", "critical", "No events are taken: the inbox is full."),
    (
        "PodhawkRefused",
        'sum by (reason) (increase(podhawk_requests_refused_total{reason=~"token|cluster|full"}[10m])) > 0',
        "5m",
        "warning",
        "Senders are refused; a cluster may be losing its audit log.",
    ),
    (
        "PodhawkDeadLetters",
        "sum by (cluster) (increase(podhawk_dead_letters_total[1h])) > 0",
        "0m",
        "warning",
        "Something could not be read or evaluated.",
    ),
    ("PodhawkContentBroken", "podhawk_content_problem == 1", "5m", "warning", "Changed content was not taken over."),
    ("PodhawkTokensBroken", "podhawk_tokens_problem == 1", "5m", "warning", "The file of tokens cannot be read."),
    (
        "PodhawkSinkBehind",
        "podhawk_sink_lag_seconds > 900",
        "5m",
        "critical",
        "A sink has not been able to tell of findings for 15 minutes.",
    ),
    (
        "PodhawkSinkLost",
        "increase(podhawk_sink_dead_total[1h]) > 0 or increase(podhawk_sink_missed_total[1h]) > 0",
        "0m",
        "critical",
        "A sink never took a message.",
    ),
)
"""Name, expression, for how long, severity and meaning of each alert."""


def rules() -> str:
    """The alert rules as a file for Prometheus."""
    found = [
        {
            "alert": name,
            "expr": expression,
            "for": lasts,
            "labels": {"severity": severity},
            "annotations": {"summary": text},
        }
        for name, expression, lasts, severity, text in RULES
    ]
    return str(yaml.safe_dump({"groups": [{"name": "podhawk", "rules": found}]}, sort_keys=False, width=110))


PANELS: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        "Events received",
        "sum by (cluster, receiver) (rate(podhawk_events_received_total[5m]))",
        "{{cluster}} {{receiver}}",
        "reqps",
    ),
    ("Logged by API servers, not received", f"({_SENT} - ({_CAME})) / {_SENT}", "{{cluster}}", "percentunit"),
    ("Events that wait", "sum(podhawk_events_waiting)", "waiting", "short"),
    (
        "From receipt to finding, 95 %",
        "histogram_quantile(0.95, sum by (le) (rate(podhawk_event_lag_seconds_bucket[5m])))",
        "seconds",
        "s",
    ),
    ("Age of the newest event", "time() - podhawk_last_event_timestamp_seconds", "{{cluster}} {{instance}}", "s"),
    ("Refused requests", "sum by (reason) (rate(podhawk_requests_refused_total[5m]))", "{{reason}}", "reqps"),
    ("Findings shown", 'sum by (kind) (podhawk_findings_total{hidden="false"})', "{{kind}}", "short"),
    ("CPU of detections", "topk(10, rate(podhawk_detection_cpu_seconds_total[5m]))", "{{detection}}", "percentunit"),
    ("Messages of sinks", "sum by (sink) (rate(podhawk_sink_sent_total[5m]))", "{{sink}}", "short"),
    ("Sinks behind", "podhawk_sink_lag_seconds", "{{sink}}", "s"),
    ("Inbox", "podhawk_inbox_bytes", "bytes", "bytes"),
    ("Lake", "podhawk_lake_bytes", "bytes", "bytes"),
)
"""Title, expression, legend and unit of each panel."""


def dashboard() -> str:
    """A dashboard for Grafana, as JSON to import."""
    panels: list[dict[str, Any]] = []
    for number, (title, expression, legend, unit) in enumerate(PANELS):
        panels.append(
            {
                "id": number + 1,
                "type": "timeseries",
                "title": title,
                "datasource": {"type": "prometheus", "uid": "${datasource}"},
                "gridPos": {"x": number % 2 * 12, "y": number // 2 * 8, "w": 12, "h": 8},
                "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                "targets": [{"refId": "A", "expr": expression, "legendFormat": legend}],
            }
        )
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}
    return json.dumps(
        {
            "uid": "podhawk",
            "title": "podhawk",
            "schemaVersion": 39,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "templating": {"list": [source]},
            "panels": panels,
        },
        indent=2,
    )
