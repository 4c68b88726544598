"""Putting together what container runtimes split: CRI lines marked `P`, Docker records without a line feed.

A runtime cuts lines at 16 KiB. The parts of one stream follow each other, though lines of the other stream may
stand between them. A part whose next part is missing is handed on alone and salvaged like any cut event.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from podhawk.events.decode import BadJSON, decode_json, encode_json
from podhawk.events.documents import Document
from podhawk.events.formats.cri import CRI_LINE
from podhawk.events.formats.docker import is_docker

_MOST: Final = 256 << 20


class Joiner:
    """Holds parts back until they are whole."""

    def __init__(self) -> None:
        self._held: dict[str, list[tuple[Document, str]]] = {}
        self._begun: Counter[int] = Counter()
        self._size = 0

    def take(self, document: Document) -> list[Document]:
        """The documents that are ready now that this one is here."""
        if document.is_json:
            value = document.value
            if type(value) is dict and type(value.get("log")) is str:
                return self._docker(document, value)
            return [document]
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

    def _docker(self, document: Document, value: dict[str, Any]) -> list[Document]:
        stream, log = f"docker {value.get('stream')}", value["log"]
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
            value = {**first.value, "log": whole}
            return Document(first.line, encode_json(value).encode("utf-8", "replace"), value, is_json=True)
        match = CRI_LINE.match(first.text.decode("utf-8", "replace"))
        head = f"{match[1]} {match[2]} F " if match else ""
        return Document(first.line, (head + whole).encode("utf-8", "replace"))


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        decode_json(text)
    except BadJSON:
        return False
    return True
