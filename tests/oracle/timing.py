"""Commands about times, and convert, once more."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from oracle.aggregate import pattern
from oracle.calendars import moved, read, snapped, written
from oracle.env import Env, Rows
from oracle.spans import chosen, shown
from oracle.values import many, number, one_or_many, text

HUMAN = "%a %b %d %H:%M:%S %Y"


def addinfo(node: Any, rows: Rows, env: Env) -> Rows:
    known = {
        "info_min_time": "0.000" if env.earliest is None else f"{env.earliest:.3f}",
        "info_max_time": "+Infinity" if env.latest is None else f"{env.latest:.3f}",
        "info_sid": f"{math.floor(env.now)}.1",
        "info_search_time": f"{env.now:.3f}",
    }
    return [{**row, **known} for row in rows]


def gentimes(node: Any, rows: Rows, env: Env) -> Rows:
    def moment(given: str) -> float:
        if re.fullmatch(r"[+-]?\d+", given):
            return moved(snapped(env.now, "d"), int(given), "d")
        form = "%m/%d/%y" if re.match(r"\d+/\d+/\d\d(?!\d)", given) else "%m/%d/%Y"
        found = read(given, f"{form}:%H:%M:%S" if ":" in given else form, env.now)
        assert found is not None
        return found

    made: Rows = []
    here, end = moment(node.begin), moment(node.end or "0")
    while here < end:
        after = moved(here, node.count, node.unit)
        made.append({"starttime": int(here), "endtime": int(after) - 1})
        made[-1] |= {"starthuman": written(here, HUMAN), "endhuman": written(after - 1, HUMAN)}
        here = after
    return made


def bins(node: Any, rows: Rows, env: Env) -> Rows:
    target = node.alias or node.name
    numbers = [amount for row in rows for part in many(row.get(node.name)) if (amount := number(part)) is not None]
    span = chosen(node.bins, node.name, numbers, env.now)
    made: Rows = []
    for row in rows:
        given = row.get(node.name)
        row = {name: kept for name, kept in row.items() if name != target}
        if isinstance(given, tuple):
            row[target] = tuple(text(shown(span, node.name, part)) for part in given)
        elif given is not None:
            row[target] = shown(span, node.name, given)
        made.append(row)
    return made


def makecontinuous(node: Any, rows: Rows, env: Env) -> Rows:
    low, high = node.bins.start, node.bins.end
    known = [
        (amount, row)
        for row in rows
        if (amount := number(row.get(node.name))) is not None
        and abs(amount) < 1e300
        and (low is None or amount >= low)
        and (high is None or amount <= high)
    ]
    span = chosen(node.bins, node.name, [amount for amount, _ in known], env.now)
    if span is None:
        return rows
    lines: dict[Any, Rows] = {}
    for amount, row in known:
        ends = span.ends(amount)
        assert ends is not None
        lines.setdefault(ends[0], []).append({**row, node.name: shown(span, node.name, amount)})
    for end in (low, high):
        if end is not None:
            ends = span.ends(end)
            assert ends is not None
            lines.setdefault(ends[0], [])
    made: Rows = []
    here = min(lines, default=None)
    while here is not None and here <= max(lines):
        made += lines.get(here) or [{node.name: shown(span, node.name, here)}]
        ends = span.ends(here)
        here = None if ends is None else ends[1]
    return made


def convert(node: Any, rows: Rows, env: Env) -> Rows:
    kept = [item.field for item in node.conversions if item.function == "none"]
    for item in node.conversions:
        if item.function == "none":
            continue
        form = re.compile(pattern(item.field), re.DOTALL)
        names = [
            name
            for name in dict.fromkeys(name for row in rows for name in row)
            if form.fullmatch(name)
            and ("*" not in item.field or not name.startswith("_") or item.field.startswith("_"))
            and not ("*" in item.field and any(re.fullmatch(pattern(one), name, re.DOTALL) for one in kept))
        ]
        for name in names:
            found = form.fullmatch(name)
            parts = (item.name or item.field).split("*")
            groups = [*found.groups(), ""] if found else [""]
            target = (
                "".join(a + b for a, b in zip(parts, groups, strict=True)) if "*" in item.field else item.name or name
            )
            rows = converted(item.function, name, target, rows, node.timeformat, env)
    return rows


def converted(function: str, name: str, target: str, rows: Rows, form: str, env: Env) -> Rows:
    reader: Callable[[str], str | None] | None = lambda word: READERS[function](word, form, env.now)  # noqa: E731
    if function == "auto":
        words = [word for row in rows for word in many(row.get(name))]
        kind = next(
            (kind for kind in AUTO if all(READERS[kind](word, form, env.now) is not None for word in words)), None
        )
        reader = None if kind is None else lambda word: READERS[kind](word, form, env.now)
    made: Rows = []
    for row in rows:
        row = dict(row)
        if name in row and reader is not None:
            drops = function in ("num", "auto") or target != name
            pairs = [(word, reader(word)) for word in many(row[name])]
            values = [word if new is None else new for word, new in pairs if new is not None or not drops]
            if values or target == name:
                row.pop(target, None)
                if values:
                    row[target] = one_or_many(values)
        made.append(row)
    return made


def ctime(word: str, form: str, now: float) -> str | None:
    amount = number(word)
    try:
        return None if amount is None else written(amount, form)
    except (OverflowError, ValueError):
        return None


def mktime(word: str, form: str, now: float) -> str | None:
    found = read(word, form, now)
    return None if found is None else text(found)


def seconds(word: str, form: str, now: float) -> str | None:
    found = re.fullmatch(r"(?:(\d+)\+)?(\d+):(\d{1,2}):(\d{1,2}(?:\.\d+)?)", word, re.ASCII)
    if not found:
        return None
    return text(round(int(found[1] or 0) * 86400 + int(found[2]) * 3600 + int(found[3]) * 60 + float(found[4]), 6))


def minutes(word: str, form: str, now: float) -> str | None:
    found = re.fullmatch(r"(?:(\d+):)?(\d+(?:\.\d+)?)", word, re.ASCII)
    return text(round(int(found[1] or 0) * 60 + float(found[2]), 6)) if found else None


def kilobytes(word: str, form: str, now: float) -> str | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)b?", word, re.ASCII | re.IGNORECASE)
    return text(float(found[1]) * {"m": 1024, "g": 1024**2}.get(found[2].lower(), 1)) if found else None


def leading(word: str, form: str, now: float) -> str | None:
    found = re.match(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", word, re.ASCII)
    return found[0] if found else None


READERS: dict[str, Callable[[str, str, float], str | None]] = {
    "num": lambda word, form, now: word if number(word) is not None else None,
    "commas": lambda word, form, now: word.replace(",", "") if number(word.replace(",", "")) is not None else None,
    "rmcomma": lambda word, form, now: word.replace(",", ""),
    "rmunit": leading,
    "dur2sec": seconds,
    "mstime": minutes,
    "memk": kilobytes,
    "ctime": ctime,
    "mktime": mktime,
}
AUTO = ("num", "commas", "dur2sec", "memk")


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {
    "addinfo": addinfo,
    "gentimes": gentimes,
    "bin": bins,
    "makecontinuous": makecontinuous,
    "convert": convert,
}
