"""Date and time functions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from oracle.calendars import modified, read, written
from oracle.env import Env
from oracle.values import Moment, number, text


def whole(moment: float) -> Any:
    return int(moment) if moment == int(moment) else moment


def relative_time(moment: Any, modifier: Any) -> Any:
    start = number(moment)
    if start is None or isinstance(modifier, tuple):
        return None
    try:
        return whole(modified(start, text(modifier)))
    except (OverflowError, ValueError):
        return None


def strftime(env: Env, moment: Any, form: Any) -> Any:
    start = number(moment)
    try:
        return None if start is None or isinstance(form, tuple) else written(start, text(form))
    except (OverflowError, ValueError):
        return None


def strptime(env: Env, given: Any, form: Any) -> Any:
    if isinstance(given, tuple) or isinstance(form, tuple):
        return None
    found = read(text(given), text(form), env.now)
    return None if found is None else Moment(found)


STRICT: dict[str, Callable[..., Any]] = {"time": lambda: round(time.time(), 6), "relative_time": relative_time}
CLOCKED: dict[str, Callable[..., Any]] = {
    "now": lambda env: whole(env.now),
    "strftime": strftime,
    "strptime": strptime,
}
