"""States as bytes, for the way between machines: versioned msgpack, never pickle.

What states are made of is a closed list: plain values, the containers below, and the classes of
`CLASSES`, whose members are written in their order. Reading makes nothing else, so that bytes from
elsewhere can at worst give a wrong state. Every value that msgpack does not tell apart by itself is an
array whose first member is its tag. Both ends must have the same `VERSION`: raise it when a member of a
class below, a tag or their order changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from fractions import Fraction
from typing import Any, Final

import msgspec

from podhawk.commands import dedup, frequency, grid, series, sort, stats, tail
from podhawk.commands.aggregate import Group
from podhawk.commands.orderings import Falling
from podhawk.engine.search.compiled import Observed
from podhawk.errors import EngineError
from podhawk.events.decode import Number
from podhawk.events.event import AuditEvent, Origin, View
from podhawk.events.gaps import Gap
from podhawk.events.kept import KeptLine
from podhawk.events.options import InputReport, Rejected
from podhawk.functions.aggregations import arithmetic, counting, ordered
from podhawk.rows import Filled, OrderKey, Row

VERSION: Final = 2
OLDEST: Final = 1
"""Events that an older podhawk kept can be read from this version on: what they are made of has not changed since."""
MAGIC: Final = "podhawk-state"

CLASSES: Final[tuple[type, ...]] = (
    Group,
    stats.Kept,
    frequency.Tally,
    dedup.State,
    tail.State,
    sort.State,
    grid.State,
    grid.Line,
    series.Cell,
    counting.Count,
    counting.Distinct,
    counting.Values,
    counting.Listed,
    counting.Mode,
    arithmetic.Moments,
    arithmetic.Numbers,
    arithmetic.Extreme,
    arithmetic.Range,
    ordered.Ordered,
    ordered.Timed,
    ordered.Rate,
    Falling,
    Observed,
    InputReport,
    Rejected,
    Origin,
    KeptLine,
    AuditEvent,
    View,
    Gap,
)


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
        return tuple(name for name in cls.__struct_fields__ if name != "alike")  # what is known of others stays here
    found: list[str] = []
    for base in reversed(cls.__mro__):
        found.extend(getattr(base, "__slots__", ()))
    return tuple(found)


_NUMBERS: Final = {cls: (number, _members(cls)) for number, cls in enumerate(CLASSES)}
_MEMBERS: Final = tuple(_members(cls) for cls in CLASSES)
_SEQUENCES: Final[dict[Any, Tag]] = {list: Tag.LIST, tuple: Tag.TUPLE, set: Tag.SET, frozenset: Tag.FROZENSET}


def dump(value: Any) -> bytes:
    """A state (or an account of what was read) as bytes. Raises TypeError for a class that is not listed: a
    command whose state holds one has to be added to `CLASSES`."""
    return msgspec.msgpack.encode([MAGIC, VERSION, _plain(value)])


def load(data: bytes) -> Any:
    """The value that `dump` wrote. Raises EngineError for other bytes and for another version."""
    try:
        found = msgspec.msgpack.decode(data)
    except msgspec.DecodeError as error:
        raise EngineError(f"a state cannot be read: {error}") from None
    if not isinstance(found, list) or len(found) != 3 or found[0] != MAGIC:
        raise EngineError("a state cannot be read: these bytes are none")
    if found[1] not in range(OLDEST, VERSION + 1):
        raise EngineError(
            f"a state of version {found[1]} cannot be read here, where states are of version {VERSION}",
            remedy="Install the same version of podhawk on the driver and on every executor.",
        )
    try:
        return _value(found[2])
    except (IndexError, TypeError, ValueError, AttributeError) as error:
        raise EngineError(f"a state cannot be read: {error}") from None


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if value is None or kind in (bool, float, bytes):
        return value
    if kind is int:
        return value if -(1 << 63) <= value < 1 << 63 else [Tag.LARGE, str(hex(value))]
    if kind in _SEQUENCES:
        return [_SEQUENCES[kind], *map(_plain, value)]
    if kind is dict:
        return [Tag.DICT, *_pairs(value)]
    if kind is Row:
        return [Tag.ROW, _plain(value.order), *_pairs(value)]
    if kind is OrderKey:
        return [Tag.ORDER, value.time, value.stage, *value.place]
    if kind is Filled:
        return [Tag.FILLED, _text(str(value))]
    if kind is Number:
        return [Tag.NUMBER, _text(str(value))]
    if kind is Counter:
        return [Tag.COUNTER, *_pairs(value)]
    if kind is Fraction:
        return [Tag.FRACTION, _plain(value.numerator), _plain(value.denominator)]
    known = _NUMBERS.get(kind)
    if known is None:
        raise TypeError(f"a state cannot be sent that holds a {kind.__module__}.{kind.__qualname__}")
    number, members = known
    return [Tag.OBJECT, number, *(_plain(getattr(value, name)) for name in members)]


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
            raise ValueError("a map where none can be")
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
            return Number(_value(rest[0]))
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


def _paired(flat: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(map(_value, flat[::2]), map(_value, flat[1::2]), strict=True)


def _object(rest: list[Any]) -> Any:
    number, values = rest[0], rest[1:]
    if not isinstance(number, int) or not 0 <= number < len(CLASSES) or len(values) != len(_MEMBERS[number]):
        raise ValueError(f"unknown class {number!r} of {len(values)} members")
    cls: Any = CLASSES[number]
    if issubclass(cls, msgspec.Struct):
        return cls(*map(_value, values))
    made = cls.__new__(cls)
    for name, value in zip(_MEMBERS[number], values, strict=True):
        object.__setattr__(made, name, _value(value))  # some are frozen
    return made
