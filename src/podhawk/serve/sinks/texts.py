"""What people read: a title and a few lines for a message, by default or by a template.

Every value goes through `inert`, in templates too: whatever an expression gives is made harmless before it is put in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from podhawk.errors import UsageError
from podhawk.serve.sinks.inert import inert
from podhawk.serve.sinks.message import SinkItem, SinkMessage
from podhawk.visible import visible

TITLE: Final = (
    "{% if message.digest %}"
    "{{ 'Urgent: ' if message.urgency == 'urgent' else '' }}"
    "{{ message.total }} findings{{ ' in imported logs' if message.imported else '' }}, "
    "the most urgent of priority {{ message.priority }}"
    "{% else %}"
    "{{ {'gone': 'Withdrawn: ', 'closed': 'Closed: ', 'rekeyed': 'Now under another id: '}.get(first.change, '') }}"
    "{{ 'Urgent: ' if message.urgency == 'urgent' else '' }}{{ first.record.title }}"
    "{% endif %}"
)
TEXT: Final = (
    "{% for item in items %}"
    "{{ item.record.severity }}, priority {{ item.record.priority }}: {{ item.record.title }}\n"
    "  {{ item.change }}; {{ item.record.detection.name }}; cluster {{ item.record.cluster }}; "
    "{{ item.record.first_time }}\n"
    "  {{ item.record.actor.user or '-' }} from {{ item.record.actor.source_ip or '-' }}: {{ item.target or '-' }} "
    "({{ item.record.outcome }})\n"
    "{% if item.repeats %}  and {{ item.repeats }} more like it\n{% endif %}"
    "{% if item.replaces %}  was {{ item.replaces | join(', ') }}\n{% endif %}"
    "  finding {{ item.finding_id }} revision {{ item.revision }}\n"
    "{% endfor %}"
    "{% if message.total > items | length %}and {{ message.total - items | length }} more: "
    "podhawk status, or GET /api/v1/findings\n{% endif %}"
)
MOST_CHARACTERS: Final = 20_000
"""Of a text; what is longer is cut."""
_SANDBOX: Final = ImmutableSandboxedEnvironment(finalize=inert, undefined=jinja2.StrictUndefined, autoescape=False)


class MessageTexts(Struct, frozen=True):
    """The templates of a sink."""

    title: jinja2.Template
    text: jinja2.Template

    def title_of(self, message: SinkMessage) -> str:
        """The title, on one line."""
        return " ".join(_rendered(self.title, message).split())[:300]

    def text_of(self, message: SinkMessage) -> str:
        """The text, of several lines."""
        return visible(_rendered(self.text, message))[:MOST_CHARACTERS].rstrip() + "\n"


def texts_for(title: str | None, text: str | None) -> MessageTexts:
    """The templates. Raises UsageError for one that cannot be used."""
    found = MessageTexts(_compiled(title or TITLE), _compiled(text or TEXT))
    try:
        found.title_of(EXAMPLE)
        found.text_of(EXAMPLE)
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise UsageError(f"the template cannot be used: {error}") from None
    return found


def target_of(record: Mapping[str, Any]) -> str:
    """What a finding was done to."""
    target = record["target"]
    resource = "/".join(part for part in (target["resource"], target["subresource"]) if part)
    return " ".join(part for part in (resource, "/".join(filter(None, (target["namespace"], target["name"])))) if part)


def _compiled(text: str) -> jinja2.Template:
    try:
        return _SANDBOX.from_string(text)
    except jinja2.TemplateError as error:
        raise UsageError(f"the template cannot be read: {error}") from None


def _rendered(template: jinja2.Template, message: SinkMessage) -> str:
    items = [
        {
            "change": one.change,
            "finding_id": one.finding_id,
            "revision": one.revision,
            "record": one.record,
            "replaces": list(one.replaces),
            "repeats": one.repeats,
            "target": target_of(one.record),
            "key": one.key,
        }
        for one in message.items
    ]
    values = {
        "key": message.key,
        "urgency": message.urgency,
        "digest": message.digest,
        "imported": message.imported,
        "total": message.total,
        "priority": message.priority,
        "severity": message.severity,
        "severities": dict(message.severities),
    }
    return template.render(message=values, items=items, first=items[0])


EXAMPLE: Final = SinkMessage(
    "example:1",
    0.0,
    "normal",
    (
        SinkItem(
            "new",
            "example",
            1,
            {
                "finding_id": "example",
                "revision": 1,
                "replaces": [],
                "kind": "finding",
                "detection": {"name": "Example", "id": "example", "version": 1, "type": "TTP", "file": ""},
                "first_time": "2026-01-01T00:00:00.000000Z",
                "last_time": "2026-01-01T00:00:00.000000Z",
                "title": "An example of a finding",
                "severity": "medium",
                "risk_score": 50,
                "priority": 50,
                "priority_reasons": [],
                "actor": {"user": "alice", "source_ip": "192.0.2.1", "groups": [], "user_agent": ""},
                "target": {"resource": "pods", "subresource": "", "api_group": "", "namespace": "default", "name": "a"},
                "outcome": "success",
                "risk_objects": [],
                "threat_objects": [],
                "attack": [],
                "annotations": {},
                "visible": True,
                "request_count": 1,
                "requests": [],
                "rows": [],
                "cluster": "example",
                "status": "new",
            },
        ),
    ),
    severities={"medium": 1},
    priority=50,
)
"""A message to try templates with."""
