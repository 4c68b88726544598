"""Reading a body within limits: bytes as they are sent, bytes when decompressed, and time.

Both sizes are looked at while the body comes in, so that no more than a limit is ever held. All bodies that are being
read share one budget; a body that it has no room for is refused at once, not held.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

from msgspec import Struct

_PIECE: Final = 1 << 20


class BodyLimits(Struct, frozen=True):
    """Bytes of a body as sent and when decompressed, seconds for it to arrive, and bytes of all bodies in work."""

    sent: int = 32 << 20
    decompressed: int = 128 << 20
    seconds: float = 30.0
    in_work: int = 256 << 20


class BodyError(Exception):
    """A body that is not taken. `status` is that of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Budget:
    """The bytes of all bodies in work."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    def take(self, size: int) -> None:
        """Take bytes. Raises BodyError with status 503 if there are not so many left."""
        if self.taken + size > self._most:
            raise BodyError(503, "too many bodies are being read")
        self.taken += size

    def give_back(self, size: int) -> None:
        self.taken -= size


class Held:
    """A body in work, and what it takes of the budget until the block ends."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def take(self, size: int) -> None:
        """Take more of the budget."""
        self._budget.take(size)
        self._size += size

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *ended: object) -> None:
        self._budget.give_back(self._size)


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limits: BodyLimits, held: Held) -> bytes:
    """The body, decompressed if the encoding is gzip. Raises BodyError with status 408, 413, 415, 400 or 503."""
    try:
        async with asyncio.timeout(limits.seconds):
            return await _read(chunks, encoding, limits, held)
    except TimeoutError:
        raise BodyError(408, f"the body did not arrive within {limits.seconds:g} seconds") from None


async def _read(chunks: AsyncIterator[bytes], encoding: str, limits: BodyLimits, held: Held) -> bytes:
    if encoding not in ("", "identity", "gzip"):
        raise BodyError(415, f"the content encoding {encoding[:40]!r} is not supported")
    unzip = _Gunzip() if encoding == "gzip" else None
    parts: list[bytes] = []
    sent = size = 0
    async for chunk in chunks:
        sent += len(chunk)
        if sent > limits.sent:
            raise BodyError(413, f"the body has more than {limits.sent:,} bytes")
        for piece in (chunk,) if unzip is None else unzip.pieces(chunk):
            size += len(piece)
            if size > limits.decompressed:
                raise BodyError(413, f"the decompressed body has more than {limits.decompressed:,} bytes")
            held.take(len(piece))
            parts.append(piece)
    if unzip is not None and not unzip.complete:
        raise BodyError(400, "the compressed body is cut off")
    return b"".join(parts)


class _Gunzip:
    """Decompresses gzip, which may have several members, in pieces: a bomb is noticed before it has gone off."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self._member.eof or not self._begun

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What a chunk decompresses to. Raises BodyError."""
        try:
            while data:
                if self._member.eof:
                    self._member = zlib.decompressobj(wbits=31)
                self._begun = True
                yield self._member.decompress(data, _PIECE)
                data = self._member.unconsumed_tail or self._member.unused_data
        except zlib.error as error:
            raise BodyError(400, f"the compressed body is damaged: {error}") from None
