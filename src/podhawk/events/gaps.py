"""What was not read of an input: files and folders that could not be read, or not to their end."""

from __future__ import annotations

from msgspec import Struct

from podhawk.events.reasons import COMPRESSION, SHRANK


class Gap(Struct, frozen=True):
    """Why a file was not read, or not to its end.

    `reason` is one of `reasons.REASONS`. `size` is what the file held when the run began and `missing` how much of that
    was not read, in bytes, where it is known.
    """

    reason: str
    detail: str = ""
    remedy: str = ""
    missing: int = 0
    size: int = 0

    def text(self, path: str) -> str:
        """The gap in a sentence, with what to do about it."""
        return " ".join(filter(None, (f"{path} {self._what()}.", self.remedy)))

    def _what(self) -> str:
        if self.reason == SHRANK:
            lost = f"{self.missing:,} of {self.size:,} bytes are missing"
            return f"shrank while it was read: {lost}" if self.missing else "was overwritten while it was read"
        return self.detail


class Damaged(Exception):
    """Content cannot be read to its end; internal to this package.

    Without a gap it is the content itself: a compressed stream, and `reason` (one of `reasons.REASONS`) says why.
    """

    def __init__(self, gap: Gap | None = None, *, reason: str = COMPRESSION) -> None:
        super().__init__(gap)
        self.gap = gap
        self.reason = reason
