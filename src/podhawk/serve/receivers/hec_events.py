"""The body of a HEC request: envelopes one after the other, with or without line feeds between them.

An envelope that Splunk would refuse has a code and the number of the event. `hec-strict` refuses the whole body with
these, as Splunk does; otherwise the other events are taken and this one is a dead letter, because clients drop the
whole batch on a 400.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from podhawk.events.formats.shipper import cluster_beside
from podhawk.events.partition import fits
from podhawk.serve.receivers.bodies import BodyLines, dead_letter, on_one_line, read_any, read_lines

_BLANK: Final = " \t\r\n,"
_SCANNER: Final = json.JSONDecoder(strict=False)
MISSING, BLANK, FORMAT, FIELDS, NO_DATA = 12, 13, 6, 15, 5
"""Codes of Splunk."""


class HecError(Exception):
    """A body that is refused. `number` is that of the event, from 0."""

    def __init__(self, code: int, number: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.number = number


class HecEnvelope(Struct, omit_defaults=True):
    """An envelope. Members that Splunk does not know are ignored."""

    event: Raw | UnsetType = UNSET
    time: Raw | UnsetType = UNSET
    host: Raw | UnsetType = UNSET
    source: Raw | UnsetType = UNSET
    sourcetype: Raw | UnsetType = UNSET
    index: Raw | UnsetType = UNSET
    fields: Raw | UnsetType = UNSET


_ENVELOPE: Final = msgspec.json.Decoder(HecEnvelope)
_Plain = str | int | float | bool | None
_FIELDS: Final = msgspec.json.Decoder(dict[str, _Plain | list[_Plain]])


def read_envelopes(body: bytes, found: BodyLines, strict: bool) -> None:
    """Take in the body of `/services/collector/event`. Raises HecError for one without data, for one in which nothing
    can be read, and if `strict` for one with a wrong event."""
    documents = _lines(body) or _stacked(body, found, strict)
    texts: list[bytes] = []
    failures: list[HecError] = []
    for number, (offset, text) in enumerate(documents):
        try:
            texts.append(_checked(text, number))
        except HecError as error:
            if strict:
                raise
            failures.append(error)
            found.letters.append(dead_letter(f"HEC code {error.code}", offset, text))
    if not documents and not found.letters:
        raise HecError(NO_DATA)
    if not texts and failures:
        raise failures[0]
    if not texts:
        raise HecError(FORMAT, 0)
    read_lines(texts, found)


def _lines(body: bytes) -> list[tuple[int, bytes]]:
    """The envelopes of a body that has one on each line; nothing if it is not such a body."""
    found = []
    offset = 0
    for line in body.split(b"\n"):
        text = line.strip()
        if text:
            try:
                _ENVELOPE.decode(text)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                return []
            found.append((offset, text))
        offset += len(line) + 1
    return found


def _stacked(body: bytes, found: BodyLines, strict: bool) -> list[tuple[int, bytes]]:
    """The documents of a body, wherever they begin. What is no JSON is a dead letter, up to the next line that begins
    like an envelope."""
    text = body.decode("utf-8", "replace")
    documents: list[tuple[int, bytes]] = []
    place = 0
    while True:
        while place < len(text) and text[place] in _BLANK:
            place += 1
        if place == len(text):
            return documents
        try:
            _, end = _SCANNER.raw_decode(text, place)
        except (ValueError, RecursionError):
            if strict:
                raise HecError(FORMAT, len(documents)) from None
            end = text.find("\n{", place)
            end = len(text) if end < 0 else end
            found.letters.append(dead_letter("not JSON", place, text[place:end].encode()))
        else:
            documents.append((place, text[place:end].encode("utf-8", "replace")))
        place = end


def _checked(text: bytes, number: int) -> bytes:
    """An envelope on one line, with the members that Splunk knows. Raises HecError."""
    try:
        envelope = _ENVELOPE.decode(on_one_line(text))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise HecError(FORMAT, number) from None
    event = envelope.event
    if event is UNSET or bytes(event) == b"null":
        raise HecError(MISSING, number)
    if bytes(event) in (b'""', b"{}"):
        raise HecError(BLANK, number)
    if envelope.fields is not UNSET:
        try:
            fields = _FIELDS.decode(envelope.fields)
        except (msgspec.DecodeError, RecursionError):
            raise HecError(FIELDS, number) from None
        if not fits(cluster_beside(fields) or ""):
            raise HecError(FIELDS, number)
    return msgspec.json.encode(envelope)


def read_raw(body: bytes, found: BodyLines, about: dict[str, str]) -> None:
    """Take in the body of `/services/collector/raw`: lines of any format that podhawk reads. `about` is what the query
    says of them (host, source, sourcetype, index). Raises HecError for a body without data."""
    if not body.strip():
        raise HecError(NO_DATA)
    if not about:
        read_any(body, found)
        return
    texts = []
    for line in body.split(b"\n"):
        if line.strip():
            texts.append(msgspec.json.encode({**about, "event": _event(line)}))
    read_lines(texts, found)


def _event(line: bytes) -> Any:
    """A line as the event of an envelope: as it is if it is a JSON object, else as text."""
    try:
        if line.lstrip()[:1] == b"{":
            msgspec.json.decode(line)
            return Raw(line.strip())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    return line.decode("utf-8", "replace")
