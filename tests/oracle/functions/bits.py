"""Bitwise functions, on whole numbers from 0 to 2^53-1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle.values import number

MOST = 2**53 - 1


def bits(value: Any) -> int | None:
    amount = number(value)
    return int(amount) if amount is not None and 0 <= amount <= MOST and amount == int(amount) else None


def of_bits(calculate: Callable[..., int]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        known = [bits(value) for value in values]
        return None if None in known else calculate(*known)

    return run


def folded(calculate: Callable[[int, int], int]) -> Callable[..., Any]:
    def run(first: int, *others: int) -> int:
        for other in others:
            first = calculate(first, other)
        return first

    return of_bits(run)


STRICT: dict[str, Callable[..., Any]] = {
    "bit_and": folded(lambda a, b: a & b),
    "bit_or": folded(lambda a, b: a | b),
    "bit_xor": folded(lambda a, b: a ^ b),
    "bit_not": of_bits(lambda a, mask=MOST: (a ^ MOST) & mask),
    "bit_shift_left": of_bits(lambda a, count: a * 2**count % 2**53 if count < 60 else 0),
    "bit_shift_right": of_bits(lambda a, count: a // 2**count if count < 60 else 0),
}
