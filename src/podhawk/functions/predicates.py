"""Search clauses to closures.

A comparison holds for a multivalue field if any of its values satisfies it. `=` and `!=` compare text,
without regard to case, `*` stands for anything, and a value in CIDR form matches addresses inside it.
`<` and its kin compare numbers where both sides are numbers, else text. A field that is absent
satisfies no comparison, so `f!=v` wants the field and `NOT f=v` does not.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/search
"""

from __future__ import annotations

import operator as op
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from podhawk.errors import SearchError
from podhawk.functions import patterns
from podhawk.functions.declare import Env, Volatility
from podhawk.functions.times import resolve
from podhawk.rows import Row, texts
from podhawk.rows.values import as_number
from podhawk.spl import clause as spl
from podhawk.spl.clause import Clause

Predicate = Callable[[Row], bool]
ValueTest = Callable[[str], bool]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {"<": op.lt, ">": op.gt, "<=": op.le, ">=": op.ge}


def compile_clause(clause: Clause, env: Env) -> Predicate:
    """A closure that decides the clause for a row. Subsearches must have been replaced before."""
    match clause:
        case spl.And(parts=parts):
            tests = [compile_clause(part, env) for part in _cheap_first(parts)]
            return lambda row: all(test(row) for test in tests)
        case spl.Or(parts=parts):
            tests = [compile_clause(part, env) for part in parts]
            return lambda row: any(test(row) for test in tests)
        case spl.Not(part=part):
            inner = compile_clause(part, env)
            return lambda row: not inner(row)
        case spl.Compare(name=name):
            return _field(name, value_test(clause), env)
        case spl.In(name=name, values=values):
            return _field(name, _one_of(values), env)
        case spl.Term():
            return _term(clause, env)
        case spl.TimeBound():
            return _time(clause, env)
        case spl.Subsearch():
            return _unresolved


def _unresolved(row: Row) -> bool:
    """The test of a subsearch, which is never asked: before a scan its rows take its place."""
    raise AssertionError("a subsearch must run before the search that it stands in")


def _cheap_first(parts: tuple[Clause, ...]) -> list[Clause]:
    """Field comparisons before terms: the order cannot change a conjunction's result."""
    return sorted(parts, key=lambda part: isinstance(part, (spl.Term, spl.Or, spl.Not)))


def _field(name: str, test: ValueTest, env: Env) -> Predicate:
    if env.switches & {"field-names-any-case", "search-multivalue-all"}:
        return _field_read_otherwise(name, test, env)

    def decide(row: Row) -> bool:
        value = row.get(name)
        if value is None:
            return False
        if isinstance(value, str):
            return test(value)
        return any(test(text) for text in texts(value))

    return decide


def _field_read_otherwise(name: str, test: ValueTest, env: Env) -> Predicate:
    """The same under the switches that read field names or multivalue fields in another way."""
    enough: Callable[[Iterable[bool]], bool] = all if "search-multivalue-all" in env.switches else any
    folded = name.lower() if "field-names-any-case" in env.switches else None

    def decide(row: Row) -> bool:
        value = row.get(name)
        if value is None and folded is not None:
            value = next((row[other] for other in row if other.lower() == folded), None)
        return value is not None and enough(test(text) for text in texts(value))

    return decide


def value_test(compare: spl.Compare) -> ValueTest:
    """What a single value must satisfy."""
    if compare.operator == "!=":
        equal = value_test(spl.Compare(compare.name, "=", compare.value, compare.exact))
        return lambda text: not equal(text)
    if compare.operator == "=":
        return _equal(compare.value, compare.exact)
    return _ordered(compare.operator, compare.value)


def _equal(value: str, exact: bool) -> ValueTest:
    wanted = value if exact else patterns.fold(value)
    if "*" in wanted:
        matches = patterns.wildcard(wanted)
        return matches if exact else lambda text: matches(patterns.fold(text))
    net = patterns.network(value)
    if net is not None:
        found = net
        return lambda text: patterns.fold(text) == wanted or patterns.in_network(text, found)
    if exact:
        return lambda text: text == wanted
    return lambda text: text == wanted or patterns.fold(text) == wanted


def simple(value: str) -> bool:
    """Whether a value is matched as the text that it is: no wildcard, no network."""
    return "*" not in value and patterns.network(value) is None


def _one_of(values: Sequence[str]) -> ValueTest:
    """What a value must satisfy to equal one of several."""
    wanted = frozenset(map(patterns.fold, filter(simple, values)))
    others = [_equal(value, False) for value in values if not simple(value)]
    if not others:
        return lambda text: patterns.fold(text) in wanted
    return lambda text: patterns.fold(text) in wanted or any(choice(text) for choice in others)


