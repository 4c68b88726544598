"""Compressed bytes to plain ones, through as many layers as there are.

What a stream is compressed with is told by its first bytes, never by a file's name. gzip, zlib, zstd, xz and bzip2
are read, any number of members one after another; so are tar archives, and zip archives where the file can be sought
in (see `archives`). What is known but not read (7z, LZ4 and others) raises `Damaged` with a reason that names it.

Everything streams. What a few bytes may become is bounded: `MOST_LAYERS` layers, and for each layer `RATIO` times the
bytes of the file once it has given `FLOOR` bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Final, Protocol

from podhawk.events import reasons
from podhawk.events.gaps import Damaged
from podhawk.events.gunzip import BLOCK, gunzipped, gunzipped_fast
from podhawk.events.reasons import EXPANDS

MOST_LAYERS: Final = 8
RATIO: Final = 1000
"""Nothing honest is larger than so many times its compressed size …"""
FLOOR: Final = 1 << 30
"""… from this number of bytes on."""
_DICTIONARY: Final = 512 << 20
"""Bytes that the decoder of xz may take."""
_HEAD: Final = 262

Blocks = Iterator[bytes]


class _Decoder(Protocol):
    """What the standard library's decoders of xz and bzip2 have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def is_packed(head: bytes) -> bool:
    """Whether a file that begins with these bytes (four at least) is compressed, whether it can be read or not."""
    return _layer_of(head) is not None or _unread(head) is not None or is_tar(head)


def cheaply_unpacked(head: bytes) -> bool:
    """Whether a file that begins with these bytes is decompressed in less time than it takes to look for events."""
    return _layer_of(head) in (gunzipped, _unzstd)


def is_tar(head: bytes) -> bool:
    """Whether bytes are the beginning of a tar archive."""
    return head[257:262] == b"ustar"


def look_through(
    blocks: Iterable[bytes],
    layers: int = MOST_LAYERS,
    floor: int = FLOOR,
    again: Callable[[], Blocks] | None = None,
) -> Blocks:
    """The plain bytes of a stream that has so many layers at most, in blocks. Raises `Damaged` where a layer breaks,
    after all that came before. So many bytes (`floor`) are never too many. `again` gives the blocks once more, if that
    can be done: then gzip is read faster."""
    taken = [0]
    found: Blocks = _counted(iter(blocks), taken)
    while layers:
        layers -= 1
        head, found = _peeked(found)
        reason = _unread(head)
        if reason is not None:
            raise Damaged(reason=reason)
        if is_tar(head):
            from podhawk.events.archives import untarred

            yield from untarred(found, partial(look_through, layers=layers))
            return
        layer = _layer_of(head)
        if layer is None:
            yield from found
            return
        if layer is gunzipped and again is not None:
            layer, again = partial(gunzipped_fast, again=again), None
        found = bounded(layer(found), taken, floor)
    raise Damaged(reason=EXPANDS)


def bounded(blocks: Blocks, taken: list[int], floor: int = FLOOR) -> Blocks:
    """Blocks that `taken[0]` compressed bytes have become, as long as they are not too many."""
    given = 0
    for block in blocks:
        yield block
        given += len(block)
        if given > floor and given > RATIO * taken[0]:
            raise Damaged(reason=EXPANDS)


def _counted(blocks: Blocks, taken: list[int]) -> Blocks:
    """The blocks; their bytes are added up in `taken[0]`."""
    for block in blocks:
        taken[0] += len(block)
        yield block


def _peeked(blocks: Blocks) -> tuple[bytes, Blocks]:
    """The first bytes, and the blocks again."""
    head = b""
    broken: Damaged | None = None
    try:
        while len(head) < _HEAD:
            head += next(blocks)
    except StopIteration:
        pass
    except Damaged as damaged:
        broken = damaged
    return head[:_HEAD], chain((head,) if head else (), blocks if broken is None else _broken(broken))


