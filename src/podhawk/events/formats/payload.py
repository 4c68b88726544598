"""Bytes inside an envelope: base64, perhaps compressed, with one or more documents in them."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from podhawk.events.documents import Documents, Lines
from podhawk.events.envelope import Envelope, Layer, Record, Reject
from podhawk.events.gaps import Damaged
from podhawk.events.reasons import COMPRESSION, EMPTY, PAYLOAD
from podhawk.events.source import blocks_of, split_lines

_MOST: Final = 64 << 20


def decoded(text: str) -> bytes | None:
    """The bytes that base64 text (either alphabet, padded or not) stands for, or None."""
    compact = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def text_of(data: bytes) -> str | None:
    """Bytes as text, decompressed; None where they are no text, are damaged, or are more than can be looked at."""
    parts: list[bytes] = []
    size = 0
    try:
        for block in blocks_of(data):
            parts.append(block)
            size += len(block)
            if size > _MOST:
                return None
        return b"".join(parts).decode()
    except (Damaged, UnicodeDecodeError):
        return None


def records_in(text: str, envelope: Envelope) -> Layer:
    """The documents in a base64 payload."""
    data = decoded(text)
    if data is None:
        yield Reject(PAYLOAD)
        return
    if not data.strip():
        yield Reject(EMPTY)
        return
    lines = Lines(split_lines(blocks_of(data)))
    documents = Documents(lines)
    try:
        while (line := lines.take()) is not None:
            for document in documents.starting_with(line):
                if document.is_json:
                    yield Record(document.value, envelope, document.text)
                else:
                    yield Record(document.text.decode("utf-8", "replace"), envelope)
    except Damaged as damaged:
        yield Reject(PAYLOAD if damaged.reason == COMPRESSION else damaged.reason)
