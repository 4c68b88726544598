"""What is kept of content comes back as it was, and other bytes become nothing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podhawk.commands.registry import SUPPORTED
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.model import Content
from podhawk.content.packed import MAGIC, _sum, pack, unpack
from podhawk.engine.plan.planner import read_search

SEARCHES = [example.search for command in SUPPORTED for example in command.examples]


@pytest.mark.parametrize("search", SEARCHES)
def test_every_command_can_be_kept(search: str) -> None:
    pipeline = read_search(search, {})
    assert unpack(pack(pipeline)) == pipeline


def test_errors_still_know_the_place() -> None:
    pipeline = unpack(pack(read_search("* | stats count\n| where x>1", {}, "a search")))
    stage = pipeline.stages[-1]
    place, _ = stage.source.place(stage.at)
    assert (place.file, place.line) == ("a search", 2)


def test_the_shipped_pack_can_be_kept() -> None:
    content = load_content([shipped_pack()])
    values = [getattr(content, one) for one in content.__struct_fields__ if one != "parsed"]
    assert Content(*unpack(pack(values))) == content


@pytest.mark.parametrize(
    "bad",
    [
        [MAGIC, [("os", "system", [])], [], [5]],
        [MAGIC, [("podhawk.errors", "PodhawkError", [])], [], [5]],
        [MAGIC, [("podhawk.content.model", "Story", ["name"])], [], [5, "a"]],
        [MAGIC, [("podhawk.content.model", "Nothing", [])], [], [5]],
        [MAGIC, [], [], [5]],
        [MAGIC, [], [], []],
        [MAGIC, [], [], [3, "nonsense"]],
        [MAGIC, [], [], [4, 0]],
        [MAGIC, [], [], [2, "key"]],
        ["podhawk-content 0", [], [], "a"],
        [MAGIC],
        {},
        "text",
        None,
    ],
)
def test_bytes_of_another_kind_are_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="cannot read the packed content"):
        unpack(_sum(data := msgspec.msgpack.encode(bad)) + data)


@given(st.integers(0, 4000), st.integers(0, 7))
def test_one_wrong_bit_was_taken_for_other_content(place: int, bit: int) -> None:
    data = bytearray(pack([read_search(search, {}) for search in SEARCHES[:40]]))
    data[place % len(data)] ^= 1 << bit
    with pytest.raises(ValueError, match="cannot read the packed content"):
        unpack(bytes(data))


@given(st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(ValueError, match="cannot read the packed content"):
        unpack(data)


def test_what_is_no_content_cannot_be_kept() -> None:
    with pytest.raises(TypeError, match="cannot be cached"):
        pack([object()])
