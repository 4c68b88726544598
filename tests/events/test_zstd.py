"""Zstandard streams: several frames, frames to skip, long windows, and data that expands without bounds."""

from __future__ import annotations

import pytest

from podhawk.events.gaps import Damaged
from podhawk.events.source import SIZES, blocks_of
from support.packing import zstd

SKIPPED = b"\x50\x2a\x4d\x18" + (8).to_bytes(4, "little") + b"12345678"
ONE, TWO = b'{"a":1}\n' * 1000, b'{"b":2}\n' * 1000


def test_frames_are_read_one_after_another() -> None:
    for data in (
        zstd.compress(ONE) + zstd.compress(TWO),
        SKIPPED + zstd.compress(ONE) + SKIPPED + zstd.compress(b"") + zstd.compress(TWO) + SKIPPED,
    ):
        assert b"".join(blocks_of(data)) == ONE + TWO


def test_a_window_beyond_the_librarys_default_limit_is_read() -> None:
    options = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=options)
    assert b"".join(blocks_of(packer.compress(ONE) + packer.flush())) == ONE


def test_data_that_expands_comes_in_bounded_blocks() -> None:
    size = 0
    for block in blocks_of(zstd.compress(b"\n" * (64 << 20))):
        assert len(block) <= SIZES.block
        size += len(block)
    assert size == 64 << 20


@pytest.mark.parametrize("data", [zstd.compress(ONE) + b"junk", zstd.compress(ONE) + zstd.compress(TWO)[:-5]])
def test_what_came_before_the_damage_is_given(data: bytes) -> None:
    found: list[bytes] = []
    with pytest.raises(Damaged):
        found.extend(blocks_of(data))
    assert len(b"".join(found)) >= len(ONE)
    assert (ONE + TWO).startswith(b"".join(found))
