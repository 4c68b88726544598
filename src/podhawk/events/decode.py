"""JSON in and out, keeping what a search can see: the spelling of numbers, the order of members.

msgspec decodes; what it refuses but an indexer would still read (raw control characters in strings,
bad UTF-8, half surrogate pairs, NaN) takes a slower road to the same types. Numbers become `JsonNumber`, text that
remembers it was a number. Nesting is bounded, so that nothing later can run out of stack.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

MAX_DEPTH: Final = 256
"""Deeper than any object that Kubernetes stores sensibly; what is nested deeper is not decoded."""


class JsonNumber(str):
    """A JSON number in its own spelling: `12`, `1.0`, `1e3`."""

    __slots__ = ()


class BadJSON(ValueError):
    """The text is no JSON document, or not one that can be decoded; internal to this package."""


class TooDeep(BadJSON):
    """The document is nested deeper than `MAX_DEPTH`."""


_FAST: Final = msgspec.json.Decoder(float_hook=JsonNumber)
_SLOW: Final = json.JSONDecoder(strict=False, parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=JsonNumber)
_ENCODER: Final = msgspec.json.Encoder(enc_hook=lambda number: msgspec.Raw(str(number).encode()))
"""A `JsonNumber` is the only thing in a document that msgspec asks how to write."""
_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")
_MINUS_ZERO: Final = re.compile(r"(?:^|[\[:,\s])-0(?![.\deE])")
_MINUS_ZERO_BYTES: Final = re.compile(_MINUS_ZERO.pattern.encode())
_BLANK: Final = b" \t\r\n"


def decode_json(text: bytes | str) -> Any:
    """One JSON document with its numbers as `JsonNumber`; raises `BadJSON`."""
    if isinstance(text, str):
        text = str(text)  # msgspec takes no subclass, and a number in a record is one
    try:
        value = _FAST.decode(text)
    except (msgspec.DecodeError, UnicodeError, ValueError):
        return _decode_slowly(text)
    except RecursionError:
        raise TooDeep("nested too deeply") from None
    if _spell(value) and _has_minus_zero(text):
        return _decode_slowly(text)  # msgspec reads -0 as 0
    return JsonNumber(value) if type(value) is int else value


def decode_quickly(text: bytes) -> Any:
    """One JSON document whose whole numbers are plain ints (so -0 is 0); raises `BadJSON` for a document that only
    `decode_json` can read."""
    try:
        return _FAST.decode(text)
    except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError):
        raise BadJSON("only `decode_json` can read this") from None


def _has_minus_zero(text: bytes | str) -> bool:
    found = _MINUS_ZERO_BYTES.search(text) if isinstance(text, bytes) else _MINUS_ZERO.search(text)
    return found is not None


def _decode_slowly(text: bytes | str) -> Any:
    if isinstance(text, bytes):
        text = text.strip(_BLANK).decode("utf-8", "replace")
    try:
        value = _SLOW.decode(text)
    except RecursionError:
        raise TooDeep("nested too deeply") from None
    except ValueError as error:
        raise BadJSON(str(error)) from None
    _spell(value)
    return _whole(value) if _HALF_PAIR.search(text) or "\\ud" in text or "\\uD" in text else value


def _spell(root: Any) -> bool:
    """Turn every int below `root` into a JsonNumber, in place; tell whether a zero was among them."""
    if type(root) is not dict and type(root) is not list:
        return root == 0 and type(root) is int
    zero = False
    level: list[Any] = [root]
    depth = 0
    while level:
        deeper: list[Any] = []
        for node in level:
            if type(node) is dict:
                for key, value in node.items():
                    kind = type(value)
                    if kind is str:
                        continue
                    if kind is dict or kind is list:
                        if value:
                            deeper.append(value)
                    elif kind is int:
                        zero = zero or value == 0
                        node[key] = JsonNumber(value)
            else:
                for place, value in enumerate(node):
                    kind = type(value)
                    if kind is str:
                        continue
                    if kind is dict or kind is list:
                        if value:
                            deeper.append(value)
                    elif kind is int:
                        zero = zero or value == 0
                        node[place] = JsonNumber(value)
        level = deeper
        depth += 1
        if depth > MAX_DEPTH:
            raise TooDeep("nested too deeply")
    return zero


def _whole(value: Any) -> Any:
    """A copy without half surrogate pairs, which no output could encode."""
    if type(value) is str:
        return _HALF_PAIR.sub("\ufffd", value)
    if type(value) is dict:
        return {_whole(key): _whole(item) for key, item in value.items()}
    if type(value) is list:
        return [_whole(item) for item in value]
    return value


def encode_json(value: Any) -> str:
    """Compact JSON (no blanks), Unicode kept, numbers in their spelling."""
    try:
        return _ENCODER.encode(value).decode()
    except (TypeError, ValueError, RecursionError):  # half surrogate pairs, or nested deeper than msgspec writes
        parts: list[str] = []
        _write(value, parts)
        return "".join(parts)


def _write(value: Any, out: list[str]) -> None:
    if isinstance(value, dict):
        mark = "{"
        for key, item in value.items():
            out.append(mark)
            out.append(_quote(key))
            out.append(":")
            _write(item, out)
            mark = ","
        out.append("{}" if mark == "{" else "}")
    elif isinstance(value, list):
        mark = "["
        for item in value:
            out.append(mark)
            _write(item, out)
            mark = ","
        out.append("[]" if mark == "[" else "]")
    elif isinstance(value, JsonNumber):
        out.append(str(value))
    elif isinstance(value, str):
        out.append(_quote(value))
    else:
        out.append("null" if value is None else "true" if value is True else "false")


def _quote(text: str) -> str:
    return msgspec.json.encode(_HALF_PAIR.sub("\ufffd", text)).decode()


def decode_at(text: str, place: int) -> tuple[Any, int]:
    """The JSON value that starts at `place` and where it ends; raises `BadJSON`. For damaged surroundings."""
    try:
        value, end = _SLOW.raw_decode(text, place)
    except RecursionError:
        raise TooDeep("nested too deeply") from None
    except ValueError as error:
        raise BadJSON(str(error)) from None
    _spell(value)
    return _whole(value), end


def slices(text: bytes | str, member: str | None = None) -> list[str]:
    """The source text of each element of an array, or of the array under `member` of an object.

    Empty where the text does not have that shape (then the caller encodes the decoded value instead).
    """
    try:
        if member is None:
            found = msgspec.json.decode(text, type=list[msgspec.Raw])
        else:
            outer = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
            found = msgspec.json.decode(outer[member], type=list[msgspec.Raw])
        return [bytes(item).decode("utf-8") for item in found]
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        return []


def slice_of(text: bytes | str, *path: str) -> str | None:
    """The source text of the member at `path`, or None where there is none to be had."""
    try:
        found: Any = text
        for name in path:
            found = msgspec.json.decode(found, type=dict[str, msgspec.Raw])[name]
        return bytes(found).decode("utf-8")
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        return None
