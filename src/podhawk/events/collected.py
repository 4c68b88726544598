"""Events as a scan collects them, and the audit events that they are.

A scan that is for events rather than rows keeps the text of a line: it is small, it can be sent, and it has all
there is. Only a line that is one plain event of the API server is kept so; any other event is kept as it was read.
Decoding a collected line gives the event that the reader would have given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import structs
from msgspec.structs import replace

from podhawk.events.assemble import Assembler
from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.envelope import Envelope
from podhawk.events.event import AUDIT_KEYS, BODIES, AuditEvent, Origin
from podhawk.events.formats.native import native_event
from podhawk.events.line_template import (
    IDENTITY,
    LineTemplate,
    TextParts,
    cut_identity,
    is_its_own,
    whole_line,
)
from podhawk.events.options import ReadOptions
from podhawk.events.partition import cluster_of
from podhawk.events.read import event_of_line
from podhawk.events.redaction.record import redacted

MOST_SEEN: Final = 100_000
"""Texts that a `LineCutter` remembers to have seen."""
MOST_SHARED: Final = 4096
"""Texts that a `LineCutter` holds."""
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class CollectedLine(msgspec.Struct, frozen=True):
    """A line that is one event by itself, and where it stood."""

    file: str
    line: int
    text: bytes


class CutLine(msgspec.Struct, frozen=True, gc=False):
    """The same of a line that its identity can be cut out of. Lines that differ in nothing else share one `rest`;
    `identity` has the values with spaces between them."""

    file: str
    line: int
    rest: TextParts
    identity: str

    @property
    def text(self) -> bytes:
        """The line."""
        return whole_line(self.rest, self.identity.split(" "))

    def whole(self) -> CollectedLine:
        """The line as one that shares nothing."""
        return CollectedLine(self.file, self.line, self.text)


CollectedEvent = CollectedLine | CutLine | AuditEvent


class LineCutter:
    """Makes collected lines share what they have in common. Texts that came once are known by their hash alone."""

    def __init__(self) -> None:
        self._once: set[int] = set()
        self._shared: dict[TextParts, TextParts] = {}

    def cut(self, line: CollectedLine) -> CollectedLine | CutLine:
        """The line, cut if it can be."""
        found = cut_identity(line.text)
        if found is None:
            return line
        rest, identity = found
        shared = self._shared.get(rest)
        if shared is None:
            shared = rest
            number = hash(rest)
            if number not in self._once:
                if len(self._once) >= MOST_SEEN:
                    self._once.clear()
                self._once.add(number)
            else:
                if len(self._shared) >= MOST_SHARED:
                    self._shared.clear()
                self._shared[rest] = rest
        return CutLine(line.file, line.line, shared, " ".join(identity))


def place_of(event: CollectedEvent) -> tuple[str, int, int]:
    """File, line and place in the line."""
    if not isinstance(event, AuditEvent):
        return event.file, event.line, 0
    return event.origin.file, event.origin.line, event.origin.item


def moved(event: CollectedEvent, lines_before: int) -> CollectedEvent:
    """The same event, if its part of the file has so many lines before it."""
    if not lines_before:
        return event
    if not isinstance(event, AuditEvent):
        return structs.replace(event, line=event.line + lines_before)
    return replace(event, origin=structs.replace(event.origin, line=event.origin.line + lines_before))


class EventDecoder:
    """Makes audit events of collected ones, under the options with which they were read."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._assembler = Assembler(options)
        self._first: dict[tuple[str | None, TextParts], AuditEvent] = {}
        """By the cluster that the folder of the file names, which no line says."""
        self._envelopes: dict[str, Envelope] = {}

    @property
    def by_receipt(self) -> bool:
        """Whether the time of an event is when the API server received the request."""
        return self._options.time_field == "requestReceivedTimestamp"

    def event(self, collected: CollectedEvent) -> AuditEvent:
        """The audit event, its secrets masked if the options say so."""
        if isinstance(collected, AuditEvent):
            redaction = self._options.redaction
            return collected if redaction is None else redacted(collected, redaction)
        envelope = self._envelopes.get(collected.file)
        if envelope is None:
            envelope = self._envelopes[collected.file] = Envelope(path=collected.file)
        origin = Origin(collected.file, collected.line)
        cluster = cluster_of(collected.file)
        cut = _cut(collected) if self._options.line_templates else None
        if cut is not None:
            rest, identity = cut
            first = self._first.get((cluster, rest))
            if first is not None and self._may_be_copied(first, rest):
                shared = first.template.text if first.template is not None else rest
                return self._assembler.after(
                    first, dict(zip(IDENTITY, identity, strict=True)), shared, envelope, origin
                )
        if isinstance(collected, CutLine):
            collected = collected.whole()
        try:
            value = decode_json(collected.text)
        except BadJSON:  # nested too deeply where no search looks: what the reader saves of it
            return event_of_line(collected.text, collected.file, collected.line, self._options)
        event = self._assembler.build(native_event(value, collected.text, envelope), origin)
        if cut is not None and event.view.data is value:  # nothing had to be repaired
            event.template = LineTemplate(cut[0])
            if len(self._first) >= self._options.line_templates:
                self._first.clear()
            self._first[cluster, cut[0]] = event
        return event

    def outline(self, collected: CollectedEvent) -> AuditEvent:
        """The audit event without its bodies, which are most of the text of many events and take most of the time.
        They may be there all the same."""
        if isinstance(collected, AuditEvent):
            return self.event(collected)
        if isinstance(collected, CutLine):
            collected = collected.whole()
        try:
            members = _members(collected.text)
            plain = members.keys() <= AUDIT_KEYS
            value = {name: decode_json(bytes(text)) for name, text in members.items() if name not in BODIES}
        except (msgspec.MsgspecError, BadJSON):
            plain = False
        if not plain:
            return self.event(collected)
        rest = b",".join(bytes(text) for name, text in members.items() if name not in BODIES)
        event = native_event(value, rest, Envelope(path=collected.file))
        return self._assembler.build(event, Origin(collected.file, collected.line))

    def _may_be_copied(self, first: AuditEvent, rest: TextParts) -> bool:
        """Whether events of lines with the same rest can be made from the first one."""
        assert first.template is not None
        own = first.template.known.get(is_its_own)
        if own is None:
            own = first.template.known[is_its_own] = is_its_own(rest)
        return bool(own)


def _cut(line: CollectedLine | CutLine) -> tuple[TextParts, Sequence[str]] | None:
    return (line.rest, line.identity.split(" ")) if isinstance(line, CutLine) else cut_identity(line.text)
