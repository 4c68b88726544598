"""gzip and zlib to plain bytes.

ISA-L decompresses three times as fast as zlib, but of a call that meets a fault it gives nothing, and its state cannot
be copied. So it reads what can be read twice: where it fails, zlib reads the stream from its beginning and decides what
comes before the fault, and whether there is one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol, cast

from podhawk.events.gaps import Damaged

BLOCK: Final = 1 << 20
"""Bytes that a step gives at most."""
_EITHER: Final = 47
"""The format of a member, gzip or zlib, is told by its first bytes."""
_GZIP: Final = b"\x1f\x8b"
_HEADER: Final = 4
_RESERVED: Final = 0xE0


class _Member(Protocol):
    """A member that is being decompressed."""

    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


def gunzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """All members, of gzip or zlib, one after another; zero padding between and after members is skipped. Raises
    `Damaged` where one breaks, after all that came before."""
    member = None
    for block in blocks:
        data = block
        while data:
            if member is None:
                data = data.lstrip(b"\0")
                if not data:
                    break
                member = zlib.decompressobj(wbits=_EITHER)
            before = member.copy()
            try:
                out = member.decompress(data, BLOCK)
            except zlib.error:
                yield from _up_to_the_fault(before, data)
                raise Damaged from None
            if out:
                yield out
            data = member.unconsumed_tail
            if member.eof:
                data, member = member.unused_data, None
    if member is not None:
        rest = member.flush()
        if rest:
            yield rest
        raise Damaged


def gunzipped_fast(blocks: Iterator[bytes], again: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """The same bytes, and the same `Damaged`; `again` gives the blocks once more."""
    try:
        from isal import isal_zlib
    except ImportError:  # there is none for this machine
        yield from gunzipped(blocks)
        return
    fault = cast("type[Exception]", isal_zlib.error)  # its stub says that it is one
    given = 0
    try:
        for out in _members(blocks, lambda: isal_zlib.decompressobj(wbits=_EITHER)):
            given += len(out)
            yield out
        return
    except (fault, EOFError):  # zlib will tell
        pass
    for out in gunzipped(again()):
        if given < len(out):
            yield out[given:]
        given = max(given - len(out), 0)


def _members(blocks: Iterator[bytes], new: Callable[[], _Member]) -> Iterator[bytes]:
    """As `gunzipped`, by any decoder. Raises what the decoder raises, and EOFError for a member that is not complete or
    has flags that are reserved (RFC 1952), which zlib refuses and ISA-L does not."""
    member = None
    held = b""
    for block in blocks:
        data, held = held + block if held else block, b""
        while data:
            if member is None:
                data = data.lstrip(b"\0")
                if len(data) < _HEADER:
                    held = data
                    break
                if data.startswith(_GZIP) and data[3] & _RESERVED:
                    raise EOFError
                member = new()
            out = member.decompress(data, BLOCK)
            if out:
                yield out
            data = member.unconsumed_tail
            if member.eof:
                data, member = member.unused_data, None
    while member is not None and not member.eof:
        out = member.decompress(b"", BLOCK)  # what was held back because a step gives only so much
        if not out:
            raise EOFError
        yield out
    if held:
        raise EOFError


def _up_to_the_fault(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What a member gives before a fault somewhere in `data`: a call that fails gives nothing."""
    size = 4096
    while size:
        for place in range(0, len(data), size):
            before = member.copy()
            part = data[place : place + size]
            try:
                out = member.decompress(part)
            except zlib.error:
                member, data = before, part
                break
            if out:
                yield out
        else:
            return
        size //= 16
