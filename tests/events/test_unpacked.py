"""Content of a compressed file in parts: together they are the content, whatever the blocks and the places are."""

from __future__ import annotations

import gzip
import os
import random
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from podhawk.events.gaps import Damaged
from podhawk.events.gunzip import BLOCK, gunzipped, gunzipped_fast
from podhawk.events.inputs import Inputs
from podhawk.events.splits import NotByLine, pieces_of
from podhawk.events.unpacked import OPEN, Unpacked, expected_size
from support.packing import zstd
from support.samples import line


def in_blocks(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.mark.parametrize("seed", range(40))
def test_parts_are_lines_that_begin_in_them(seed: int) -> None:
    chance = random.Random(seed)
    content = b"".join(
        b"x" * chance.choice([0, 0, 1, 3, 10, 60]) + b"\n" for _ in range(chance.randrange(40))
    ) + b"y" * chance.choice([0, 0, 5])
    starts = [0, *(at + 1 for at, byte in enumerate(content) if byte == 10 and at + 1 < len(content))]
    places = sorted(chance.sample(range(1, 200), chance.randrange(8)))
    bounds = [0, *places, OPEN]
    parts = list(pairwise(bounds))
    wanted = []
    for start, end in parts:
        own = [place for place in starts if start <= place < end] if content else []
        after = [place for place in starts if own and place > own[-1]]
        wanted.append(content[own[0] : after[0] if after else len(content)] if own else b"")
    for taken in (parts, parts[::2], parts[1::2]):
        unpacked = Unpacked(in_blocks(content, chance.randrange(1, 30)), chance.choice([1, 1000]))
        for part in taken:
            given = list(unpacked.between(*part))
            assert b"".join(given) == wanted[parts.index(part)]
        last = parts.index(taken[-1]) + 1 if taken else 0
        assert unpacked.ended == (not any(wanted[last:]))


def mutated(chance: random.Random) -> bytes:
    """Members of gzip or zlib, perhaps padded, of which something may be cut off, changed or put in between."""
    made = bytearray()
    for _ in range(chance.choice([1, 1, 2, 3])):
        size = chance.choice([0, 1, 5000, BLOCK - 1, BLOCK, BLOCK + 1])
        text = chance.randbytes(size) if chance.random() < 0.2 else chance.randbytes(100) * (size // 100 + 1)
        pack = chance.choice([gzip.compress, zlib.compress])
        made += pack(text[:size], chance.choice([0, 1, 6])) + b"\0" * chance.choice([0, 0, 300])
    what = chance.random()
    if what < 0.3:
        return bytes(made[: chance.randrange(len(made) + 1)])
    if what < 0.8:
        for _ in range(chance.choice([1, 1, 4])):
            where = [len(made), min(len(made), 30), 12]
            place = chance.randrange(chance.choice(where))
            made[chance.choice([place, len(made) - 1 - place])] ^= 1 << chance.randrange(8)
    elif what < 0.9:
        made += chance.randbytes(chance.randrange(30))
    return bytes(made)


def read(blocks: Iterator[bytes]) -> tuple[bytes, bool]:
    """What blocks give, and whether they broke off."""
    found = []
    try:
        for block in blocks:
            found.append(block)
    except Damaged:
        return b"".join(found), True
    return b"".join(found), False


@pytest.mark.parametrize("seed", range(150))
def test_fast_gzip_gives_what_zlib_gives(seed: int) -> None:
    chance = random.Random(seed)
    data, size = mutated(chance), chance.choice([BLOCK, 4096, 100_000])
    assert read(gunzipped_fast(in_blocks(data, size), lambda: in_blocks(data, size))) == read(
        gunzipped(in_blocks(data, size))
    )


def test_flags_that_are_reserved_were_accepted() -> None:
    data = bytearray(gzip.compress(b"{}\n"))
    data[3] |= 0x20
    assert read(gunzipped_fast(iter((bytes(data),)), lambda: iter((bytes(data),)))) == (b"", True)


@pytest.mark.parametrize(
    ("pack", "exact"),
    [(gzip.compress, True), (zstd.compress, False), (zlib.compress, False)],
    ids=["gzip", "zstd", "zlib"],
)
def test_the_size_is_expected(pack: Callable[[bytes], bytes], exact: bool, tmp_path: Path) -> None:
    content = "".join(line(f"a{number:07}") for number in range(40_000)).encode()
    path = tmp_path / "audit.log.gz"
    path.write_bytes(pack(content))
    descriptor = os.open(path, os.O_RDONLY)
    expected = expected_size(descriptor, path.stat().st_size)
    os.close(descriptor)
    assert expected == len(content) if exact else len(content) / 2 < expected < len(content) * 2


@pytest.mark.parametrize(
    "data",
    [gzip.compress(gzip.compress(line().encode())), gzip.compress(line().encode("utf-16")), b"BZh9" + b"x" * 999],
)
def test_not_everything_is_read_in_parts(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    assert expected_size(descriptor, len(data)) == 0
    os.close(descriptor)


def test_pieces_of_one_large_file_beside_small_ones(tmp_path: Path) -> None:
    content = "".join(line(f"a{number:07}") for number in range(20_000)).encode()
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(content))
    for name in "ac":
        (tmp_path / f"{name}.log.gz").write_bytes(gzip.compress(line().encode()))
    with_files = Inputs([str(tmp_path)])
    pieces = pieces_of(with_files, 1_000_000)
    assert pieces is not None
    assert [piece.file for piece in pieces if piece.whole] == [0, 2]
    own = [piece for piece in pieces if piece.packed]
    assert sum(piece.amount for piece in own) == len(content)
    assert sum(piece.stored for piece in own) == pytest.approx(with_files.files[1].size, abs=len(own))
    assert b"".join(block for piece in own for block in piece.blocks(with_files.files[1])) == content
    assert own[-1].ends(with_files.files[1])
    with_files.close()


def test_a_piece_of_a_damaged_file_is_not_read_by_itself(tmp_path: Path) -> None:
    content = "".join(line(f"a{number:07}") for number in range(20_000)).encode()
    path = tmp_path / "audit.log.gz"
    path.write_bytes(gzip.compress(content)[:-9])
    with_files = Inputs([str(path)])
    pieces = pieces_of(with_files, 1_000_000)
    assert pieces is not None
    with pytest.raises(NotByLine):
        list(pieces[-1].blocks(with_files.files[0]))
    with_files.close()
