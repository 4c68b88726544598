"""Content and parsed searches as bytes, and back: trees of frozen values in msgpack, never pickle.

What is read back can only become plain data, structs of this package and SPL commands by their name. The bytes say
which classes they hold and with which fields, so that those of another version are told from ours, not misread.
"""

from __future__ import annotations

import hashlib
import sys
from importlib import import_module
from typing import Any, Final

import msgspec

from podhawk.commands.declare import Command
from podhawk.commands.registry import COMMANDS
from podhawk.spl.text import SearchText, TextPiece

MAGIC: Final = "podhawk-content 1"
_TUPLE, _LIST, _DICT, _COMMAND, _TEXT = range(5)
_FIRST_CLASS: Final = 5
SUM: Final = 16
"""Bytes at the front that tell damaged bytes."""
_PLAIN: Final = (str, int, float, bool, type(None))


class _Packer:
    """Turns values into lists of plain data; each class and each text of a search is written once."""

    def __init__(self) -> None:
        self.classes: dict[type, int] = {}
        self.members: list[tuple[str, ...]] = []
        self.texts: dict[int, tuple[int, SearchText]] = {}
        self.packed_texts: list[Any] = []

    def pack(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is tuple:
            return [_TUPLE, *map(self.pack, value)]
        if kind is list:
            return [_LIST, *map(self.pack, value)]
        if kind is dict:
            return [_DICT, *(self.pack(one) for pair in value.items() for one in pair)]
        if kind is SearchText:
            return [_TEXT, self._text(value)]
        if kind is Command:
            return [_COMMAND, value.name]
        members = _members(kind)
        if members is None:
            raise TypeError(f"content contains a {kind.__module__}.{kind.__qualname__}, which cannot be cached")
        number = self.classes.get(kind)
        if number is None:
            number = self.classes[kind] = len(self.members)
            self.members.append(members)
        return [number + _FIRST_CLASS, *[self.pack(getattr(value, name)) for name in self.members[number]]]

    def _text(self, text: SearchText) -> int:
        known = self.texts.get(id(text))
        if known is None:
            known = self.texts[id(text)] = len(self.packed_texts), text
            flat = [part for piece in text.pieces for part in (piece.start, piece.written, piece.macro)]
            self.packed_texts.append([text.text, text.written, text.name, flat])
        return known[0]


def pack(value: Any) -> bytes:
    """A value as bytes. Raises TypeError for one of a class that cannot be kept."""
    packer = _Packer()
    packed = packer.pack(value)
    classes = [(cls.__module__, cls.__qualname__, packer.members[number]) for cls, number in packer.classes.items()]
    data = msgspec.msgpack.encode([MAGIC, classes, packer.packed_texts, packed])
    return _sum(data) + data


def unpack(data: bytes) -> Any:
    """The value of bytes. Raises ValueError for bytes that are none of ours, or of another version."""
    try:
        if data[:SUM] != _sum(data[SUM:]):
            raise ValueError("the data is damaged")
        magic, classes, texts, packed = msgspec.msgpack.decode(data[SUM:])
        if magic != MAGIC:
            raise ValueError("the data is of another version")
        made = [_class(*one) for one in classes]
        sources = [
            SearchText(text, written, tuple(map(TextPiece, flat[::3], flat[1::3], flat[2::3])), name)
            for text, written, name, flat in texts
        ]
        return _value(packed, made, sources)
    except (ValueError, TypeError, LookupError, AttributeError, ImportError, RecursionError) as error:
        raise ValueError(f"cannot read the packed content: {error}") from None


def _sum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=SUM).digest()


def _members(kind: Any) -> tuple[str, ...] | None:
    """The members of a struct or named tuple of this package; None for anything else."""
    if not isinstance(kind, type) or not kind.__module__.startswith("podhawk."):
        return None
    found: tuple[str, ...] | None = getattr(kind, "__struct_fields__", getattr(kind, "_fields", None))
    return found


def _class(module: str, name: str, members: list[str]) -> tuple[Any, tuple[str, ...]]:
    if not module.startswith("podhawk."):
        raise ValueError(f"{module} is not part of podhawk")
    found = getattr(sys.modules.get(module) or import_module(module), name)
    ours = _members(found)
    if ours is None or list(ours) != members:
        raise ValueError(f"{name} has different fields now")
    return found, ours


def _value(packed: Any, classes: list[tuple[Any, tuple[str, ...]]], texts: list[SearchText]) -> Any:
    if type(packed) is not list:
        return packed
    values = [_value(one, classes, texts) if type(one) is list else one for one in packed]
    tag = values[0]
    if tag >= _FIRST_CLASS:
        cls, members = classes[tag - _FIRST_CLASS]
        return cls(**dict(zip(members, values[1:], strict=True)))
    if tag == _TUPLE:
        return tuple(values[1:])
    if tag == _LIST:
        return values[1:]
    if tag == _DICT:
        return dict(zip(values[1::2], values[2::2], strict=True))
    return texts[values[1]] if tag == _TEXT else COMMANDS[values[1]]
