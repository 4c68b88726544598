"""A finding as a file: JSON, OCSF, or Markdown that can be pasted into a ticket.

In Markdown, every value is a code span whose fence is longer than any in it, on one line, with hidden characters as
escapes. So no value makes a link, an image, a mention or a heading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from podhawk.detect.report.finding_json import from_record
from podhawk.detect.report.ocsf import Activity, to_ocsf
from podhawk.detect.report.sentences import what_happened
from podhawk.errors import UsageError
from podhawk.inert import inert_text
from podhawk.serve.api.findings import one_record
from podhawk.serve.console.page import Download, File, Visit, nothing_here
from podhawk.serve.console.queue_index import CLOSED
from podhawk.store.database import reading

_TICKS: Final = re.compile("`+")
_LONGEST: Final = 2000


def _record(visit: Visit) -> dict[str, Any]:
    with reading(visit.console.kept.path) as connection:
        if connection is None:
            raise nothing_here("finding")
        return one_record(connection, visit.path["finding_id"], visit.token)


def _export(visit: Visit) -> File:
    record = _record(visit)
    kind = visit.path["format"]
    name = f"finding-{record['finding_id'][:12]}"
    if kind == "json":
        return File(f"{name}.json", "application/json", _json(record))
    if kind == "ocsf":
        activity: Activity = "close" if record["status"] in CLOSED else "create"
        return File(f"{name}.ocsf.json", "application/json", _json(to_ocsf(record, activity, visit.now)))
    if kind == "markdown":
        return File(f"{name}.md", "text/markdown; charset=utf-8", markdown(record).encode())
    raise UsageError(f"unknown format {kind[:20]!r}", remedy="Formats: json, ocsf, markdown.")


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"  # ASCII: no character in it can reorder text


def span(value: Any) -> str:
    """A value as a code span of Markdown."""
    text = inert_text("" if value is None else str(value)) or " "
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text) - _LONGEST:,} more characters)"
    ticks = "`" * (max((len(one) for one in _TICKS.findall(text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def markdown(record: Mapping[str, Any]) -> str:
    """A finding as Markdown."""
    return "\n".join(_markdown(record)) + "\n"


def _markdown(record: Mapping[str, Any]) -> Iterator[str]:
    finding = from_record(record)
    yield f"# {span(record['title'])}"
    yield ""
    yield span(what_happened(finding))
    yield ""
    actor, target = record["actor"], record["target"]
    object_ = "/".join(part for part in (target["resource"], target["subresource"], target["name"]) if part)
    facts = (
        ("Finding", record["finding_id"]),
        ("Detection", record["detection"]["name"]),
        ("Severity", record["severity"]),
        ("Priority", record["priority"]),
        ("Cluster", record["cluster"]),
        ("First seen", record["first_time"]),
        ("Last seen", record["last_time"]),
        ("Actor", actor["user"]),
        ("Address", actor["source_ip"]),
        ("Client", actor["user_agent"]),
        ("Namespace", target["namespace"]),
        ("Object", object_),
        ("Outcome", record["outcome"]),
        ("Status", record["status"]),
        ("Disposition", record["disposition"]),
    )
    yield from (f"- {label}: {span(value)}" for label, value in facts if value not in ("", None))
    yield ""
    yield "## Priority"
    yield ""
    for one in record["priority_reasons"]:
        yield f"- {one['points']:+d} {span(one['reason'])}"
    if record["requests"]:
        yield ""
        yield "## Requests"
        yield ""
        for one in record["requests"]:
            yield f"- {span(one['received'])} {span(one['verb'])} {span(one['uri'])} auditID {span(one['audit_id'])}"


EXPORT: Final = Download("/findings/{finding_id:str}/export/{format:str}", "viewer", _export)
