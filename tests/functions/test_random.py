"""random() repeats with the clock, and differs within a search."""

from __future__ import annotations

from podhawk.functions.declare import Env, EvalValue
from podhawk.functions.evaluate import compile_expression
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import parse_expression
from podhawk.spl.text import plain


def draws(now: float) -> list[EvalValue]:
    text = 'random().":".random()'
    source = plain(text)
    evaluator = compile_expression(parse_expression(Cursor(source, 0, len(text))), Env(now=now), source)
    return [evaluator(Row()) for _ in range(5)]


def test_a_run_with_the_same_clock_repeats_its_numbers() -> None:
    assert draws(1_700_000_000.0) == draws(1_700_000_000.0)
    assert draws(1_700_000_000.0) != draws(1_700_000_001.0)


def test_two_calls_in_one_search_differ_and_so_do_rows() -> None:
    drawn = draws(1_700_000_000.0)
    assert len(set(drawn)) == 5
    assert all(str(text).split(":")[0] != str(text).split(":")[1] for text in drawn)
