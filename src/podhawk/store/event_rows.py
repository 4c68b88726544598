"""The rows that a state keeps of events: what each is, and which detections want it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from podhawk.detect.increment.evidence import KeptEvent, WantedEvent
from podhawk.detect.requests.collected import fingerprint
from podhawk.engine.wire import dump
from podhawk.events.event import AuditEvent
from podhawk.store.keys import column_text, short


def wanted_rows(wanted: Iterable[WantedEvent]) -> list[dict[str, Any]]:
    """The rows of events that plans want."""
    return [
        {
            "detection_id": column_text(one.detection, 255),
            "cluster": column_text(one.cluster, 255),
            "by_key": one.by_key,
            "time": one.time,
            "fingerprint": f"{one.fingerprint}{short(one.cluster)}",
            "request": one.request,
            "alike": one.alike,
        }
        for one in wanted
    ]


def rows_of(events: Iterable[KeptEvent], waiting: Iterable[KeptEvent]) -> list[tuple[dict[str, Any], KeptEvent]]:
    """The rows of events, and of those that wait for others of their request, each with the event."""
    return [
        *((_row_of(one, waits=False), one) for one in events),
        *((_row_of(one, waits=True), one) for one in waiting),
    ]


def _row_of(one: KeptEvent, *, waits: bool) -> dict[str, Any]:
    return {
        "fingerprint": stored_fingerprint(one.event),
        "data": dump(one.event),
        "time": one.event.stage_time or one.event.time or 0.0,
        "cluster": column_text(one.event.cluster, 255),
        "request": one.request,
        "place": one.place,
        "credential": one.credential,
        "component": one.component,
        "waiting": waits,
    }


def stored_fingerprint(event: AuditEvent) -> str:
    """What a state knows an event by."""
    return f"{fingerprint(event).hex()}{short(event.cluster)}"
