"""Times in UTC, once more: modifiers, and texts to times and back."""

from __future__ import annotations

import calendar
import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

SPELLINGS = {
    "s": "s sec secs second seconds",
    "m": "m min mins minute minutes",
    "h": "h hr hrs hour hours",
    "d": "d day days",
    "w": "w week weeks",
    "mon": "mon month months",
    "q": "q qtr qtrs quarter quarters",
    "y": "y yr yrs year years",
}
UNITS = {word: unit for unit, words in SPELLINGS.items() for word in words.split()}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
MONTHS = {"mon": 1, "q": 3, "y": 12}
MONTH_NAMES = [name.lower() for name in calendar.month_name[1:]]


def clock(moment: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=math.floor(moment))


def epoch(here: datetime) -> int:
    return int(here.replace(tzinfo=UTC).timestamp())


def moved(moment: float, count: int, unit: str) -> float:
    """So many units later. In UTC a day is always 24 hours."""
    if unit in SECONDS:
        return moment + count * SECONDS[unit]
    here = clock(moment)
    year, month = divmod(here.year * 12 + here.month - 1 + count * MONTHS[unit], 12)
    day = min(here.day, calendar.monthrange(year, month + 1)[1])
    return epoch(here.replace(year=year, month=month + 1, day=day)) + (moment - math.floor(moment))


