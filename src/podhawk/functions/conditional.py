"""Comparison and conditional functions: choosing between values, and asking whether something matches."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from podhawk.errors import SearchError
from podhawk.functions import numbers, predicates
from podhawk.functions.comparison import compare, membership, truth
from podhawk.functions.declare import Env, Evaluator, EvalValue, Function, Volatility
from podhawk.functions.patterns import fold
from podhawk.functions.regex import LimitHit, search
from podhawk.rows import Row
from podhawk.spl.clause import Clause, parse_clause
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression, Literal
from podhawk.spl.text import SearchText, plain

SOURCE = (
    "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/"
    "comparison-and-conditional-functions"
)


def each_text(value: EvalValue) -> tuple[str, ...]:
    """The texts of a non-null value: all of a multivalue, the one of anything else."""
    return value if isinstance(value, tuple) else (numbers.text(value),)


def _pairs(name: str, arguments: tuple[Expression, ...], source: SearchText) -> None:
    if len(arguments) % 2:
        last = arguments[-1]
        raise source.error(
            f"{name}() takes pairs of a condition and a value; the last condition has no value",
            last.at,
            remedy="Use true() as the last condition to set a default.",
        )


def _case(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    _pairs("case", arguments, source)
    branches = list(zip(compiled[::2], compiled[1::2], strict=True))

    def case(row: Row) -> EvalValue:
        for condition, value in branches:
            if truth(condition(row)) is True:
                return value(row)
        return None

    return case


def _validate(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    _pairs("validate", arguments, source)
    branches = list(zip(compiled[::2], compiled[1::2], strict=True))

    def validate(row: Row) -> EvalValue:
        for condition, value in branches:
            if truth(condition(row)) is False:
                return value(row)
        return None

    return validate


def _if(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    condition, yes, no = compiled
    return lambda row: yes(row) if truth(condition(row)) is True else no(row)


def _coalesce(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    def coalesce(row: Row) -> EvalValue:
        for evaluator in compiled:
            value = evaluator(row)
            if value is not None:
                return value
        return None

    return coalesce


def _nullif(first: EvalValue, second: EvalValue) -> EvalValue:
    return None if compare("=", first, second) is True else first


@lru_cache(maxsize=2048)
def _like(pattern: str) -> Callable[[str], bool]:
    """A test for one LIKE pattern: pieces between `%` are found from left to right, never backwards."""
    pieces = pattern.split("%")
    if len(pieces) == 1:
        return lambda text: len(text) == len(pattern) and _fits(pattern, text, 0)
    head, *middle, tail = pieces

    def test(text: str) -> bool:
        limit = len(text) - len(tail)
        if limit < len(head) or not _fits(head, text, 0) or not _fits(tail, text, limit):
            return False
        at = len(head)
        for piece in middle:
            at = _find(piece, text, at, limit)
            if at < 0:
                return False
            at += len(piece)
        return True

    return test


def _fits(piece: str, text: str, at: int) -> bool:
    if "_" not in piece:
        return text.startswith(piece, at)
    return all(want in ("_", have) for want, have in zip(piece, text[at : at + len(piece)], strict=True))


def _find(piece: str, text: str, at: int, limit: int) -> int:
    if "_" not in piece:
        return text.find(piece, at, limit)
    for start in range(at, limit - len(piece) + 1):
        if _fits(piece, text, start):
            return start
    return -1


def _is_like(env: Env, value: EvalValue, pattern: EvalValue) -> EvalValue:
    if isinstance(pattern, tuple):
        return None
    if "like-any-case" in env.switches:
        folded = _like(fold(numbers.text(pattern)))
        return any(folded(fold(text)) for text in each_text(value))
    test = _like(numbers.text(pattern))
    return any(test(text) for text in each_text(value))


def _match(env: Env, value: EvalValue, pattern: EvalValue) -> EvalValue:
    if isinstance(pattern, tuple):
        return None
    wanted = numbers.text(pattern)
    try:
        return any(search(wanted, text) is not None for text in each_text(value))
    except LimitHit:
        env.warn("regex-limit", wanted)
    except SearchError as error:
        env.warn("regex", error.message)
    return None


@lru_cache(maxsize=4096)
def network(text: str) -> IPv4Network | IPv6Network | None:
    """The network a text in CIDR notation names (host bits are ignored), or None."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def _within(cidr: str, address: str) -> bool:
    net = network(cidr)
    try:
        return net is not None and ip_address(address.strip()) in net
    except ValueError:
        return False


