"""What a function is, and what it may ask of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from enum import IntEnum
from typing import Any, Protocol

from msgspec import Struct

from podhawk.rows import Row, Value
from podhawk.spl.expression import Expression
from podhawk.spl.text import SearchText

EvalValue = None | bool | str | int | float | tuple[str, ...]
"""What an expression can be. None is null; booleans exist only inside expressions."""

Evaluator = Callable[[Row], EvalValue]


class Volatility(IntEnum):
    """Whether a result can change while the inputs stay the same. For several parts, the maximum counts.

    The terms are PostgreSQL's: https://www.postgresql.org/docs/current/xfunc-volatility.html
    """

    IMMUTABLE = 0
    """The same inputs always give the same result."""
    STABLE = 1
    """The same inputs give the same result within one run of a search: the result depends on its clock."""
    VOLATILE = 2
    """Each call may give a different result, or has side effects."""


class EvalLookup(Protocol):
    """What `lookup()` asks of a table."""

    def outputs(self, inputs: Mapping[str, str], wanted: Sequence[str]) -> dict[str, Value]:
        """The values of the wanted columns in the rows that match."""


class Env(Struct):
    """The clock, the zone and the switches that expressions see.

    `now` is the search's start in epoch seconds; `warn(kind, detail)` counts a warning once per kind.
    `switches` are the names of the readings that are turned (see `podhawk.settings.switches`). `draws`
    counts the `random()` calls compiled so far, so that each has its own numbers. `lookup` gives the table of a name
    to `lookup()`, where there are tables.
    """

    now: float = 0.0
    zone: tzinfo = UTC
    warn: Callable[[str, str], None] = lambda kind, detail: None
    switches: frozenset[str] = frozenset()
    draws: int = 0
    lookup: Callable[[str], EvalLookup] | None = None


Build = Callable[[tuple[Expression, ...], list[Evaluator], Env, SearchText], Evaluator]


class Function(Struct, frozen=True):
    """One eval function, declared once.

    `run` gets the evaluated arguments (after `env` if `needs_env`); a null argument makes the result
    null without a call unless `takes_null`. `build` replaces `run` where arguments must not simply be
    evaluated (`if`, `case`, `mvmap`). `returns` is boolean, number, string, multivalue or any.
    `pattern` is the position of a regular expression, checked before the run when it is a literal.
    `known_as` are names that other languages have for it, which an error answers with this one.
    `example` is an expression and the text (or list of texts) it gives.
    `one_value` says whether the result cannot be multivalue, given which of the arguments cannot.
    `volatility` may depend on the arguments; None means volatile for a function that gets the environment (`needs_env`,
    `build`), else immutable.
    """

    name: str
    low: int
    high: int | None
    doc: str
    example: tuple[str, Any]
    run: Callable[..., EvalValue] | None = None
    build: Build | None = None
    returns: str = "any"
    takes_null: bool = False
    needs_env: bool = False
    pattern: int | None = None
    aliases: tuple[str, ...] = ()
    known_as: tuple[str, ...] = ()
    source: str = ""
    one_value: Callable[[Sequence[bool]], bool] = lambda given: False
    volatility: Volatility | Callable[[tuple[Expression, ...]], Volatility] | None = None

    def changes(self, arguments: tuple[Expression, ...]) -> Volatility:
        """The volatility of a call."""
        if isinstance(self.volatility, Volatility):
            return self.volatility
        if self.volatility is not None:
            return self.volatility(arguments)
        return Volatility.VOLATILE if self.needs_env or self.build is not None else Volatility.IMMUTABLE
