"""The fields of a log: in how many events each occurs, of which kinds its values are, and which are most frequent.

Most members of an event have been there before, letter by letter: the same users, resources and addresses. So the texts
of members are counted first, and each distinct text is decoded once. Events with bodies, and those about secrets, are
decoded whole, because what must be masked in them depends on the event.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Struct

from podhawk.detect.activity.value_counts import ValueCounts, hash_of
from podhawk.events.collected import CollectedEvent, CollectedLine, EventDecoder
from podhawk.events.decode import JsonNumber
from podhawk.events.event import AUDIT_KEYS, BODIES

MOST_FIELDS: Final = 2000
"""Names that are kept. A log can be made to have any number of them: labels and annotations have names of their own."""
MOST_TEXTS: Final = 5000
"""Distinct texts of a member that are counted before they are decoded."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_ID: Final = re.compile(rb'"[0-9a-f-]{36}"\Z')
_STAMP: Final = re.compile(rb'"\d{4}-\d\d-\d\dT[\d:.]{8,}Z"\Z')
_WHOLE: Final = (*(f'"{name}"'.encode() for name in BODIES), b"ecret", b"oken")
"""What stands in lines that are decoded whole."""
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class FieldFacts:
    """What is known of a field. `events` have it, with values of these `kinds`."""

    __slots__ = ("events", "kinds", "values")

    def __init__(self) -> None:
        self.events = 0
        self.kinds: Counter[str] = Counter()
        self.values = ValueCounts()

    def merge(self, other: FieldFacts) -> None:
        """Take in what is known from other events."""
        self.events += other.events
        self.kinds.update(other.kinds)
        self.values.merge(other.values)


class FieldOverview(Struct, frozen=True):
    """One field as it is shown. `distinct` is a lower bound where not `complete`; `top` are values with how often they
    occur, of those that were kept."""

    name: str
    events: int
    share: float
    kinds: tuple[tuple[str, int], ...]
    distinct: int
    complete: bool
    top: tuple[tuple[str, int], ...]


class FieldDigest:
    """The fields of all events. `decoder` masks secrets; its options must be those of the run."""

    def __init__(self, decoder: EventDecoder, most: int = MOST_FIELDS) -> None:
        self._decoder: EventDecoder | None = decoder
        self._most = most
        self._barred: int | None = None
        """The lowest hash of a name that was dropped: from it on none is kept."""
        self._texts: dict[str, dict[bytes, int]] = {}
        self.events = 0
        self.complete = True
        """Whether all fields were kept; known after `summary`."""
        self.fields: dict[str, FieldFacts] = {}

    def __getstate__(self) -> tuple[Any, ...]:
        self._settle()
        return self._most, self._barred, self.events, self.complete, self.fields

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._most, self._barred, self.events, self.complete, self.fields = state
        self._decoder, self._texts = None, {}

    def take(self, event: CollectedEvent) -> None:
        """Count the fields of an event."""
        self.events += 1
        if not isinstance(event, CollectedLine) or not self._take_members(event.text):
            self._take_whole(event, 1)

    def _take_members(self, line: bytes) -> bool:
        """Count the texts of a line's members, if it needs not be decoded whole."""
        if any(mark in line for mark in _WHOLE):
            return False
        try:
            members = _members(line)
        except msgspec.MsgspecError:
            return False
        if not members.keys() <= AUDIT_KEYS:
            return False
        for name, raw in members.items():
            texts = self._texts.get(name)
            if texts is None:
                texts = self._texts[name] = {}
            text = bytes(raw)
            texts[text] = texts.get(text, 0) + 1
            if len(texts) >= MOST_TEXTS:
                self._settle_member(name)
        return True

    def _settle(self) -> None:
        for name in list(self._texts):
            self._settle_member(name)

    def _settle_member(self, name: str) -> None:
        for text, count in self._texts.pop(name).items():
            if (name == "auditID" and _ID.match(text)) or (name.endswith("Timestamp") and _STAMP.match(text)):
                self._count(name, [text[1:-1].decode()], count)
            else:
                self._take_whole(CollectedLine("", 1, b'{"%s":%s}' % (name.encode(), text)), count)

    def _take_whole(self, event: CollectedEvent, count: int) -> None:
        found: dict[str, list[Any]] = {}
        assert self._decoder is not None
        view = self._decoder.event(event).view
        _leaves(view.data, "", found)
        for name, value in view.indexed.items():
            found.setdefault(name, []).extend(value if isinstance(value, tuple) else (value,))
        for name, values in found.items():
            self._count(name, values, count)

    def _count(self, name: str, values: list[Any], count: int) -> None:
        facts = self.fields.get(name)
        if facts is None:
            facts = self._new(name)
            if facts is None:
                return
        facts.events += count
        for value in values:
            facts.kinds[_kind(value)] += count
            facts.values.add(_text(value), count=count)

    def _new(self, name: str) -> FieldFacts | None:
        if self._barred is not None and hash_of(name) >= self._barred:
            self.complete = False
            return None
        self.fields[name] = FieldFacts()
        self._narrow()
        return self.fields.get(name)

    def _narrow(self) -> None:
        while len(self.fields) > self._most:
            self.complete = False
            dropped = max(self.fields, key=hash_of)
            self._barred = hash_of(dropped)
            del self.fields[dropped]

    def merge(self, other: FieldDigest) -> None:
        """Take in the fields of other events."""
        self._settle()
        other._settle()
        self.events += other.events
        self.complete = self.complete and other.complete
        bars = [one for one in (self._barred, other._barred) if one is not None]
        self._barred = min(bars, default=None)
        for name, facts in other.fields.items():
            known = self.fields.get(name)
            if known is None:
                self.fields[name] = facts
            else:
                known.merge(facts)
        bar = self._barred
        if bar is not None:
            self.fields = {name: facts for name, facts in self.fields.items() if hash_of(name) < bar}
        self._narrow()

    def summary(self, top: int) -> list[FieldOverview]:
        """The fields, those of most events first, each with so many of its values."""
        self._settle()
        ordered = sorted(self.fields.items(), key=lambda item: (-item[1].events, item[0]))
        return [
            FieldOverview(
                name,
                facts.events,
                facts.events / max(self.events, 1),
                tuple(sorted(facts.kinds.items(), key=lambda item: (-item[1], item[0]))),
                len(facts.values),
                facts.values.complete,
                tuple((value, found.count) for value, found in islice(facts.values.top(), top)),
            )
            for name, facts in ordered
        ]


def _leaves(node: Mapping[str, Any], path: str, out: dict[str, list[Any]]) -> None:
    """The values of all fields, by the names that searches use."""
    for key, value in node.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            _leaves(value, name, out)
        elif isinstance(value, list):
            _listed(value, name + "{}", out)
        else:
            out.setdefault(name, []).append(value)


def _listed(values: list[Any], name: str, out: dict[str, list[Any]]) -> None:
    for value in values:
        if isinstance(value, dict):
            _leaves(value, name, out)
        elif isinstance(value, list):
            _listed(value, name + "{}", out)
        else:
            out.setdefault(name, []).append(value)


def _kind(value: Any) -> str:
    if isinstance(value, JsonNumber):
        return "number"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "time" if value[:2] == "20" and _TIME.match(value) else "text"
    return "number"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