def _cidrmatch(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    first = arguments[0]
    if isinstance(first, Literal) and network(str(first.value)) is None:
        raise source.error(
            f"{first.value!r} is not a network in CIDR notation",
            first.at,
            len(str(first.value)) + 2,
            "For example: 10.0.0.0/8 or 2001:db8::/32.",
        )
    cidr, ip = compiled

    def cidrmatch(row: Row) -> EvalValue:
        wanted, address = cidr(row), ip(row)
        if wanted is None or address is None:
            return None
        return any(_within(one, other) for one in each_text(wanted) for other in each_text(address))

    return cidrmatch


def _searched(text: str) -> Clause:
    """The clause in searchmatch("…"). Raises SearchError."""

    def refuse(cursor: Cursor) -> None:
        raise cursor.error("searchmatch() cannot contain a subsearch")

    return parse_clause(Cursor(plain(text, "searchmatch"), 0, len(text)), refuse)


def _searchmatch_volatility(arguments: tuple[Expression, ...]) -> Volatility:
    argument = arguments[0] if arguments else None
    if not isinstance(argument, Literal):
        return Volatility.VOLATILE
    try:
        return predicates.volatility(_searched(str(argument.value)))
    except SearchError:
        return Volatility.VOLATILE


def _searchmatch(
    arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText
) -> Evaluator:
    argument = arguments[0]
    if not isinstance(argument, Literal) or not isinstance(argument.value, str):
        raise source.error("searchmatch() takes a search in double quotes", argument.at)
    try:
        clause = _searched(argument.value)
    except SearchError as error:
        raise source.error(
            f"searchmatch(): {error.message}", argument.at, len(argument.value) + 2, error.remedy
        ) from None
    return predicates.compile_clause(clause, env)


FAMILY: tuple[Function, ...] = (
    Function(
        "case",
        2,
        None,
        "The value after the first condition that is true, or null if no condition is true. Null "
        "conditions are skipped.",
        ('case(1==2, "a", true(), "b")', "b"),
        build=_case,
        one_value=all,
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("switch", "decode"),
    ),
    Function(
        "if",
        3,
        3,
        "The second argument if the condition is true, else the third. A null condition counts as false.",
        ('if(2>1, "yes", "no")', "yes"),
        build=_if,
        one_value=all,
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("iff", "iif"),
    ),
    Function(
        "coalesce",
        1,
        None,
        "The first argument that is not null. Empty text is not null.",
        ('coalesce(null(), "", "x")', ""),
        build=_coalesce,
        one_value=all,
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("nvl", "ifnull"),
    ),
    Function(
        "nullif",
        2,
        2,
        "Null if both arguments are equal, else the first argument.",
        ('nullif("a", "b")', "a"),
        run=_nullif,
        one_value=all,
        takes_null=True,
        source=SOURCE,
    ),
    Function(
        "validate",
        2,
        None,
        "The opposite of case: the value after the first condition that is false, or null if every condition is true.",
        ('validate(isint(5), "not a number", 5>9, "too small")', "too small"),
        build=_validate,
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "true",
        0,
        0,
        "The boolean true.",
        ("if(true(), 1, 0)", "1"),
        run=lambda: True,
        returns="boolean",
        source=SOURCE,
    ),
    Function(
        "false",
        0,
        0,
        "The boolean false.",
        ("if(false(), 1, 0)", "0"),
        run=lambda: False,
        returns="boolean",
        source=SOURCE,
    ),
    Function(
        "null",
        0,
        0,
        "Null. Assigning it removes the field.",
        ("null()", None),
        run=lambda: None,
        one_value=all,
        source=SOURCE,
    ),
    Function(
        "in",
        2,
        None,
        "Whether the first argument equals one of the others. Wildcards are not supported.",
        ('if(in("get", "list", "get"), "yes", "no")', "yes"),
        run=lambda *values: membership(list(values)),
        returns="boolean",
        takes_null=True,
        source=SOURCE,
    ),
    Function(
        "like",
        2,
        2,
        "Whether the whole text matches a pattern, in which % stands for any characters and _ for "
        "one character. Case-sensitive. True for a multivalue field if any value matches.",
        ('if(like("kube-system", "kube-%"), "yes", "no")', "yes"),
        run=_is_like,
        needs_env=True,
        returns="boolean",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("contains", "startswith", "starts_with", "endswith", "ends_with", "ilike", "has"),
    ),
    Function(
        "match",
        2,
        2,
        "Whether a regular expression (PCRE) matches anywhere in the text. True for a multivalue "
        "field if any value matches.",
        ('if(match("/api/v1/secrets", "secrets?$"), "yes", "no")', "yes"),
        run=_match,
        returns="boolean",
        needs_env=True,
        pattern=1,
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("regex_match", "regexp_match", "regexp_like", "regexp_matches", "rlike", "matches", "test"),
    ),
    Function(
        "cidrmatch",
        2,
        2,
        "Whether an IP address is in a network in CIDR notation (IPv4 or IPv6). False if the value "
        "is not an IP address.",
        ('if(cidrmatch("10.0.0.0/8", "10.1.2.3"), "inside", "outside")', "inside"),
        build=_cidrmatch,
        returns="boolean",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("ipv4_is_in_range", "ip_in_cidr"),
    ),
    Function(
        "searchmatch",
        1,
        1,
        "Whether the event matches a search, by the rules of the search command. The search is a "
        "string in double quotes.",
        ('if(searchmatch("*"), "yes", "no")', "yes"),
        build=_searchmatch,
        returns="boolean",
        source=SOURCE,
        volatility=_searchmatch_volatility,
    ),
)
