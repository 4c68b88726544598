"""Hints of secrets that are told by their form are found alike by every way of looking."""

from __future__ import annotations

import random

import pytest

from podhawk.events.redaction import forms
from podhawk.events.redaction.text import HINTS

NEARLY = ("ey", "JKIA", "KI A", "://", "@", ":/", '"Secret"', '\\\\"Secret', "xo", "gh_", "\ud800", "é", "ſ", "K", "\0")


def _text(chance: random.Random) -> str:
    parts = [chance.choice((*NEARLY, *HINTS, '\\"Secret\\"')) if chance.random() < 0.2 else "a" * chance.randrange(40)]
    parts += [*chance.choices(NEARLY, k=chance.randrange(4)), "b" * chance.randrange(9000)]
    chance.shuffle(parts)
    return "".join(parts)


def test_hyperscan_finds_what_a_look_for_each_hint_finds() -> None:
    pytest.importorskip("hyperscan")
    found = forms.scanner()
    assert found is not None
    chance = random.Random(7)
    texts = [
        *(f"x{hint}y" for hint in HINTS),
        *HINTS,
        "",
        "https://a:b@c",
        "@ ://",
        *(_text(chance) for _ in range(500)),
    ]
    expected = [forms.look_for_each(text) for text in texts]
    assert [found(text) for text in texts] == expected
    assert {True, False} == set(expected)


def test_the_answer_stays_when_the_database_is_built() -> None:
    for _ in range(forms.FEW + 8):
        assert forms.may_hold_forms("Bearer abc")
        assert not forms.may_hold_forms("plain text: @home")
