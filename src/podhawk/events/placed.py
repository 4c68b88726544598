"""A descriptor as a file of its own: forks share the position of a descriptor, so it is read by place."""

from __future__ import annotations

import io
import os
from typing import Any


class PlacedFile(io.BufferedIOBase):
    """Reads the first `size` bytes of an open file. Closing it leaves the descriptor open."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self._place)
        wanted = left if size is None or size < 0 else min(size, left)
        parts: list[bytes] = []
        while wanted and (part := os.pread(self._descriptor, wanted, self._place)):
            parts.append(part)
            wanted -= len(part)
            self._place += len(part)
        return b"".join(parts)

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