def _broken(damaged: Damaged) -> Blocks:
    raise damaged
    yield b""


def _unzstd(blocks: Blocks) -> Blocks:
    """All frames, one after another."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    options = {int(zstd.DecompressionParameter.window_log_max): 31}
    frame = None
    for data in _small(blocks):
        while data:
            if frame is None:
                frame = zstd.ZstdDecompressor(options=options)
            try:
                out = frame.decompress(data, BLOCK)
                if out:
                    yield out
                while not (frame.eof or frame.needs_input):
                    yield frame.decompress(b"", BLOCK)
            except zstd.ZstdError:
                raise Damaged from None
            data = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame = None
    if frame is not None:
        raise Damaged


def _small(blocks: Blocks) -> Blocks:
    """Small pieces: of one that is damaged, what was decompressed is lost."""
    for block in blocks:
        for start in range(0, len(block), 4096):
            yield block[start : start + 4096]


def _streams(blocks: Blocks, decoder: Callable[[], _Decoder], faults: tuple[type[Exception], ...] = ()) -> Blocks:
    """All streams of xz or bzip2, one after another; zero padding between them is skipped."""
    stream: _Decoder | None = None
    caught: tuple[type[Exception], ...] = (*faults, OSError, ValueError)
    for block in blocks:
        data = block
        while data or (stream is not None and not stream.needs_input):
            if stream is None:
                data = data.lstrip(b"\0")
                if not data:
                    break
                stream = decoder()
            try:
                out = stream.decompress(data, BLOCK)
            except caught:
                raise Damaged from None
            if out:
                yield out
            data = b""
            if stream.eof:
                data, stream = stream.unused_data, None
    if stream is not None:
        raise Damaged


def _unxz(blocks: Blocks) -> Blocks:
    import lzma

    return _streams(blocks, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _DICTIONARY), (lzma.LZMAError,))


def _unbzip2(blocks: Blocks) -> Blocks:
    import bz2

    return _streams(blocks, bz2.BZ2Decompressor)


ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""How a zip archive begins: with a member, without one, or with a mark that it was one of several parts."""
_LAYERS: Final[tuple[tuple[tuple[bytes, ...], Callable[[Blocks], Blocks]], ...]] = (
    ((b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda"), gunzipped),
    ((b"\x28\xb5\x2f\xfd", *(bytes((number,)) + b"\x2a\x4d\x18" for number in range(0x50, 0x60))), _unzstd),
    ((b"\xfd7zX",), _unxz),
    (tuple(b"BZh%d" % level for level in range(1, 10)), _unbzip2),
)
_UNREAD: Final[tuple[tuple[tuple[bytes, ...], str], ...]] = (
    (ZIP, reasons.ZIP),
    ((b"7z\xbc\xaf",), reasons.SEVEN_ZIP),
    ((b"Rar!",), reasons.RAR),
    ((b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18"), reasons.LZ4),
    ((b"\x89LZO",), reasons.LZOP),
    ((b"LZIP",), reasons.LZIP),
    ((b"\x5d\x00\x00",), reasons.LZMA),
    ((b"\xff\x06\x00\x00",), reasons.SNAPPY),
    ((b"\x1f\x9d",), reasons.UNIX_COMPRESS),
    ((b"Obj\x01",), reasons.AVRO),
    ((b"PAR1",), reasons.PARQUET),
)
"""First bytes of what is known and not read."""


def _layer_of(head: bytes) -> Callable[[Blocks], Blocks] | None:
    """What undoes the compression of a stream that begins with these bytes; None if it is not compressed."""
    return next((layer for marks, layer in _LAYERS if head.startswith(marks)), None)


def _unread(head: bytes) -> str | None:
    """The reason for not reading a stream that begins with these bytes, if it is of a format that is not supported."""
    return next((reason for marks, reason in _UNREAD if head.startswith(marks)), None)
