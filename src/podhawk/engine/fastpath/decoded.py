"""A line that the fast path has decoded, and what several searches may need of it, each worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from podhawk.engine.fastpath.decoder import UNSET, DecodedValues, value_of
from podhawk.events.candidates import LineCounter
from podhawk.events.collected import CollectedLine, CutLine, LineCutter
from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.event import View
from podhawk.events.fields import head_of, pick
from podhawk.events.formats.native import raw_of
from podhawk.events.time import parse_rfc3339
from podhawk.rows import OrderKey, Row, Value


class Bodies:
    """The bodies of an event, each decoded when it is first asked for."""

    def __init__(self, event: Any) -> None:
        self._event = event
        self._data: dict[str, Any] = {}

    def fields(self, names: frozenset[str]) -> dict[str, Value]:
        """Fields of the bodies. Raises `BadJSON` for bodies that only the slow path can read."""
        data = {}
        for head in _heads(names):
            if head not in self._data:
                text = bytes(getattr(self._event, head))
                self._data[head] = value = decode_json(text) if text else UNSET
                if isinstance(value, str):
                    raise BadJSON("a body encoded as a string")
            if self._data[head] is not UNSET:
                data[head] = self._data[head]
        return pick(View(data, ""), names)


@lru_cache(maxsize=512)
def _heads(names: frozenset[str]) -> tuple[str, ...]:
    """The bodies that fields belong to."""
    return tuple(sorted({head_of(name) for name in names}))


class LinePosition:
    """Where the lines that come next stand: the file, its place in the input, and how their numbers are counted.

    Line numbers are counted in a block only when one is needed (`start_block`).
    """

    def __init__(self, place: tuple[int, ...]) -> None:
        self.path = ""
        self.place = place
        self.cutter = LineCutter()
        self._lines: LineCounter | None = None
        self._before = 0

    def start_block(self, lines: LineCounter, before: int) -> None:
        """Until `end_block` lines are given by their offset in a block, with `before` lines in front of the block."""
        self._lines, self._before = lines, before

    def end_block(self) -> None:
        """Lines are given by their number again."""
        self._lines = None

    def number(self, at: int) -> int:
        """The number of a line, from 1."""
        return at if self._lines is None else self._before + self._lines.before(at) + 1


class DecodedLine:
    """An event with the line that it stands on."""

    _number: int = 0
    _order: OrderKey | None = None
    _bodies: Bodies | None = None
    _collected: CollectedLine | None = None
    _kept: CollectedLine | CutLine | None = None

    def __init__(self, event: Any, text: bytes, at: int, position: LinePosition) -> None:
        self.event = event
        self._line = text
        self._at = at
        self._position = position

    @property
    def bodies(self) -> Bodies:
        """The bodies of the event."""
        if self._bodies is None:
            self._bodies = Bodies(self.event)
        return self._bodies

    @property
    def text(self) -> str:
        """What searches for words look at."""
        return raw_of(self._line)

    @property
    def number(self) -> int:
        """The number of the line in its file."""
        if not self._number:
            self._number = self._position.number(self._at)
        return self._number

    @property
    def order(self) -> OrderKey:
        """The order key of the event's rows. Raises `ValidationError` for a time that only the slow path can work
        out."""
        if self._order is None:
            received, stage = self.event.requestReceivedTimestamp, self.event.stageTimestamp
            time = parse_rfc3339(received) if received.__class__ is str else None
            staged = parse_rfc3339(stage) if stage.__class__ is str else None
            if time is None:
                raise msgspec.ValidationError("a time that only the slow path can work out")
            self._order = OrderKey(-time, -(staged or 0.0), (*self._position.place, self.number, 0))
        return self._order

    @property
    def collected(self) -> CollectedLine:
        """The line as it stands, for digests."""
        if self._collected is None:
            self._collected = CollectedLine(self._position.path, self.number, self._line)
        return self._collected

    @property
    def kept(self) -> CollectedLine | CutLine:
        """The line for collectors of events, which keep it: one object for all of them."""
        if self._kept is None:
            self._kept = self._position.cutter.cut(self.collected)
        return self._kept


def make_row(
    names: Sequence[str],
    values: DecodedValues,
    fixed: dict[str, str],
    bodies: dict[str, Value] | None = None,
    order: OrderKey | None = None,
) -> Row:
    """The row of a decoded event: fields that are the same for all events, values as they were decoded, fields of its
    bodies, and the time, where the order of rows matters."""
    row = Row(fixed)
    for name, raw in zip(names, values, strict=True):
        value = value_of(raw)
        if value is not None:
            row[name] = value
    if bodies:
        row.update(bodies)
    if order is not None:
        row["_time"] = int(-order.time) if order.time == int(order.time) else -order.time
        row.order = order
    return row
