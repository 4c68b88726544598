"""An unwrapped event with its envelope, made into what the rest of podhawk sees."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from podhawk.events.envelope import Envelope, Event
from podhawk.events.event import (
    DEFAULT_CLUSTER,
    DEFAULT_HOST,
    DEFAULT_INDEX,
    NATIVE_SOURCE,
    NATIVE_SOURCETYPE,
    AuditEvent,
    Origin,
    View,
)
from podhawk.events.line_template import TextParts
from podhawk.events.options import ReadOptions
from podhawk.events.partition import cluster_of
from podhawk.events.redaction.record import redacted
from podhawk.events.time import parse_rfc3339


class Assembler:
    """Makes audit events under one set of options."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        received, stage = "requestReceivedTimestamp", "stageTimestamp"
        first = options.time_field
        self._redaction = options.redaction
        self._times = (first, stage if first == received else received, "timestamp")

    def build(self, event: Event, origin: Origin) -> AuditEvent:
        """The audit event, in its native view and its carrier's, with its secrets masked if the options say so."""
        built = self._built(event, origin)
        return built if self._redaction is None else redacted(built, self._redaction)

    def _built(self, event: Event, origin: Origin) -> AuditEvent:
        options, envelope, data = self._options, event.envelope, event.data
        host = options.host or envelope.host or DEFAULT_HOST
        view = View(
            data,
            event.raw,
            options.source or NATIVE_SOURCE,
            options.sourcetype or NATIVE_SOURCETYPE,
            host,
            options.index or DEFAULT_INDEX,
            {},
            envelope.indexed,
        )
        return AuditEvent(
            view,
            self._carrier(event, envelope, host),
            self._time(data, envelope),
            _moment(data.get("stageTimestamp")),
            origin,
            envelope.cluster or cluster_of(origin.file) or options.cluster or DEFAULT_CLUSTER,
            envelope.format or "native",
            event.truncated,
            event.missing,
        )

    def after(
        self, first: AuditEvent, identity: dict[str, str], rest: TextParts, envelope: Envelope, origin: Origin
    ) -> AuditEvent:
        """The audit event of a line that differs from another one's in nothing but its identity; `rest` is the text
        that they share."""
        data = {**first.view.data, **identity}
        return replace(
            first,
            view=replace(first.view, data=data, text=rest),
            origin=origin,
            time=self._time(data, envelope),
            stage_time=_moment(data.get("stageTimestamp")),
        )

    def _carrier(self, event: Event, envelope: Envelope, host: str) -> View | None:
        carrier, options = envelope.carrier, self._options
        if carrier is None:
            return None
        data = event.data if carrier.data is None else carrier.data
        raw = event.raw if carrier.raw is None else carrier.raw
        return View(
            data,
            raw,
            options.source or carrier.source,
            options.sourcetype or carrier.sourcetype,
            host,
            options.index or carrier.index or DEFAULT_INDEX,
            carrier.aliases,
            envelope.indexed,
        )

    def _time(self, data: dict[str, Any], envelope: Envelope) -> float | None:
        for name in self._times:
            moment = _moment(data.get(name))
            if moment is not None:
                return moment
        return envelope.time


def _moment(value: Any) -> float | None:
    return parse_rfc3339(value) if isinstance(value, str) else None
