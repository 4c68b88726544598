"""Putting together what container runtimes split: CRI lines marked `P`, Docker records without a line feed, and records
in which Docker's log drivers mark the parts.

A runtime cuts lines at 16 KiB. The parts of one stream follow each other, though lines of another stream or container
may stand between them. A part whose next part is missing is handed on alone and salvaged like any cut event.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple

from podhawk.events.decode import BadJSON, decode_json, encode_json
from podhawk.events.documents import Document
from podhawk.events.formats.cri import CRI_LINE
from podhawk.events.formats.docker import is_docker

_MOST: Final = 256 << 20
_OF_JOURNAL: Final = frozenset({"__CURSOR", "CONTAINER_ID", "CONTAINER_PARTIAL_MESSAGE"})
"""Members of which a record of the journal with a line of a container has one."""


class Joiner:
    """Holds parts back until they are whole."""

    def __init__(self) -> None:
        self._held: dict[str, list[tuple[Document, str]]] = {}
        self._members: dict[str, str] = {}
        """Which member of the records of a stream has the text."""
        self._begun: Counter[int] = Counter()
        self._size = 0

    def take(self, document: Document) -> list[Document]:
        """The documents that are ready now that this one is here."""
        if document.is_json:
            value = document.value
            if type(value) is not dict:
                return [document]
            part = _marked(value)
            if part is not None:
                return self._part(document, part)
            return self._docker(document, value) if type(value.get("log")) is str else [document]
        if document.broken:
            return [document]
        line = document.text.decode("utf-8", "replace")
        match = CRI_LINE.match(line)
        if match is None:
            return [document]
        stream = "cri " + match[2]
        if match[3] == "P":
            return self._hold(stream, document, match[4])
        if stream not in self._held:
            return [document]
        return [self._joined(stream, match[4])]

    def holds(self, line: int) -> bool:
        """Whether parts are held of a record that begins on this line."""
        return line in self._begun

    def flush(self) -> list[Document]:
        """What is still held, at the end of the file."""
        return [self._joined(stream, "") for stream in list(self._held)]

    def _part(self, document: Document, part: _Part) -> list[Document]:
        """A record that a log driver marked, or that may be the last part of one."""
        held = part.stream in self._held
        lost: list[Document] = []
        if held and (part.is_first or _begins(part.text)):
            held, lost = False, [self._joined(part.stream, "")]  # the rest of it never came
        if not part.is_last:
            self._members[part.stream] = part.member
            return [*lost, *self._hold(part.stream, document, part.text)]
        return [self._joined(part.stream, part.text)] if held else [*lost, document]

    def _docker(self, document: Document, value: dict[str, Any]) -> list[Document]:
        stream, log = f"docker {value.get('stream')} {value.get('attrs')}", value["log"]
        tag = value.get("logtag")
        partial = tag == "P" or (tag is None and is_docker(value) and not log.endswith("\n") and not _is_json(log))
        held = stream in self._held
        if held and _is_json(log):  # the rest of what is held is lost
            return [self._joined(stream, ""), document]
        if held and not partial:
            return [self._joined(stream, log)]
        if partial and (held or log.lstrip().startswith("{")):
            return self._hold(stream, document, log)
        return [document]

    def _hold(self, stream: str, document: Document, text: str) -> list[Document]:
        if stream not in self._held:
            self._held[stream] = []
            self._begun[document.line] += 1
        self._held[stream].append((document, text))
        self._size += len(text)
        return [self._joined(stream, "")] if self._size > _MOST else []

    def _joined(self, stream: str, last: str) -> Document:
        parts = self._held.pop(stream)
        self._size -= sum(len(text) for _, text in parts)
        first = parts[0][0]
        self._begun[first.line] -= 1
        if not self._begun[first.line]:
            del self._begun[first.line]
        whole = "".join(text for _, text in parts) + last
        if first.is_json:
            value = {**first.value, self._members.pop(stream, "log"): whole}
            return Document(first.line, encode_json(value).encode("utf-8", "replace"), value, is_json=True)
        match = CRI_LINE.match(first.text.decode("utf-8", "replace"))
        head = f"{match[1]} {match[2]} F " if match else ""
        return Document(first.line, (head + whole).encode("utf-8", "replace"))


class _Part(NamedTuple):
    """A part of a line: its stream, the member that has the text, the text, whether it is the last one, and whether it
    says that it is the first."""

    stream: str
    member: str
    text: str
    is_last: bool
    is_first: bool


def _marked(value: dict[str, Any]) -> _Part | None:
    """The part that a record is, by the marks of Docker's log drivers for fluentd and for the journal. The last part of
    a journal may have no mark, so that each of its records may be one.

    Source: the members that https://github.com/moby/moby/tree/master/daemon/logger writes (fluentd, journald)
    """
    if _is_true(value.get("partial_message")):
        member = "log" if type(value.get("log")) is str else "message"
        if type(value.get(member)) is str:
            stream = f"fluentd {value.get('container_id')} {value.get('partial_id')}"
            is_first = str(value.get("partial_ordinal")) == "1"
            return _Part(stream, member, value[member], _is_true(value.get("partial_last")), is_first)
    elif type(value.get("MESSAGE")) is str and not _OF_JOURNAL.isdisjoint(value):
        container = value.get("CONTAINER_ID_FULL") or value.get("CONTAINER_ID")
        stream = f"journal {container} {value.get('PRIORITY')}"
        is_last = not _is_true(value.get("CONTAINER_PARTIAL_MESSAGE"))
        is_first = str(value.get("CONTAINER_PARTIAL_ORDINAL")) == "1"
        return _Part(stream, "MESSAGE", value["MESSAGE"], is_last, is_first)
    return None


def _begins(text: str) -> bool:
    """Whether a text begins an event: a later part hardly does so and has an audit id too."""
    return text.lstrip().startswith("{") and '"auditID"' in text[:4096]


def _is_true(value: object) -> bool:
    return value is True or value == "true"


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        decode_json(text)
    except BadJSON:
        return False
    return True
