"""What sinks are given: messages, each about one finding, several, or many in a digest.

A message is made once, kept until it is delivered, and never changed. So what is sent again after a failure carries the
same key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, Literal

from msgspec import Struct

SinkChange = Literal["new", "revised", "rekeyed", "gone", "closed"]
"""What became of a finding. `rekeyed`: it has another id now. `gone`: later events have proved it wrong, or it is
hidden now. `closed`: a person has resolved it."""
Urgency = Literal["low", "normal", "urgent"]
URGENCIES: Final[tuple[Urgency, ...]] = ("low", "normal", "urgent")
SEVERITIES: Final = ("informational", "low", "medium", "high", "critical")
ENDED: Final = ("gone", "closed")
MOST_LISTED: Final = 50
"""Findings that a digest lists; it counts the others."""


class SinkItem(Struct, frozen=True):
    """A finding in a message. `record` is the finding as `podhawk run -o jsonl` has it, with fewer rows; of one that is
    gone it is what was sent last. `replaces` are ids under which this sink was told of it. `repeats` counts further
    findings of its group."""

    change: SinkChange
    finding_id: str
    revision: int
    record: Mapping[str, Any]
    replaces: tuple[str, ...] = ()
    repeats: int = 0
    before: Mapping[str, int] = {}
    """The priorities with which the sink was told of it before, by id."""

    @property
    def key(self) -> str:
        """The key of what is said here: receivers that have seen it may drop it."""
        return f"{self.finding_id}:{self.revision}" + (f":{self.change}" if self.change in ENDED else "")

    @property
    def priority(self) -> int:
        return int(self.record.get("priority", 0))

    @property
    def severity(self) -> str:
        return str(self.record.get("severity", "informational"))


class SinkMessage(Struct, frozen=True):
    """A message. `total` counts the findings that it is about, `severities` says how severe they are; `imported` says
    that they are of logs that were imported. A `digest` lists the most urgent ones."""

    key: str
    time: float
    urgency: Urgency
    items: Sequence[SinkItem]
    digest: bool = False
    imported: bool = False
    total: int = 1
    severities: Mapping[str, int] = {}
    priority: int = 0
    urgent: int = 70
    """The priority from which on findings are urgent."""

    @property
    def severity(self) -> str:
        """The highest severity."""
        found = [one for one in SEVERITIES if self.severities.get(one)]
        return found[-1] if found else SEVERITIES[0]

    @property
    def first(self) -> SinkItem:
        """The most urgent finding."""
        return self.items[0]


def most_urgent_first(items: Sequence[SinkItem]) -> list[SinkItem]:
    """Findings in the order of a digest. Those that have ended come last."""

    def place(one: SinkItem) -> tuple[bool, int, int, str]:
        severity = SEVERITIES.index(one.severity) if one.severity in SEVERITIES else 0
        return one.change in ENDED, -one.priority, -severity, one.finding_id

    return sorted(items, key=place)


def in_turns(items: Sequence[SinkItem], most: int) -> list[SinkItem]:
    """So many of some findings, which are in the order of a digest: the first of each actor, then the second of each,
    and so on, in that order again. Nobody who floods a digest takes the place of others in it."""
    turns: Counter[tuple[str, str]] = Counter()
    placed = []
    for place, one in enumerate(items):
        actor = one.record.get("actor", {})
        who = str(one.record.get("cluster", "")), str(actor.get("user") or actor.get("source_ip") or "")
        placed.append((turns[who], place, one))
        turns[who] += 1
    chosen = sorted(placed, key=lambda each: each[:2])[:most]
    return [one for _, _, one in sorted(chosen, key=lambda each: each[1])]


def urgency_with(priority: int, urgent: int) -> Urgency:
    """How urgent a finding of a priority is."""
    return "urgent" if priority >= urgent else "normal"


def urgency_of(items: Sequence[SinkItem], urgent: int, *, imported: bool = False) -> Urgency:
    """As urgent as the most urgent finding; what was imported, and what has ended, is not."""
    open_ones = [one.priority for one in items if one.change not in ENDED]
    if imported or not open_ones:
        return "low"
    return urgency_with(max(open_ones), urgent)


def message_of(items: Sequence[SinkItem], now: float, urgent: int) -> SinkMessage:
    """A message about one finding, or a few."""
    keys = [one.key for one in items]
    return SinkMessage(
        keys[0] if len(keys) == 1 else _key("batch", keys),
        now,
        urgency_of(items, urgent),
        tuple(items),
        total=len(items),
        severities=Counter(one.severity for one in items),
        priority=max(one.priority for one in items),
        urgent=urgent,
    )


def digest_of(
    items: Sequence[SinkItem], total: int, severities: Mapping[str, int], now: float, urgent: int, *, imported: bool
) -> SinkMessage:
    """A digest of `total` findings, of which `items` are the most urgent ones."""
    listed = most_urgent_first(items)[:MOST_LISTED]
    return SinkMessage(
        _key("digest", [f"{now:.6f}", *(one.key for one in listed)]),
        now,
        urgency_of(listed, urgent, imported=imported),
        tuple(listed),
        digest=True,
        imported=imported,
        total=total,
        severities=severities,
        priority=max((one.priority for one in listed), default=0),
        urgent=urgent,
    )


def _key(kind: str, keys: Sequence[str]) -> str:
    return f"{kind}:{blake2b(' '.join(keys).encode(), digest_size=16).hexdigest()}"
