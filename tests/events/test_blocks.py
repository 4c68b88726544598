"""Files in blocks: nothing is lost or given twice, and blocks end where lines do."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podhawk.events.gaps import Damaged
from podhawk.events.inputs import Inputs
from podhawk.events.source import SIZES, Ahead, ReadSizes
from podhawk.events.splits import SAMPLES, pieces_of, sample_of

pytestmark = pytest.mark.slow


def read_blocks(path: Path, sizes: ReadSizes = SIZES) -> Iterator[bytes]:
    with Inputs([str(path)]) as inputs:
        yield from inputs.files[0].blocks(sizes)


def sampled(*paths: Path, size: int) -> bytes:
    with Inputs([str(path) for path in paths]) as inputs:
        return sample_of(inputs, ReadSizes(sample=size))


LINES = st.lists(st.one_of(st.integers(0, 40), st.integers(4000, 40000)), min_size=1, max_size=40)


@given(LINES, st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_blocks_of_a_file_end_where_lines_do(tmp_path: Path, lengths: list[int], closed: bool) -> None:
    data = b"\n".join(b"x" * length for length in lengths) + b"\n" * closed
    path = tmp_path / "audit.log"
    path.write_bytes(data)
    sizes = ReadSizes(block=9000)
    blocks = list(read_blocks(path, sizes))
    assert b"".join(blocks) == data
    for block in blocks[:-1]:
        assert block.endswith(b"\n") or len(block) > 9000  # a line longer than a block is cut
    with Inputs([str(path)]) as inputs:
        pieces = pieces_of(inputs, 20000) or []
        assert b"".join(block for piece in pieces for block in piece.blocks(inputs.files[0], sizes)) == data


def test_what_is_written_while_a_file_is_read_is_left_for_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b"a\n" * 10)
    with Inputs([str(path)]) as inputs:
        blocks = inputs.files[0].blocks()
        with path.open("ab") as file:
            file.write(b"b\n")
        assert b"".join(blocks) == b"a\n" * 10


def breaking() -> Iterator[bytes]:
    yield from (b"a\n", b"b\n", b"c")
    raise Damaged


def test_the_next_block_is_known_and_damage_is_told_at_its_place() -> None:
    ahead = Ahead(breaking())
    assert (ahead.take(), ahead.following, ahead.damaged) == (b"a\n", b"b", None)
    rest = ahead.rest(b"again")
    assert [next(rest), next(rest), next(rest)] == [b"again", b"b\n", b"c"]
    with pytest.raises(Damaged):
        next(rest)
    ahead = Ahead(breaking())
    assert [ahead.take() for _ in range(4)] == [b"a\n", b"b\n", b"c", b""]
    assert ahead.following == b""
    assert isinstance(ahead.damaged, Damaged)
    with pytest.raises(Damaged):
        list(ahead.rest())


def test_empty_blocks_are_passed_over(tmp_path: Path) -> None:
    ahead = Ahead(iter((b"", b"a", b"", b"b")))
    assert [ahead.take(), ahead.take(), ahead.take()] == [b"a", b"b", b""]
    path = tmp_path / "two.gz"
    path.write_bytes(gzip.compress(b"") + gzip.compress(b"x\n"))
    assert Ahead(read_blocks(path)).take() == b"x\n"


def test_a_sample_comes_from_all_over_the_files(tmp_path: Path) -> None:
    """What an API server logs while it starts was taken for what it logs."""
    logs = [tmp_path / f"{letter}.log" for letter in "abcd"]
    for path in logs:
        path.write_bytes(path.stem.encode() * 250)
    packed = tmp_path / "e.log.gz"
    packed.write_bytes(gzip.compress(b"z" * 500))
    found = sampled(*logs, size=5).split(b"\n")
    assert len(found) == SAMPLES
    assert {part[:1] for part in found} == {b"a", b"b", b"c", b"d"}
    assert all(len(part) <= 5 and len(set(part)) == 1 for part in found)
    assert sampled(packed, size=5) == b""
    assert sampled(Path("-"), size=5) == b""


def test_a_sample_does_not_fall_in_step_with_a_log_that_repeats_itself(tmp_path: Path) -> None:
    """All of it came from the beginnings of the same day."""
    path = tmp_path / "a.log"
    path.write_bytes(bytes(range(64)) * 64)
    assert len({part for part in sampled(path, size=1).split(b"\n") if part}) >= SAMPLES - 2


def test_files_are_read_without_a_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it was closed, reading any file ended in an AttributeError."""
    path = tmp_path / "audit.log"
    path.write_bytes(b"a\n" * 10)
    monkeypatch.setattr(sys, "stdin", None)
    assert b"".join(read_blocks(path)) == b"a\n" * 10
