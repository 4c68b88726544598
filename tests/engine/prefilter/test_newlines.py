"""Lines are counted alike with Hyperscan and without."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podhawk.engine.prefilter import newlines as lines

BLOCKS = {
    length: b"x" * length + b"\n" for length in (0, 1, 30, lines.SHORT_LINE - 1, lines.SHORT_LINE, 1000, lines.SHORT)
}


@pytest.mark.parametrize("count", [lines.count_lines, lines.count_by_find])
@given(st.lists(st.tuples(st.sampled_from([*BLOCKS]), st.integers(1, 40)), max_size=6), st.data())
@settings(max_examples=100, deadline=None)
def test_line_feeds_of_a_part(
    count: Callable[[bytes, int, int], int], runs: list[tuple[int, int]], data: st.DataObject
) -> None:
    block = b"x" + b"".join(BLOCKS[length] * times for length, times in runs)
    start = data.draw(st.integers(0, len(block)))
    stop = data.draw(st.integers(start, len(block)))
    assert count(block, start, stop) == block.count(b"\n", start, stop)


@given(st.lists(st.sampled_from([*BLOCKS]), min_size=1, max_size=60), st.data())
@settings(max_examples=100, deadline=None)
def test_lines_before_places(lengths: list[int], data: st.DataObject) -> None:
    block = b"".join(BLOCKS[length] for length in lengths)
    start = data.draw(st.integers(0, len(block)))
    numbers = lines.LineNumbers(block, start)
    for place in sorted(data.draw(st.lists(st.integers(start, len(block)), min_size=1, max_size=10))):
        assert numbers.before(place) == block.count(b"\n", start, place)


@pytest.mark.slow
def test_threads_count_at_the_same_time() -> None:
    """They shared one database, which only one of them may use."""
    block = b"x" * 50 + b"\n"
    block *= 40_000

    def count(_: int) -> list[int]:
        return [lines.count_lines(block, start, len(block)) for start in range(0, 5100, 51)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(count, range(8)):
            assert found == list(range(40_000, 39_900, -1))
