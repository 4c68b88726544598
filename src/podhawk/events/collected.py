"""Lines that were kept as they stood, and the events that they are.

A scan that is after events rather than rows keeps the text of a line: it is small, it travels, and it tells all.
Only lines that are one plain event of the API server are kept so (any other event is kept as it was read); making the
event of the line again gives what the reader would have given.
"""

from __future__ import annotations

import msgspec
from msgspec import structs
from msgspec.structs import replace

from podhawk.events.assemble import Assembler
from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.envelope import Envelope
from podhawk.events.event import AuditEvent, Origin
from podhawk.events.formats.native import native_event, raw_of
from podhawk.events.line_template import Alike, Rest, is_its_own, split
from podhawk.events.options import ReadOptions
from podhawk.events.read import event_of_line


class KeptLine(msgspec.Struct, frozen=True):
    """A line that is one event by itself, and where it stood."""

    file: str
    line: int
    text: bytes


Kept = KeptLine | AuditEvent


def place_of(kept: Kept) -> tuple[str, int, int]:
    """File, line and place in the line."""
    if isinstance(kept, KeptLine):
        return kept.file, kept.line, 0
    return kept.origin.file, kept.origin.line, kept.origin.item


def moved(kept: Kept, lines_before: int) -> Kept:
    """The same, where its piece of the input has so many lines before it."""
    if not lines_before:
        return kept
    if isinstance(kept, KeptLine):
        return structs.replace(kept, line=kept.line + lines_before)
    return replace(kept, origin=structs.replace(kept.origin, line=kept.origin.line + lines_before))


class Rebuild:
    """Makes events of kept lines, under the options with which they were read."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._assembler = Assembler(options)
        self._first: dict[Rest, AuditEvent] = {}
        self._envelopes: dict[str, Envelope] = {}

    def event(self, kept: Kept) -> AuditEvent:
        """The event."""
        if isinstance(kept, AuditEvent):
            return kept
        envelope = self._envelopes.get(kept.file)
        if envelope is None:
            envelope = self._envelopes[kept.file] = Envelope(path=kept.file)
        parted = split(kept.text) if self._options.line_templates else None
        if parted is not None:
            rest, identity = parted
            first = self._first.get(rest)
            if first is not None and self._may_be_copied(first, rest):
                return self._assembler.after(first, identity, raw_of(kept.text), envelope, Origin(kept.file, kept.line))
        try:
            value = decode_json(kept.text)
        except BadJSON:  # nested too deeply where no search looks: what the reader saves of it
            return event_of_line(kept.text, kept.file, kept.line, self._options)
        event = self._assembler.build(native_event(value, kept.text, envelope), Origin(kept.file, kept.line))
        if parted is not None and event.view.data is value:  # nothing had to be repaired
            event.alike = Alike()
            if len(self._first) >= self._options.line_templates:
                self._first.clear()
            self._first[parted[0]] = event
        return event

    def _may_be_copied(self, first: AuditEvent, rest: Rest) -> bool:
        """Whether the next line without its identity is that of an event that was made."""
        assert first.alike is not None
        own = first.alike.known.get(is_its_own)
        if own is None:
            own = first.alike.known[is_its_own] = is_its_own(rest)
        return bool(own)
