"""Bitwise functions on whole numbers from 0 to 2^53-1; anything else gives null."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from podhawk.functions.declare import EvalValue, Function
from podhawk.functions.numbers import number

SOURCE = "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/bitwise-functions"
LARGEST = 2**53 - 1


def _bits(value: EvalValue) -> int | None:
    found = number(value)
    if found is None or not 0 <= found <= LARGEST or found != int(found):
        return None
    return int(found)


def _folded(combine: Callable[[int, int], int]) -> Callable[..., EvalValue]:
    def run(*values: EvalValue) -> EvalValue:
        bits = [_bits(value) for value in values]
        known = [bit for bit in bits if bit is not None]
        return reduce(combine, known) if len(known) == len(bits) else None

    return run


def _not(value: EvalValue, mask: EvalValue = LARGEST) -> EvalValue:
    bits, kept = _bits(value), _bits(mask)
    return None if bits is None or kept is None else ~bits & kept


def _shift_left(value: EvalValue, offset: EvalValue) -> EvalValue:
    bits, count = _bits(value), _bits(offset)
    if bits is None or count is None:
        return None
    return bits << count & LARGEST if count < 53 else 0


def _shift_right(value: EvalValue, offset: EvalValue) -> EvalValue:
    bits, count = _bits(value), _bits(offset)
    if bits is None or count is None:
        return None
    return bits >> min(count, 64)


FAMILY: tuple[Function, ...] = (
    Function(
        "bit_and",
        2,
        None,
        "The bitwise AND of the arguments.",
        ("bit_and(12, 9)", "8"),
        run=_folded(lambda left, right: left & right),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "bit_or",
        2,
        None,
        "The bitwise OR of the arguments.",
        ("bit_or(12, 9)", "13"),
        run=_folded(lambda left, right: left | right),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "bit_xor",
        2,
        None,
        "The bitwise XOR of the arguments.",
        ("bit_xor(12, 9)", "5"),
        run=_folded(lambda left, right: left ^ right),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "bit_not",
        1,
        2,
        "The bitwise NOT of the number, within a mask. The default mask is 2^53-1.",
        ("bit_not(5, 15)", "10"),
        run=_not,
        returns="number",
        source=SOURCE,
    ),
    Function(
        "bit_shift_left",
        2,
        2,
        "The number shifted left by the given number of bits. Bits beyond the 53rd are lost.",
        ("bit_shift_left(3, 2)", "12"),
        run=_shift_left,
        returns="number",
        source=SOURCE,
    ),
    Function(
        "bit_shift_right",
        2,
        2,
        "The number shifted right by the given number of bits.",
        ("bit_shift_right(12, 2)", "3"),
        run=_shift_right,
        returns="number",
        source=SOURCE,
    ),
)
