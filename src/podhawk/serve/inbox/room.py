"""Whether there is room for more: a number of bytes, not a guess."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from msgspec import Struct


class Room(Struct, frozen=True):
    """How many bytes the inbox may take, and how many must stay free on its disk."""

    most: int = 8 << 30
    free: int = 2 << 30


def size_of(folder: Path) -> int:
    """Bytes that the inbox takes, with what SQLite keeps beside its files."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                total += entry.stat().st_size if entry.name.startswith("inbox-") else 0
            except OSError:  # removed meanwhile
                continue
    return total


def lack_of(room: Room, folder: Path, size: int) -> str:
    """Why nothing more is taken; empty if there is room."""
    if size > room.most:
        return f"the inbox has {size:,} bytes, more than {room.most:,}"
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return f"the disk of the inbox cannot be read: {error.strerror}"
    return f"the disk has {free:,} bytes left, fewer than {room.free:,}" if free < room.free else ""
