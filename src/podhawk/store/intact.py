"""Reading rows of a state. One that does not hold what podhawk writes is an error that names it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final

from podhawk.detect.report.finding_json import detection_key, epoch_seconds
from podhawk.engine.wire import VERSION, load, version_of
from podhawk.errors import EngineError, StoreError
from podhawk.events.event import AuditEvent

RESTORE: Final = "Restore the state from a backup, or move it away: the next run begins a new one from its logs."


@contextlib.contextmanager
def intact(what: str) -> Iterator[None]:
    """Raise StoreError if what is read from a row within the block is not what podhawk writes."""
    try:
        yield
    except (EngineError, LookupError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise StoreError(f"the state is damaged: {what} cannot be read ({reason})", remedy=RESTORE) from None


def finding_record(finding_id: str, text: str) -> dict[str, Any]:
    """The record of a finding, with the members that the state itself looks at. Raises StoreError."""
    with intact(f"finding {finding_id}"):
        record: dict[str, Any] = json.loads(text)
        if not isinstance(record["kind"], str) or not isinstance(record["replaces"], list):
            raise ValueError("a member has the wrong type")
        detection_key(record), epoch_seconds(record["first_time"]), epoch_seconds(record["last_time"])
        for info in record["requests"]:
            info["audit_id"], info["received"], info["user"], info["uri"], record["cluster"]
        return record


def risk_record(finding_id: str, text: str) -> dict[str, Any]:
    """The row of a risk event. Raises StoreError."""
    with intact(f"a risk event of finding {finding_id}"):
        cells: dict[str, Any] = json.loads(text)
        float(cells["_time"]), cells["finding_id"]
        return cells


def kept_event(fingerprint: str, data: bytes) -> AuditEvent:
    """An event that an earlier run kept. Raises StoreError."""
    with intact(f"event {fingerprint}"):
        if (version_of(bytes(data)) or 0) > VERSION:
            raise StoreError(
                f"a newer podhawk wrote event {fingerprint} of the state",
                remedy="Use the newer podhawk, or another --state.",
            )
        event = load(bytes(data))
        if not isinstance(event, AuditEvent):
            raise ValueError("it is not an event")
        return event
