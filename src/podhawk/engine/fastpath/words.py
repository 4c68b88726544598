"""The words of a first clause, which stand anywhere in the text of an event.

What a clause says of values is remembered by these values, but whether a word stands in a line is another question for
each line. So words that every matching event must have are taken out of the clause, and looked for in the lines that
the rest of it wants.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from podhawk.functions.declare import Env
from podhawk.functions.predicates import text_test
from podhawk.spl.clause import EVERYTHING, And, Clause, Term

TextTest = Callable[[str], bool]


@lru_cache(maxsize=1024)
def parted(clause: Clause) -> tuple[Clause, tuple[Term, ...]]:
    """The clause without the words that it requires, and these words."""
    parts = clause.parts if isinstance(clause, And) else (clause,)
    words = tuple(part for part in parts if isinstance(part, Term) and part != EVERYTHING)
    rest = tuple(part for part in parts if part not in words)
    return (rest[0] if len(rest) == 1 else And(rest) if rest else EVERYTHING), words


def words_test(clause: Clause, env: Env) -> TextTest | None:
    """Tells of the text of an event whether it has all words that the clause requires; None if it requires none."""
    tests = [text_test(word, env) for word in parted(clause)[1]]
    if len(tests) == 1:
        return tests[0]
    return (lambda text: all(test(text) for test in tests)) if tests else None
