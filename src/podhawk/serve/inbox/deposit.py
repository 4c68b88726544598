"""What a receiver hands to the inbox, and what the inbox keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

RECEIVED: Final = "received"
STORED: Final = "stored"
REPEATED: Final = "repeated"
DEAD_LETTERED: Final = "dead_lettered"
REJECTED: Final = "rejected: "
"""Begins the name of a count of rejected records; the reason follows."""


class ClusterLines(Struct, frozen=True):
    """Events of one cluster, as lines of JSON with their secrets masked. Each line is one event."""

    cluster: str
    lines: bytes
    events: int


class DeadLetter(Struct, frozen=True):
    """What could not be read: why, where in the body, its size in bytes and SHA-256. The bytes are not kept, because
    what cannot be decoded cannot be redacted."""

    error: str
    offset: int
    size: int
    sha256: str


class TailPosition(Struct, frozen=True):
    """How far a file that is followed has been read: `offset` bytes of the file with this device and inode, whose first
    `head_size` bytes have this hash. `path` is what it was called when it was followed."""

    path: str
    device: int
    inode: int
    offset: int
    head_size: int
    head: bytes


class Deposit(Struct, frozen=True):
    """One body. `digest` tells it from other bodies of the same sender; `newest` is the time of its newest event, which
    is at most a minute in the future."""

    sender: str
    cluster: str
    digest: bytes
    received: float
    newest: float
    parts: tuple[ClusterLines, ...] = ()
    rejected: Mapping[str, int] = {}
    letters: tuple[DeadLetter, ...] = ()
    tail: TailPosition | None = None
    """Where the body ended in a file that is followed: it is written in the same transaction."""

    @property
    def records(self) -> int:
        """How many events and other records the body held."""
        return sum(one.events for one in self.parts) + sum(self.rejected.values()) + len(self.letters)

    @property
    def size(self) -> int:
        """Bytes to be stored."""
        return sum(len(one.lines) for one in self.parts)
