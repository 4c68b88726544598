"""Search clauses as generated Python: one function per clause, compiled once.

The interpreter of trees in `podhawk.functions.predicates` calls a closure for each node, and over millions of events
these calls take most of the time. Here the clause becomes one expression. The text of the generated function holds only
names made here and indices into a tuple of constants, never text of content, so nothing that a detection says can
become code.

Only common nodes are generated (equality, IN, wildcards of one kind, existence, AND, OR, NOT). Any other node is its
closure, called in place. Both give the same answers; the tests compare them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

from podhawk.functions import patterns
from podhawk.functions.declare import Env
from podhawk.functions.predicates import compile_clause, simple, value_test
from podhawk.rows import Row
from podhawk.rows.values import texts
from podhawk.spl import clause as spl
from podhawk.spl.clause import Clause

Predicate = Callable[[Row], bool]


def any_value(value: Any, test: Callable[[str], bool]) -> bool:
    """Whether a value that is not a single text satisfies a test: any value of a multivalue, or a number as text."""
    return any(test(text) for text in texts(value))


class _Writer:
    """Writes an expression and collects its constants."""

    def __init__(self, env: Env) -> None:
        self.env = env
        self.constants: list[Any] = []
        self.variables = 0

    def constant(self, value: Any) -> str:
        self.constants.append(value)
        return f"c{len(self.constants) - 1}"

    def write(self, clause: Clause) -> str:
        match clause:
            case spl.And(parts=parts):
                return "(" + " and ".join(self.write(part) for part in _cheap_first(parts)) + ")"
            case spl.Or(parts=parts):
                return "(" + " or ".join(self.write(part) for part in parts) + ")"
            case spl.Not(part=part):
                return f"(not {self.write(part)})"
            case spl.Compare(name=name, operator="=", value="*", exact=False):
                return f"({self.constant(name)} in row)"
            case spl.Compare(name=name, operator="=", value=value, exact=False) if simple(value):
                return self._among(name, (value,), value_test(clause))
            case spl.In(name=name, values=values) if all(map(simple, values)):
                tests = [value_test(spl.Compare(name, "=", value)) for value in values]
                return self._among(name, values, lambda text: any(test(text) for test in tests))
            case spl.Compare(name=name) if not clause.exact:
                return self._tested(name, value_test(clause))
            case spl.Term(text="*", kind="word"):
                return "True"
            case _:
                return f"{self.constant(compile_clause(clause, self.env))}(row)"

    def _value(self, name: str) -> tuple[str, str]:
        self.variables += 1
        variable = f"v{self.variables}"
        return variable, f"({variable} := get({self.constant(name)}))"

    def _among(self, name: str, values: tuple[str, ...], test: Callable[[str], bool]) -> str:
        """Equality with one of some texts without wildcards. For a single text a set of folded texts decides."""
        variable, fetched = self._value(name)
        wanted = self.constant(frozenset(patterns.fold(value) for value in values))
        slow = self.constant(test)
        return (
            f"({fetched} is not None and ((fold({variable}) in {wanted}) if {variable}.__class__ is str "
            f"else any_value({variable}, {slow})))"
        )

    def _tested(self, name: str, test: Callable[[str], bool]) -> str:
        variable, fetched = self._value(name)
        decide = self.constant(test)
        return (
            f"({fetched} is not None and ({decide}({variable}) if {variable}.__class__ is str "
            f"else any_value({variable}, {decide})))"
        )


def _cheap_first(parts: tuple[Clause, ...]) -> list[Clause]:
    """Parts of a conjunction with the fast ones first. Their order cannot change the result."""
    ranks: dict[type, int] = {spl.Compare: 0, spl.In: 1, spl.Or: 2, spl.Not: 3}
    return sorted(parts, key=lambda part: ranks.get(type(part), 4))


@lru_cache(maxsize=4096)
def _compiled(text: str) -> CodeType:
    """The code of a text. Cached, because several parts of a run compile the same clause."""
    return compile(text, "<podhawk predicate>", "exec")


def generate(clause: Clause, env: Env) -> Predicate:
    """A function that decides a clause for a row. It is the closure itself under switches that change how clauses are
    read."""
    if env.switches & {"field-names-any-case", "search-multivalue-all"}:
        return compile_clause(clause, env)
    writer = _Writer(env)
    expression = writer.write(clause)
    names = ", ".join(f"c{number}" for number in range(len(writer.constants)))
    text = (
        f"def make(constants, fold, any_value):\n    ({names}{',' if names else ''}) = constants\n"
        f"    def predicate(row):\n        get = row.get\n        return {expression}\n    return predicate\n"
    )
    scope: dict[str, Any] = {}
    exec(_compiled(text), scope)
    made: Predicate = scope["make"](tuple(writer.constants), patterns.fold, any_value)
    return made
