"""Lines are counted alike by Hyperscan, by numpy and without either."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podhawk.engine.prefilter import newlines as lines


@pytest.mark.parametrize("often", [0, 3, 100])
@pytest.mark.parametrize("means", ["hyperscan", "numpy", "neither"])
@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.data())
@settings(max_examples=60, deadline=None)
def test_lines_before_places(means: str, often: int, lengths: list[int], data: st.DataObject) -> None:
    block = b"".join(b"x" * length + b"\n" for length in lengths)
    start = data.draw(st.integers(0, len(block)))
    places = sorted(data.draw(st.lists(st.integers(start, len(block)), min_size=1, max_size=10)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "SHORT", 1 << 30 if means == "neither" else 4)
        if means != "hyperscan":
            patch.setattr(lines, "_counter", lambda: None)
        patch.setattr(lines, "WORTH_NUMPY", 0)
        patch.setattr(lines, "OFTEN", often)
        numbers = lines.LineNumbers(block, start)
        for place in places:
            assert numbers.before(place) == block.count(b"\n", start, place)
        assert lines.count_lines(block, start, places[-1]) == block.count(b"\n", start, places[-1])


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
