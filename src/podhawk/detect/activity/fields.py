"""The fields of a log: in how many events each occurs, of which kinds its values are, and which are most frequent.

Most members of an event have been there before, letter by letter: the same users, resources and addresses. So the texts
of members are counted first, and each distinct text is decoded once. Events with bodies, and those about secrets, are
decoded whole, because what must be masked in them depends on the event; of those that differ only in the identity of
their request (`podhawk.events.line_template`) all but the first are counted without looking into them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Struct

from podhawk.detect.activity.value_counts import ValueCounts, hash_of
from podhawk.events.collected import CollectedEvent, CollectedLine, EventDecoder
from podhawk.events.decode import JsonNumber
from podhawk.events.event import AUDIT_KEYS, BODIES, AuditEvent
from podhawk.events.line_template import IDENTITY, TextParts, cut_identity, is_its_own, whole_line

MOST_FIELDS: Final = 2000
"""Names that are kept. A log can be made to have any number of them: labels and annotations have names of their own."""
MOST_TEXTS: Final = 5000
"""Distinct texts of a member that are counted before they are decoded."""
MOST_LINES: Final = 5000
"""Distinct lines to be decoded whole, without their identity, that are counted before their members are. None is
longer than `line_template.LONGEST`."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_ID: Final = re.compile(rb'"[0-9a-f-]{1,64}"\Z')
_STAMP: Final = re.compile(rb'"\d{4}-\d\d-\d\dT[\d:.]{8,}Z"\Z')
_WHOLE: Final = (*(f'"{name}"'.encode() for name in BODIES), b"ecret", b"oken")
"""What stands in lines that are decoded whole."""
_REFERENCE: Final = frozenset(
    {"resource", "namespace", "name", "uid", "apiGroup", "apiVersion", "resourceVersion", "subresource"}
)
"""The members of an objectRef. Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/"""
_texts: Final = msgspec.json.Decoder(dict[str, str]).decode
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
        self._alike: dict[TextParts, int] = {}
        """How many lines came that are like one whose members were counted; -1 where each must be looked into."""
        self._identities: dict[str, dict[str, int]] = {name: {} for name in IDENTITY}
        self.events = 0
        self.complete = True
        """Whether all fields were kept; known after `summary`."""
        self.fields: dict[str, FieldFacts] = {}

    def __getstate__(self) -> tuple[Any, ...]:
        self._settle()
        return self._most, self._barred, self.events, self.complete, self.fields

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._most, self._barred, self.events, self.complete, self.fields = state
        self._decoder, self._texts, self._alike = None, {}, {}
        self._identities = {name: {} for name in IDENTITY}

    def take(self, event: CollectedEvent) -> None:
        """Count the fields of an event."""
        self.events += 1
        if isinstance(event, AuditEvent):
            self._take_whole(event, 1)
            return
        line = event.text
        if any(mark in line for mark in _WHOLE):
            if not self._is_like_another(line):
                self._take_whole(event, 1)
        elif not self._take_members(line):
            self._take_whole(event, 1)

    def _is_like_another(self, line: bytes) -> bool:
        """Whether a line has come before with another identity; then both are counted."""
        cut = cut_identity(line)
        if cut is None:
            return False
        rest, identity = cut
        known = self._alike.get(rest)
        if known is None:
            if len(self._alike) >= MOST_LINES:
                self._settle_lines()
            self._alike[rest] = 0
            return False
        if known == 0 and not is_its_own(rest):
            known = self._alike[rest] = -1
        if known < 0:
            return False
        self._alike[rest] = known + 1
        for name, value in zip(IDENTITY, identity, strict=True):
            own = self._identities[name]
            own[value] = own.get(value, 0) + 1
            if len(own) >= MOST_TEXTS:
                self._settle_identity(name)
        return True

    def _take_members(self, line: bytes) -> bool:
        """Count the texts of a line's members, if these are all that it has."""
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

    def _settle_lines(self) -> None:
        for rest, count in self._alike.items():
            if count > 0:
                self._take_whole(CollectedLine("", 1, whole_line(rest, ("", "", ""))), count, IDENTITY)
        self._alike.clear()

    def _settle_identity(self, name: str) -> None:
        self._count_texts(name, self._identities[name])
        self._identities[name].clear()

    def _settle(self) -> None:
        self._settle_lines()
        for name in IDENTITY:
            self._settle_identity(name)
        for name in list(self._texts):
            self._settle_member(name)

    def _settle_member(self, name: str) -> None:
        plain: dict[str, dict[str, int]] = {}
        spelled = _ID if name == "auditID" else _STAMP if name.endswith("Timestamp") else None
        for text, count in self._texts.pop(name).items():
            if spelled is not None and spelled.match(text):
                found = {name: text[1:-1].decode()}
            else:
                found = _reference(text) if name == "objectRef" else {}
            for field, value in found.items():
                own = plain.setdefault(field, {})
                own[value] = own.get(value, 0) + count
            if not found:
                self._take_whole(CollectedLine("", 1, b'{"%s":%s}' % (name.encode(), text)), count)
        for field, counts in plain.items():
            self._count_texts(field, counts)

    def _take_whole(self, event: CollectedEvent, count: int, without: Collection[str] = ()) -> None:
        found: dict[str, list[Any]] = {}
        assert self._decoder is not None
        view = self._decoder.event(event).view
        _leaves(view.data, "", found)
        for name, value in view.indexed.items():
            found.setdefault(name, []).extend(value if isinstance(value, tuple) else (value,))
        for name, values in found.items():
            if name not in without:
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

    def _count_texts(self, name: str, counts: Mapping[str, int]) -> None:
        """Count events of which each has one value of a field, by value."""
        facts = self.fields.get(name) or (self._new(name) if counts else None)
        if facts is None:
            return
        facts.events += sum(counts.values())
        for value, count in counts.items():
            facts.kinds["time" if value[:2] == "20" and _TIME.match(value) else "text"] += count
        facts.values.add_all(counts)

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


def _reference(text: bytes) -> dict[str, str]:
    """The fields of an objectRef, none of which is ever masked; empty where it is not as the API server writes it."""
    try:
        found = _texts(text)
    except msgspec.MsgspecError:
        return {}
    return {f"objectRef.{name}": value for name, value in found.items()} if found.keys() <= _REFERENCE else {}


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
