"""The search clause, once more: true or false for a row."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from oracle.calendars import bound
from oracle.values import folded, many, number
from podhawk.spl import clause as tree

MAJOR = "[]<>(){}|!;,'\"*\n\r \t&?+"
MINOR = "/:=@.-$#%\\_"


def holds(clause: Any, row: dict[str, Any], now: float) -> bool:
    if isinstance(clause, tree.And):
        return all(holds(part, row, now) for part in clause.parts)
    if isinstance(clause, tree.Or):
        return any(holds(part, row, now) for part in clause.parts)
    if isinstance(clause, tree.Not):
        return not holds(clause.part, row, now)
    if isinstance(clause, tree.Compare):
        return any(compares(value, clause) for value in many(row.get(clause.name)))
    if isinstance(clause, tree.In):
        return any(equals(value, wanted, False) for value in many(row.get(clause.name)) for wanted in clause.values)
    if isinstance(clause, tree.Term):
        return clause.text == "*" or any(finds(raw, clause) for raw in many(row.get("_raw")))
    if isinstance(clause, tree.TimeBound):
        time = number(row.get("_time"))
        limit = bound(clause.value, now)
        return time is not None and (time >= limit if clause.name == "earliest" else time < limit)
    raise AssertionError(clause)


def compares(value: str, compare: tree.Compare) -> bool:
    if compare.operator in ("=", "!="):
        return equals(value, compare.value, compare.exact) == (compare.operator == "=")
    left, right = number(value), number(compare.value)
    a: Any = value
    b: Any = compare.value
    if left is not None and right is not None:
        a, b = left, right
    return {"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[compare.operator]


def equals(value: str, wanted: str, exact: bool) -> bool:
    a, b = (value, wanted) if exact else (folded(value), folded(wanted))
    if "*" in b:
        return re.fullmatch(".*".join(map(re.escape, b.split("*"))), a, re.DOTALL) is not None
    if a == b:
        return True
    if re.fullmatch(r"[0-9A-Fa-f.:]+/[0-9]{1,3}", wanted):
        try:
            return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
        except (ValueError, TypeError):
            return False
    return False


def finds(raw: str, term: tree.Term) -> bool:
    if term.kind == "phrase" and "*" not in term.text:
        return folded(term.text) in folded(raw)
    breakers = MAJOR if term.kind == "TERM" else MAJOR + MINOR
    a, b = (raw, term.text) if term.kind == "CASE" else (folded(raw), folded(term.text))
    inner = "[^" + re.escape(MAJOR.replace("*", "")) + "]*"
    pattern = inner.join(re.escape(part) for part in re.split(r"\*+", b.strip("*")))
    for found in re.finditer(f"(?={pattern})", a):
        start = found.start()
        if not b.startswith("*") and start and a[start - 1] not in breakers:
            continue
        matched = re.compile(pattern + ("" if b.endswith("*") else f"(?=$|[{re.escape(breakers)}])")).match(a, start)
        if matched:
            return True
    return False