def snapped(moment: float, unit: str) -> float:
    """Back to the start of a unit; w0 to w7 are weeks from that day."""
    if unit in ("s", "m", "h", "d"):
        return math.floor(moment) // SECONDS[unit] * SECONDS[unit]
    here = clock(moment)
    day = datetime(here.year, here.month, here.day)
    if unit.startswith("w"):
        while day.isoweekday() % 7 != int(unit[1:] or 0) % 7:
            day -= timedelta(days=1)
        return epoch(day)
    month = {"mon": day.month, "q": (day.month - 1) // 3 * 3 + 1, "y": 1}[unit]
    return epoch(day.replace(month=month, day=1))


def modified(moment: float, modifier: str) -> float:
    """A moment after a modifier such as -1d@d+2h. Raises ValueError for what is none, and outside the calendar."""
    if not re.fullmatch(r"(now)?([+-]\d*[a-z]+|@w[0-7]|@[a-z]+)+", modifier.lower()):
        raise ValueError(modifier)
    for sign, count, unit, snap in re.findall(r"([+-])(\d*)([a-z]+)|@(w[0-7]|[a-z]+)", modifier.lower()):
        if snap:
            moment = snapped(moment, snap if re.fullmatch("w[0-7]", snap) else UNITS[snap])
        else:
            moment = moved(moment, int(sign + (count or "1")), UNITS[unit])
        clock(moment)
    return moment


def bound(modifier: str, now: float) -> float:
    """The moment of earliest= or latest=: epoch seconds, now, or a modifier."""
    if re.fullmatch(r"\d+(\.\d+)?", modifier):
        return float(modifier)
    if "/" in modifier:
        moment = read(modifier, "%m/%d/%Y:%H:%M:%S", now)
        assert moment is not None
        return moment
    return now if modifier == "now" else modified(now, modifier.removeprefix("now"))


def written(moment: float, form: str) -> str:
    """strftime. Fractions are those of the number's decimal spelling."""
    here = clock(moment)
    part = Decimal(repr(moment)) - math.floor(moment)
    nanos = f"{int(part * 10**9):09d}"
    hour = here.hour % 12 or 12
    fixed = {
        "N": nanos,
        "Q": nanos[:3],
        "f": nanos[:6],
        "s": str(math.floor(moment)),
        "e": f"{here.day:2d}",
        "k": f"{here.hour:2d}",
        "l": f"{hour:2d}",
        "P": "am" if here.hour < 12 else "pm",
        "C": f"{here.year // 100:02d}",
        "z": "+0000",
        ":z": "+00:00",
        "::z": "+00:00:00",
        "Ez": "0",
        ":::z": "+00",
        "Z": "UTC",
        "F": here.strftime("%Y-%m-%d"),
        "T": here.strftime("%H:%M:%S"),
        "D": here.strftime("%m/%d/%y"),
        "R": here.strftime("%H:%M"),
        "n": "\n",
        "t": "\t",
        "%": "%",
        "+": here.strftime("%a %b %d %H:%M:%S UTC %Y").replace(here.strftime("%b %d"), f"{here:%b} {here.day:2d}"),
        "c": f"{here:%a %b} {here.day:2d} {here:%H:%M:%S %Y}",
        "x": here.strftime("%m/%d/%Y"),
    }

    def one(found: re.Match[str]) -> str:
        digits, letter = found.groups()
        if digits:
            return nanos[: int(digits)].ljust(int(digits), "0")
        return fixed[letter] if letter in fixed else here.strftime("%" + letter)

    return re.sub(r"%(?:(\d)[NQ]|(:{0,3}z|Ez|[A-Za-z%+]))", one, form)


COMPOUND = {
    "%F": "%Y-%m-%d",
    "%T": "%H:%M:%S",
    "%D": "%m/%d/%y",
    "%R": "%H:%M",
    "%c": "%a %b %e %H:%M:%S %Y",
    "%x": "%m/%d/%Y",
    "%X": "%H:%M:%S",
}
DIGITS = {"Y": r"\d{4}", "s": r"\d+", "j": r"\d{1,3}"}
TWO = "ymdeHkIlMS"


def read(given: str, form: str, now: float) -> float | None:
    """strptime: None where the text does not fit, or where the form says neither a day nor an hour."""
    form = re.sub("%.", lambda found: COMPOUND.get(found[0], found[0]), form, flags=re.DOTALL)
    pattern, letters = "", []
    for blank, point, digits, letter, char in re.findall(
        r"(\s+)|(\.?)%(\d?)(:{0,2}z|Ez|[A-Za-z%])|(.)", form, re.DOTALL
    ):
        if blank:
            pattern += r"\s*"
        elif char:
            pattern += re.escape(char)
        elif letter == "%":
            pattern += re.escape(point) + "%"
        elif letter in ("N", "Q", "f"):
            run = rf"(\d{{1,{digits or 9}}})"
            pattern += rf"(?:\.{run})?" if point else run
            letters.append("N")
        else:
            if letter in ("b", "B"):
                run = "|".join([*MONTH_NAMES, *(name[:3] for name in MONTH_NAMES)])
            elif letter in ("a", "A"):
                days = [name.lower() for name in calendar.day_name]
                run = "|".join([*days, *(name[:3] for name in days)])
            elif letter == "p":
                run = r"[ap]\.?m\.?"
            elif letter == "Ez":
                run = r"[+-]?\d{1,4}"
            elif letter.endswith("z"):
                run = r"[+-]\d{1,2}:?\d{2}|Z|UTC|GMT"
            elif letter == "Z":
                run = r"UTC|GMT|Z|EST|CET"
            else:
                run = DIGITS.get(letter) or (r"\d{1,2}" if letter in TWO else "(?!)")
            pattern += re.escape(point) + (r"\s*" if letter in TWO + "sj" and letter != "y" else "") + f"({run})"
            letters.append(letter.lstrip(":"))
    if not set("dejsHkIl") & set(letters):
        return None
    found = re.match(pattern, given, re.IGNORECASE | re.ASCII)
    if not found:
        return None
    said = {letter: word for letter, word in zip(letters, found.groups(), strict=True) if word is not None}
    try:
        return moment_of(said, now)
    except ValueError:
        return None


def moment_of(said: dict[str, str], now: float) -> float:
    part = int(said["N"].ljust(9, "0")) / 10**9 if "N" in said else 0
    if "s" in said:
        return int(said["s"]) + part
    today = clock(now)
    year = today.year
    if "Y" in said:
        year = int(said["Y"])
    elif "y" in said:
        year = int(said["y"]) + (2000 if int(said["y"]) < 69 else 1900)
    month = int(said.get("m", today.month))
    name = said.get("b") or said.get("B")
    if name:
        month = 1 + [full[:3] for full in MONTH_NAMES].index(name[:3].lower())
    day = said.get("d") or said.get("e")
    if day is None and "j" not in said and {"Y", "y", "m", "b", "B"} & set(said):
        raise ValueError("no day")
    hour = int(said.get("H") or said.get("k") or 0)
    twelve = said.get("I") or said.get("l")
    if twelve:
        if not 1 <= int(twelve) <= 12:
            raise ValueError(twelve)
        hour = int(twelve) % 12 + (12 if said.get("p", "a")[0] in "pP" else 0)
    if int(said.get("S", 0)) > 60:
        raise ValueError(said["S"])
    here = datetime(year, month, int(day) if day else today.day, hour, int(said.get("M", 0)), tzinfo=UTC)
    if "j" in said:
        here = datetime(year, 1, 1, hour, int(said.get("M", 0)), tzinfo=UTC) + timedelta(days=int(said["j"]) - 1)
        if here.year != year:
            raise ValueError(said["j"])
    zone = said.get("z") or {"EST": "-0500", "CET": "+0100"}.get(said.get("Z", "").upper(), "")
    offset = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})", zone)
    if "Ez" in said:
        return round(here.timestamp() - int(said["Ez"]) * 60 + int(said.get("S", 0)) + part, 6)
    minutes = (int(offset[2]) * 60 + int(offset[3])) * (-1 if offset[1] == "-" else 1) if offset else 0
    return round(here.timestamp() - minutes * 60 + int(said.get("S", 0)) + part, 6)
