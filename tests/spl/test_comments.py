"""Texts without comments and backslashes take a short way to the same result."""

from __future__ import annotations

import random

import pytest

from podhawk.errors import SearchError
from podhawk.spl.text import SearchText, strip_comments


def _outcome(text: str) -> SearchText | str:
    try:
        return strip_comments(text)
    except SearchError as error:
        return error.message


def test_the_short_way_gives_what_the_long_way_gives() -> None:
    chance = random.Random(3)
    for _ in range(2000):
        text = "".join(chance.choices(['"', "a", " |", "``", "x=1", "\n"], k=chance.randrange(12)))
        if "```" in text:
            continue
        short, long = _outcome(text), _outcome(text + " ```c```")  # a comment takes the long way
        if isinstance(short, str) or isinstance(long, str):
            assert short == long == "this double quote is never closed"
        else:
            assert short.text + "  " == long.text
            assert long.pieces[:1] == short.pieces


@pytest.mark.parametrize("text", ['a="b', '"', 'a="b" c="'])
def test_a_quote_that_is_never_closed_is_an_error(text: str) -> None:
    with pytest.raises(SearchError, match="this double quote is never closed"):
        strip_comments(text)
