"""What the rest of podhawk sees of a record: where it stood, how an indexer would show it, and when it was."""

from __future__ import annotations

import zlib
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from podhawk.events.line_template import IDENTITY, LineTemplate, TextParts, whole_line
from podhawk.rows import Value

NATIVE_SOURCE: Final = "kubernetes"
NATIVE_SOURCETYPE: Final = "_json"
DEFAULT_INDEX: Final = "main"
DEFAULT_HOST: Final = "localhost"
DEFAULT_CLUSTER: Final = "default"

AUDIT_KEYS: Final = frozenset(
    {
        "kind",
        "apiVersion",
        "level",
        "auditID",
        "stage",
        "requestURI",
        "verb",
        "user",
        "impersonatedUser",
        "authenticationMetadata",
        "sourceIPs",
        "userAgent",
        "objectRef",
        "responseStatus",
        "requestObject",
        "responseObject",
        "requestReceivedTimestamp",
        "stageTimestamp",
        "annotations",
        "timestamp",
        "metadata",
    }
)
"""The top-level members of an audit.k8s.io Event, v1alpha1 to v1; anything else was added on the way."""

PADDING: Final = " \t\r\n\0\ufeff"
"""What may stand around a record and is no part of its text."""

WORTH_COMPRESSING: Final = 1024
"""Characters from which on a text is compressed where memory counts."""

BODIES: Final = ("requestObject", "responseObject")
"""The members that hold what was sent and what was answered."""

METADATA: Final = ("source", "sourcetype", "host", "index")
"""The fields that an indexer sets on every event, whatever the event holds."""

EXPECTED_KEYS: Final = (
    "level",
    "auditID",
    "stage",
    "requestURI",
    "verb",
    "user",
    "impersonatedUser",
    "sourceIPs",
    "userAgent",
    "objectRef",
    "responseStatus",
    "requestObject",
    "responseObject",
    "requestReceivedTimestamp",
    "stageTimestamp",
    "annotations",
)
"""The members of a v1 event in the order in which the API server writes them: what may stand behind a cut."""


class Origin(msgspec.Struct, frozen=True, order=True):
    """Where a record stood: file, line of its start in the decompressed file (from 1; 0 is the file as a whole), place
    inside it (from 0)."""

    file: str
    line: int
    item: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}[{self.item}]" if self.item else place


class View(Struct, eq=False):
    """One way an indexer would show a record.

    `data` is the decoded JSON; its numbers are `podhawk.events.decode.JsonNumber`, which keep their spelling.
    `raw` is the text a search for bare words looks at; `text` is that text, the same compressed, or a line without its
    identity, of which the text is made when it is asked for: thousands of events may share it. `aliases` maps a field
    that a carrier's Splunk add-on provides to the flattened field it stands for. `indexed` holds fields that the
    envelope itself declares (the `fields` of an HTTP Event Collector envelope).
    """

    data: dict[str, Any]
    text: str | bytes | TextParts
    source: str = NATIVE_SOURCE
    sourcetype: str = NATIVE_SOURCETYPE
    host: str = DEFAULT_HOST
    index: str = DEFAULT_INDEX
    aliases: dict[str, str] = field(default_factory=dict)
    indexed: dict[str, Value] = field(default_factory=dict)

    @property
    def raw(self) -> str:
        """The text of the record."""
        if isinstance(self.text, str):
            return self.text
        if isinstance(self.text, bytes):
            return zlib.decompress(self.text).decode("utf-8", "surrogatepass")
        line = whole_line(self.text, [self.data[name] for name in IDENTITY])
        return line.decode("utf-8", "replace").strip(PADDING)

    def compress(self) -> None:
        """Keep the text compressed, if that is worth it."""
        if isinstance(self.text, str) and len(self.text) >= WORTH_COMPRESSING:
            self.text = zlib.compress(self.text.encode("utf-8", "surrogatepass"), 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and _members(self) == _members(other)


def _members(view: View) -> tuple[Any, ...]:
    return view.data, view.raw, view.source, view.sourcetype, view.host, view.index, view.aliases, view.indexed


class AuditEvent(Struct):
    """One stage of one request, as the audit log told it.

    `carrier` is the same record as the Splunk add-on of its cloud indexes it, where there is one.
    `time` is when the API server received the request (epoch seconds, microseconds kept), else the best
    time the record has; `stage_time` is when this stage was written. `missing` holds flattened field-name
    prefixes that the carrier does not provide or lost: what is missing is absent from the data, never
    empty, and a search that needs it cannot be evaluated on this event. `truncated` is true where the
    event was cut on its way or by the API server itself (annotation `audit.k8s.io/truncated`). `template` is
    what it has in common with events that differ only in their identity, if that is known. `unmasked` is the event as
    it was read, where secrets in this one are masked: searches judge it, and nothing of it is kept or shown.
    """

    view: View
    carrier: View | None
    time: float | None
    stage_time: float | None
    origin: Origin
    cluster: str = DEFAULT_CLUSTER
    format: str = "native"
    truncated: bool = False
    missing: frozenset[str] = frozenset()
    template: LineTemplate | None = None
    unmasked: AuditEvent | None = None
