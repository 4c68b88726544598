"""States as bytes: between machines and from run to run (`dump`, `load`), and between forks (`dump_local`,
`load_local`).

Between machines, and in a state that is kept, they are versioned msgpack, never pickle.

What states are made of is a closed list: plain values, the containers below, and classes, whose members are written
in their order: `OWN`, the states of aggregations, and those that commands declare (`Command.states`). Reading makes
nothing else, so that bytes from elsewhere can at worst give a wrong state. Every value that msgpack does not tell apart
by itself is an array whose first member is its tag. Both ends must have the same `VERSION`: raise it when a member of
such a class, a tag or their order changes.

Forks of one process share its classes, and trust each other, so between them it is pickle. It is written in C: a state
of 12,000 groups takes 155 ms to be sent and read so, and 575 ms as msgpack that is walked in Python, which is more than
it takes to count the events.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

import msgspec

from podhawk.commands.registry import COMMANDS
from podhawk.engine.search.stats import SearchStats
from podhawk.errors import EngineError
from podhawk.events.collected import CollectedLine, CutLine
from podhawk.events.decode import JsonNumber
from podhawk.events.event import AuditEvent, Origin, View
from podhawk.events.gaps import Gap
from podhawk.events.options import InputReport, Rejected
from podhawk.functions.aggregations.registry import ALL, VARIANTS
from podhawk.rows import Filled, OrderKey, Row

VERSION: Final = 4
OLDEST: Final = 1
"""The oldest version from which events that were kept can be read."""
MAGIC: Final = "podhawk-state"

OWN: Final[tuple[type, ...]] = (SearchStats, InputReport, Rejected, Origin, CollectedLine, AuditEvent, View, Gap)
"""The classes that do not belong to a command or an aggregation."""
VERSION_1: Final[dict[int, type]] = {25: Origin, 26: CollectedLine, 27: AuditEvent, 28: View}
"""The numbers that the classes of events had in version 1. Their members are the same."""
OLD_EVENTS: Final[dict[int, dict[int, type]]] = {1: VERSION_1, 2: dict(enumerate(OWN)), 3: dict(enumerate(OWN))}
"""For each older version the numbers of the classes that events are made of; their members have not changed. Other
states of an older version, such as that of a search, are not read."""


class Tag(IntEnum):
    """What an array is."""

    LIST = 0
    TUPLE = 1
    DICT = 2
    SET = 3
    FROZENSET = 4
    COUNTER = 5
    FRACTION = 6
    FILLED = 7
    NUMBER = 8
    ROW = 9
    ORDER = 10
    LARGE = 11
    BROKEN_TEXT = 12
    OBJECT = 13


def _members(cls: type) -> tuple[str, ...]:
    if issubclass(cls, msgspec.Struct):
        names = (name for name in cls.__struct_fields__ if name not in ("template", "unmasked"))  # stay here
        return tuple("raw" if (cls, name) == (View, "text") else name for name in names)
    found: list[str] = []
    for base in reversed(cls.__mro__):
        found.extend(getattr(base, "__slots__", ()))
    return tuple(found)


class _Classes:
    """The classes that may cross, each with its number and members."""

    def __init__(self) -> None:
        states = [cls for command in COMMANDS.supported() for cls in command.states]
        self.all = tuple(dict.fromkeys((*OWN, *(one.state for one in (*ALL, *VARIANTS)), *states)))
        self.members = tuple(map(_members, self.all))
        self.numbers = {cls: (number, self.members[number]) for number, cls in enumerate(self.all)}


@lru_cache(maxsize=4)
def _classes(version: int) -> _Classes:
    """The classes, worked out again when the table of commands has changed."""
    return _Classes()


_SEQUENCES: Final[dict[Any, Tag]] = {list: Tag.LIST, tuple: Tag.TUPLE, set: Tag.SET, frozenset: Tag.FROZENSET}


def dump(value: Any) -> bytes:
    """A state (or an account of what was read) as bytes. Raises TypeError for a class that is not listed: a
    command whose state holds one has to declare it in `states`."""
    return msgspec.msgpack.encode([MAGIC, VERSION, _plain(value)])


def version_of(data: bytes) -> int | None:
    """The version of what `dump` wrote, None for other bytes."""
    try:
        found = msgspec.msgpack.decode(data)
    except msgspec.DecodeError:
        return None
    known = isinstance(found, list) and len(found) == 3 and found[0] == MAGIC and type(found[1]) is int
    return found[1] if known else None


def load(data: bytes) -> Any:
    """The value that `dump` wrote; of an older version, only events. Raises EngineError for other bytes and for an
    unknown version."""
    try:
        found = msgspec.msgpack.decode(data)
    except msgspec.DecodeError as error:
        raise EngineError(f"cannot read a state: {error}") from None
    if not isinstance(found, list) or len(found) != 3 or found[0] != MAGIC:
        raise EngineError("cannot read a state: these bytes are not a state")
    if found[1] not in range(OLDEST, VERSION + 1):
        raise EngineError(
            f"cannot read a state of version {found[1]}; this podhawk reads version {VERSION}",
            remedy="Install the same version of podhawk on the driver and on every executor.",
        )
    try:
        old = OLD_EVENTS.get(found[1])
        return _value(found[2] if old is None else _renumbered(found[2], old))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise EngineError(f"cannot read a state: {error}") from None


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if value is None or kind in (bool, float, bytes):
        return value
    if kind is int:
        return value if -(1 << 63) <= value < 1 << 63 else [Tag.LARGE, str(hex(value))]
    if kind is dict:
        return _plain_dict(value)
    if kind in _SEQUENCES:
        return [_SEQUENCES[kind], *map(_plain, value)]
    if kind is Row:
        return [Tag.ROW, _plain(value.order), *_pairs(value)]
    if kind is OrderKey:
        return [Tag.ORDER, value.time, value.stage, *value.place]
    if kind is Filled:
        return [Tag.FILLED, _text(str(value))]
    if kind is JsonNumber:
        return [Tag.NUMBER, _text(str(value))]
    if kind is Counter:
        return [Tag.COUNTER, *_pairs(value)]
    if kind is Fraction:
        return [Tag.FRACTION, _plain(value.numerator), _plain(value.denominator)]
    if kind is CutLine:
        value, kind = value.whole(), CollectedLine
    known = _classes(COMMANDS.version).numbers.get(kind)
    if known is None:
        raise TypeError(f"cannot send a state that contains a {kind.__module__}.{kind.__qualname__}")
    number, members = known
    return [Tag.OBJECT, number, *(_plain(getattr(value, name)) for name in members)]


def _plain_dict(value: dict[Any, Any]) -> list[Any]:
    """Most of an event are texts in dicts, so these are looked at here."""
    found: list[Any] = [Tag.DICT]
    add = found.append
    for key, one in value.items():
        add(key if type(key) is str and key.isascii() else _plain(key))
        add(one if type(one) is str and one.isascii() else _plain(one))
    return found


def _text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate, which an event may spell with an escape
        return [Tag.BROKEN_TEXT, value.encode("utf-8", "surrogatepass")]
    return value


def _pairs(value: dict[Any, Any]) -> Iterator[Any]:
    for key, one in value.items():
        yield _plain(key)
        yield _plain(one)


def _value(value: Any) -> Any:
    if type(value) is not list:
        if isinstance(value, dict):
            raise ValueError("unexpected map")
        return value
    tag, rest = value[0], value[1:]
    match tag:
        case Tag.LIST:
            return [_value(one) for one in rest]
        case Tag.TUPLE:
            return tuple(_value(one) for one in rest)
        case Tag.DICT:
            return dict(_paired(rest))
        case Tag.ROW:
            return Row(_paired(rest[1:]), _value(rest[0]))
        case Tag.ORDER:
            return OrderKey(rest[0], rest[1], tuple(rest[2:]))
        case Tag.FILLED:
            return Filled(_value(rest[0]))
        case Tag.NUMBER:
            return JsonNumber(_value(rest[0]))
        case Tag.SET:
            return {_value(one) for one in rest}
        case Tag.FROZENSET:
            return frozenset(_value(one) for one in rest)
        case Tag.COUNTER:
            return Counter(dict(_paired(rest)))
        case Tag.FRACTION:
            return Fraction(_value(rest[0]), _value(rest[1]))
        case Tag.LARGE:
            return int(rest[0], 16)
        case Tag.BROKEN_TEXT:
            return rest[0].decode("utf-8", "surrogatepass")
        case Tag.OBJECT:
            return _object(rest)
    raise ValueError(f"unknown tag {tag!r}")


def _renumbered(value: Any, old: dict[int, type]) -> Any:
    """An event of an older version with the present numbers of its classes."""
    if type(value) is not list:
        return value
    if value[:1] != [Tag.OBJECT]:
        return [_renumbered(one, old) for one in value]
    cls = old.get(value[1])
    if cls is None:
        raise ValueError(f"class {value[1]!r} of an older version is not part of an event")
    return [Tag.OBJECT, OWN.index(cls), *(_renumbered(one, old) for one in value[2:])]


def _paired(flat: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(map(_value, flat[::2]), map(_value, flat[1::2]), strict=True)


def _object(rest: list[Any]) -> Any:
    number, values = rest[0], rest[1:]
    known = _classes(COMMANDS.version)
    if not isinstance(number, int) or not 0 <= number < len(known.all) or len(values) != len(known.members[number]):
        raise ValueError(f"unknown class {number!r} with {len(values)} members")
    cls: Any = known.all[number]
    if issubclass(cls, msgspec.Struct):
        return cls(*map(_value, values))
    made = cls.__new__(cls)
    for name, value in zip(known.members[number], values, strict=True):
        object.__setattr__(made, name, _value(value))  # some are frozen
    return made


def dump_local(value: Any) -> bytes:
    """Any value as bytes for `load_local`, in the same process or a fork of it."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def load_local(data: bytes) -> Any:
    """The value that `dump_local` wrote. Must only be given bytes from this process or a fork of it."""
    return pickle.loads(data)
