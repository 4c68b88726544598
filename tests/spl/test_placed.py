"""Parts of a search are equal wherever they say the same."""

from __future__ import annotations

from podhawk.engine.plan.planner import read_search
from podhawk.spl.clause import Compare
from podhawk.spl.expression import Call, Field, Literal


def test_the_place_does_not_tell_two_parts_apart() -> None:
    one, same, other = Field("user", at=3), Field("user", at=40), Field("verb", at=3)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert [one != same, one == other] == [False, False]
    assert len({one, same, other}) == 2


def test_parts_of_different_kinds_differ() -> None:
    assert Field("a") != Literal("a")
    assert Field("a") != "a"


def test_the_place_is_not_printed() -> None:
    assert repr(Call("len", (Field("a", at=4),), at=2, length=6)) == "Call(name='len', arguments=(Field(name='a'),))"


def test_searches_with_other_blanks_are_the_same() -> None:
    pair = [read_search(text, {}, "test") for text in ("verb=create | head 3", "verb=create   |  head   3")]
    assert pair[0] == pair[1]
    assert pair[0] != read_search("verb=create | head 4", {}, "test")
    assert Compare("a", "=", "b") == Compare("a", "=", "b", at=9)
