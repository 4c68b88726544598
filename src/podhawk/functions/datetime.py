"""Date and time functions. The clock and the zone are the search's own: both can be set."""

from __future__ import annotations

import time

from podhawk.errors import SearchError
from podhawk.functions import numbers
from podhawk.functions.declare import Env, Evaluator, EvalValue, Function, Volatility
from podhawk.functions.finite import finite
from podhawk.functions.timereading import names_day
from podhawk.functions.times import apply_modifier, format_time, parse_modifier, parse_time
from podhawk.rows import Row
from podhawk.spl.expression import Expression, Literal
from podhawk.spl.text import SearchText

SOURCE = (
    "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/date-and-time-functions"
)


def _now(env: Env) -> EvalValue:
    return int(env.now) if env.now == int(env.now) else env.now


def _relative_time(
    arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText
) -> Evaluator:
    modifier = arguments[1]
    if isinstance(modifier, Literal):
        try:
            parse_modifier(str(modifier.value))
        except SearchError as error:
            raise source.error(error.message, modifier.at, len(str(modifier.value)) + 2, error.remedy) from None
    moment, steps = compiled

    def relative_time(row: Row) -> EvalValue:
        start, wanted = finite(moment(row)), steps(row)
        if start is None or wanted is None or isinstance(wanted, tuple):
            return None
        try:
            result = apply_modifier(parse_modifier(numbers.text(wanted)), float(start), env.zone)
        except SearchError as error:
            env.warn("time-modifier", error.message)
            return None
        return int(result) if result == int(result) else result

    return relative_time


def _strftime(env: Env, moment: EvalValue, fmt: EvalValue) -> EvalValue:
    epoch = finite(moment)
    if epoch is None or isinstance(fmt, tuple):
        return None
    return format_time(epoch, numbers.text(fmt), env.zone)


def _strptime(env: Env, text: EvalValue, fmt: EvalValue) -> EvalValue:
    if isinstance(text, tuple) or isinstance(fmt, tuple):
        return None
    found = parse_time(numbers.text(text), numbers.text(fmt), env.zone, env.now)
    return None if found is None else numbers.Moment(found)


def _strptime_volatility(arguments: tuple[Expression, ...]) -> Volatility:
    """Parts of the date that the format lacks are those of the clock."""
    fmt = arguments[1] if len(arguments) > 1 else None
    whole = isinstance(fmt, Literal) and names_day(str(fmt.value))
    return Volatility.IMMUTABLE if whole else Volatility.STABLE


FAMILY: tuple[Function, ...] = (
    Function(
        "now",
        0,
        0,
        "The start time of the search in epoch seconds, the same for every event. --now sets it.",
        ("now()", "1700000000"),
        run=_now,
        returns="number",
        needs_env=True,
        source=SOURCE,
        volatility=Volatility.STABLE,
        known_as=("getdate", "current_timestamp"),
    ),
    Function(
        "time",
        0,
        0,
        "The current wall-clock time in epoch seconds, with microseconds.",
        ('if(time() > 0, "running", "stopped")', "running"),
        run=lambda: round(time.time(), 6),
        returns="number",
        source=SOURCE,
        volatility=Volatility.VOLATILE,
    ),
    Function(
        "relative_time",
        2,
        2,
        "A time, moved by a time modifier. The parts of the modifier apply from left to right. Days "
        "and longer units follow the calendar of the search's time zone.",
        ('relative_time(1700000000, "-1d@d")', "1699833600"),
        build=_relative_time,
        returns="number",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("ago", "dateadd", "date_add", "date_sub"),
    ),
    Function(
        "strftime",
        2,
        2,
        "Formats epoch seconds as text, in the search's time zone.",
        ('strftime(1700000000.25, "%Y-%m-%dT%H:%M:%S.%3N%z")', "2023-11-14T22:13:20.250+0000"),
        run=_strftime,
        returns="string",
        needs_env=True,
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("date_format", "format_datetime", "from_unixtime", "to_char"),
    ),
    Function(
        "strptime",
        2,
        2,
        "Parses text by a format and returns epoch seconds with six decimals. Null if the text does not match "
        "or is not a valid date. Text without a time zone is read in the search's time zone, a time without a "
        "date on the day of the search.",
        ('strptime("2023-11-14 22:13:20", "%Y-%m-%d %H:%M:%S")', "1700000000.000000"),
        run=_strptime,
        returns="number",
        needs_env=True,
        source=SOURCE,
        volatility=_strptime_volatility,
        known_as=("todatetime", "to_date", "str_to_date", "to_timestamp", "parse_date", "datetime", "unix_timestamp"),
    ),
)