def _ordered(operator: str, value: str) -> ValueTest:
    decide = _ORDER[operator]
    number = as_number(value)

    def test(text: str) -> bool:
        if number is not None:
            own = as_number(text)
            if own is not None:
                return decide(own, number)
        return decide(text, value)

    return test


def _term(term: spl.Term, env: Env) -> Predicate:
    if term.text == "*" and term.kind == "word":
        return lambda row: True
    if term.kind == "phrase":
        test = patterns.phrase(term.text, bounded="phrase-boundaries" in env.switches)
    else:
        test = patterns.token(term.text, exact=term.kind == "CASE", major_only=term.kind == "TERM")

    def decide(row: Row) -> bool:
        raw = row.get("_raw")
        return raw is not None and any(test(text) for text in texts(raw))

    return decide


_UNITS_AGO = {"minutesago": 60, "hoursago": 3600, "daysago": 86400, "monthsago": 30 * 86400}


def bound(item: spl.TimeBound, env: Env) -> tuple[str, float]:
    """A time bound as ("earliest" or "latest", epoch seconds)."""
    name = item.name
    side = "latest" if name.startswith(("latest", "end")) else "earliest"
    for suffix, seconds in _UNITS_AGO.items():
        if name.endswith(suffix):
            amount = as_number(item.value)
            if amount is None:
                raise SearchError(f"{name} takes a number, not {item.value!r}")
            return side, env.now - amount * seconds
    return side, resolve(item.value, env.now, env.zone)


def _time(item: spl.TimeBound, env: Env) -> Predicate:
    side, limit = bound(item, env)

    def decide(row: Row) -> bool:
        time = as_number(row.get("_time"))
        if time is None:
            return False
        return time >= limit if side == "earliest" else time < limit

    return decide


def with_latest(clause: Clause) -> Clause:
    """The clause with `latest=now` where it bounds only `earliest`: a missing latest is now.

    Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/
    time-format-variables-and-modifiers/time-modifiers
    """
    names = [part.name for part in spl.walk(clause) if isinstance(part, spl.TimeBound)]
    if not names or any(name.startswith(("latest", "end")) for name in names):
        return clause
    return spl.And((clause, spl.TimeBound("latest", "now")))


def volatility(clause: Clause) -> Volatility:
    """The volatility of a clause: time bounds depend on the clock, and a subsearch may give anything."""
    found = Volatility.IMMUTABLE
    for part in spl.walk(clause):
        if isinstance(part, spl.Subsearch):
            return Volatility.VOLATILE
        if isinstance(part, spl.TimeBound):
            found = Volatility.STABLE
    return found


Deciding = Callable[[Row, Callable[[str], bool]], bool | None]


def decide(clause: Clause, row: Row, unknown: Callable[[str], bool], env: Env) -> bool | None:
    """The clause in three values: None where it hangs on a field of which `unknown(name)` is true.

    A field that has a value in the row is known. Terms are unknown when `_raw` is.
    """
    return deciding(clause, env)(row, unknown)


def deciding(clause: Clause, env: Env, hidden: Callable[[str], bool] = lambda name: False) -> Deciding:
    """`decide` for a clause, to be asked of many rows; what hangs on a `hidden` field is unknown in all of them."""
    match clause:
        case spl.And(parts=parts):
            return _joined([deciding(part, env, hidden) for part in parts], False)
        case spl.Or(parts=parts):
            return _joined([deciding(part, env, hidden) for part in parts], True)
        case spl.Not(part=part):
            inner = deciding(part, env, hidden)

            def negated(row: Row, unknown: Callable[[str], bool]) -> bool | None:
                found = inner(row, unknown)
                return None if found is None else not found

            return negated
        case spl.Compare(name=name) | spl.In(name=name) if hidden(name):
            return lambda row, unknown: None
        case spl.Subsearch():
            return lambda row, unknown: None
    test = compile_clause(clause, env)
    match clause:
        case spl.Compare(name=name) | spl.In(name=name):
            return lambda row, unknown: None if name not in row and unknown(name) else test(row)
        case spl.Term() if clause.text != "*":
            return lambda row, unknown: test(row) or (None if unknown("_raw") else False)
    return lambda row, unknown: test(row)


def _joined(parts: list[Deciding], strong: bool) -> Deciding:
    """Several clauses, of which one that has the strong value decides."""

    def decided(row: Row, unknown: Callable[[str], bool]) -> bool | None:
        unsure = False
        for part in parts:
            found = part(row, unknown)
            if found is strong:
                return strong
            unsure = unsure or found is None
        return None if unsure else not strong

    return decided
