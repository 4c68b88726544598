"""Gaps in the audit log of a cluster, told by the heartbeats of its nodes.

A kubelet renews its lease every ten seconds, and the audit log has each renewal. Where one is missing between two
others, the log was lost, or the kubelet could not renew. If half of the nodes miss renewals at one time it is the log.
A node that misses them alone for more than a minute was most likely down, and is nobody's gap.

Batches come out of order and are sent again, so a gap is told only when two minutes of the log, or of time, have passed
without the missing renewals; and it is taken back if they come later still.

Source: https://kubernetes.io/docs/concepts/architecture/leases/#node-heart-beats
"""

from __future__ import annotations

import statistics
from bisect import insort
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec
from msgspec import Struct, field

from podhawk.events.time import parse_rfc3339

USUAL: Final = 10.0
"""Seconds between two renewals, until it is known better."""
LATE: Final = 120.0
"""Seconds that missing renewals may be late."""
ALONE: Final = 60.0
"""Seconds up to which a node that misses renewals alone is a gap."""
_KEPT: Final = 120
"""Renewals of a node that are remembered: twenty minutes."""
_MOST_NODES: Final = 10_000
_SIGN: Final = b"kube-node-lease"


class _Object(Struct):
    name: str = ""
    namespace: str = ""
    resource: str = ""


class _Lease(Struct, rename="camel"):
    verb: str = ""
    stage: str = ""
    stage_timestamp: str = ""
    object_ref: _Object | None = None
    event: msgspec.Raw | None = None
    """The event, where it stands in an envelope."""


_DECODER: Final = msgspec.json.Decoder(_Lease)


class HeartbeatGap(Struct, frozen=True):
    """Renewals of these nodes are missing between two times, in epoch seconds."""

    start: float
    end: float
    nodes: tuple[str, ...]


def renewals_in(text: bytes) -> Iterator[tuple[str, float]]:
    """The renewals of leases in lines of events: the node, and when."""
    place = 0
    while (found := text.find(_SIGN, place)) >= 0:
        begin = text.rfind(b"\n", 0, found) + 1
        end = text.find(b"\n", found)
        place = len(text) if end < 0 else end
        try:
            lease = _DECODER.decode(text[begin:place])
            if lease.event is not None:
                lease = _DECODER.decode(lease.event)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue
        about = lease.object_ref
        if about is None or (about.resource, about.namespace) != ("leases", _SIGN.decode()):
            continue
        time = parse_rfc3339(lease.stage_timestamp)
        if lease.verb in ("update", "patch") and lease.stage == "ResponseComplete" and time is not None:
            yield about.name, time


class Heartbeats(Struct):
    """The renewals of a cluster."""

    nodes: dict[str, list[float]] = field(default_factory=dict)
    newest: float = 0.0
    seen: dict[tuple[str, float], float] = field(default_factory=dict)
    """When a gap of a node that begins at a time was seen first, by our clock."""

    def add(self, node: str, time: float) -> None:
        """Take in a renewal."""
        if node not in self.nodes and len(self.nodes) >= _MOST_NODES:
            return
        times = self.nodes.setdefault(node, [])
        if time not in times[-4:]:
            insort(times, time)
        del times[:-_KEPT]
        self.newest = max(self.newest, time)

    def is_certain(self, start: float, end: float) -> None:
        """What is missing between two times has been told already, and need not be waited for."""
        self.seen |= {(node, begin): 0.0 for node, begin, until in self._missing() if start <= begin and until <= end}

    def gaps(self, now: float) -> list[HeartbeatGap]:
        """The gaps that are certain by now. `now` is our clock, in epoch seconds."""
        found = [
            (start, end, node)
            for node, start, end in self._missing()
            if self.newest - end >= LATE or now - self.seen.setdefault((node, start), now) >= LATE
        ]
        return [one for one in _joined(sorted(found)) if self._is_of_the_log(one)]

    def _missing(self) -> Iterator[tuple[str, float, float]]:
        for node, times in self.nodes.items():
            steps = [after - before for before, after in pairwise(times)]
            if not steps:
                continue
            usual = min(max(statistics.median(steps), USUAL / 2), 6 * USUAL) if len(steps) >= 4 else USUAL
            for start, step in zip(times, steps, strict=False):
                if step >= 1.7 * usual and step >= usual + 6:
                    yield node, start, start + step

    def _is_of_the_log(self, gap: HeartbeatGap) -> bool:
        alive = sum(times[0] <= gap.start + USUAL and times[-1] >= gap.end - USUAL for times in self.nodes.values())
        return 2 * len(gap.nodes) >= alive or gap.end - gap.start <= ALONE


def _joined(found: list[tuple[float, float, str]]) -> Iterator[HeartbeatGap]:
    """Gaps of single nodes that overlap, as one."""
    start = end = 0.0
    nodes: list[str] = []
    for begin, until, node in found:
        if nodes and begin < end:
            end = max(end, until)
            nodes.append(node)
            continue
        if nodes:
            yield HeartbeatGap(start, end, tuple(dict.fromkeys(nodes)))
        start, end, nodes = begin, until, [node]
    if nodes:
        yield HeartbeatGap(start, end, tuple(dict.fromkeys(nodes)))
