"""From the body of a request to lines for the inbox: each event on a line of its own, with its secrets masked.

An event in which nothing is masked keeps its bytes. What is no audit event is counted with its reason. What is not even
JSON is a dead letter, unless events can be salvaged from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from podhawk.events.decode import encode_json
from podhawk.events.documents import Lines
from podhawk.events.event import DEFAULT_HOST, NATIVE_SOURCE, NATIVE_SOURCETYPE, AuditEvent
from podhawk.events.line_reader import LineReader
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.partition import fits
from podhawk.events.redaction.clean_lines import clean_lines
from podhawk.events.redaction.mask import Redaction
from podhawk.events.time import parse_rfc3339
from podhawk.serve.inbox.deposit import ClusterLines, DeadLetter

LARGEST_EVENT: Final = 4 << 20
"""Bytes of an event. The API server cuts events at 100 KiB if truncation is on, and has no limit if it is off; etcd
takes objects of 1.5 MiB."""
TOO_LARGE: Final = "event over the size limit"
LONG_CLUSTER: Final = "cluster name over the size limit"
NOTHING: Final = "no audit event in the body"


class ForbiddenClusterError(Exception):
    """An envelope that names a cluster which its sender is not bound to."""


class BodyLines(Struct):
    """What a body held. `cluster` is that of events which do not name one; `covers` says which ones may be named."""

    cluster: str
    covers: Callable[[str], bool]
    redaction: Redaction
    lines: dict[str, list[bytes]] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    letters: list[DeadLetter] = field(default_factory=list)
    newest: float = 0.0

    def reader(self, report: InputReport) -> LineReader:
        return LineReader("", ReadOptions(redaction=self.redaction, cluster=self.cluster), report)

    def add(self, event: AuditEvent, line: bytes) -> None:
        """Take in an event on its line. Raises ForbiddenClusterError."""
        if len(line) > LARGEST_EVENT:
            self.letters.append(dead_letter(TOO_LARGE, 0, line))
            return
        if event.cluster != self.cluster:
            if not self.covers(event.cluster):
                raise ForbiddenClusterError(event.cluster)
            if not fits(event.cluster):
                self.letters.append(dead_letter(LONG_CLUSTER, 0, line))
                return
        self.lines.setdefault(event.cluster, []).append(line)
        self.newest = max(self.newest, event.stage_time or event.time or 0.0)

    def parts(self) -> tuple[ClusterLines, ...]:
        """The events as they go into the inbox."""
        return tuple(
            ClusterLines(cluster, b"\n".join([*lines, b""]), len(lines)) for cluster, lines in self.lines.items()
        )


class _EventList(Struct):
    items: list[msgspec.Raw]


_LIST: Final = msgspec.json.Decoder(_EventList)


def dead_letter(error: str, offset: int, text: bytes) -> DeadLetter:
    """What is kept of bytes that cannot be read."""
    return DeadLetter(error, offset, len(text), sha256(text).hexdigest())


def read_event_list(body: bytes, found: BodyLines) -> None:
    """Take in the body of an audit webhook. A body that is not a list is salvaged as far as possible."""
    try:
        items = _LIST.decode(body).items
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        read_any(body, found, str(error))
        return
    texts = list(map(bytes, items))
    if len(body) > LARGEST_EVENT and any(len(text) > LARGEST_EVENT for text in texts):
        large = [text for text in texts if len(text) > LARGEST_EVENT]
        found.letters.extend(dead_letter(TOO_LARGE, body.find(text[:200]), text) for text in large)
        texts = [text for text in texts if len(text) <= LARGEST_EVENT]
    if b"\n" in body or b"\r" in body:
        texts = list(map(on_one_line, texts))
    read_lines(texts, found)


def read_any(body: bytes, found: BodyLines, error: str = NOTHING) -> None:
    """Take in a body of any format that podhawk reads. Where nothing is recognised, it is a dead letter."""
    report = InputReport()
    for event in found.reader(report).read(Lines(iter(body.split(b"\n")))):
        found.add(event, _native(event))
    if found.lines or found.letters:
        found.rejected.update({reason: one.count for reason, one in report.rejected.items()})
    elif body.strip():
        found.letters.append(dead_letter(error, 0, body))


def read_lines(texts: list[bytes], found: BodyLines) -> None:
    """Take in texts, each of which is a JSON document on one line: an event, or one in an envelope."""
    texts = _without_clean(texts, found)
    report = InputReport()
    for number, events in _by_line(found.reader(report).read(Lines(iter(texts)))):
        keeps = len(events) == 1 and events[0].unmasked is None
        for event in events:
            found.add(event, texts[number - 1] if keeps else _native(event))
    found.rejected.update({reason: one.count for reason, one in report.rejected.items()})


def _without_clean(texts: list[bytes], found: BodyLines) -> list[bytes]:
    """Take in the events in which there is certainly nothing to mask; gives the others."""
    clean = clean_lines(texts)
    events = [event for event in clean if event is not None]
    if not events:
        return texts
    own = found.lines.setdefault(found.cluster, [])
    newest = parse_rfc3339(max(event.stageTimestamp for event in events))
    found.newest = max(found.newest, newest or 0.0)
    if len(events) == len(texts):
        own.extend(texts)
        return []
    own.extend(text for text, event in zip(texts, clean, strict=True) if event is not None)
    return [text for text, event in zip(texts, clean, strict=True) if event is None]


def _by_line(events: Iterable[AuditEvent]) -> Iterator[tuple[int, list[AuditEvent]]]:
    number, some = 0, list[AuditEvent]()
    for event in events:
        if event.origin.line != number:
            if some:
                yield number, some
            number, some = event.origin.line, []
        some.append(event)
    if some:
        yield number, some


def on_one_line(text: bytes) -> bytes:
    """A JSON document without line feeds between its tokens."""
    return msgspec.json.format(text, indent=-1) if b"\n" in text or b"\r" in text else text.strip()


def _native(event: AuditEvent) -> bytes:
    """An event in its native view, in an envelope if one has something to say."""
    view = event.view
    plain = event.format == "native" and "\n" not in view.raw
    text = (view.raw if plain else encode_json(view.data)).encode("utf-8", "replace")
    envelope: dict[str, Any] = {}
    if view.host != DEFAULT_HOST:
        envelope["host"] = view.host
    carrier = event.carrier
    if carrier is not None and carrier.data is view.data:
        if (carrier.source, carrier.sourcetype) != (NATIVE_SOURCE, NATIVE_SOURCETYPE):
            envelope |= {"source": carrier.source, "sourcetype": carrier.sourcetype}
        envelope["index"] = carrier.index
    if view.indexed:
        envelope["fields"] = _plain(view.indexed)
    if event.time is not None and not isinstance(view.data.get("requestReceivedTimestamp"), str):
        envelope["time"] = event.time
    if not envelope:
        return text
    return msgspec.json.encode({**envelope, "event": msgspec.Raw(text)})


def _plain(indexed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else str(value) for name, value in indexed.items()}
