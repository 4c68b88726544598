"""The commands that count, add up and cut numbers, once more."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from oracle.aggregate import chosen, reduced
from oracle.arithmetic import arithmetic
from oracle.env import Env
from oracle.values import many, number, rounded

Row = dict[str, Any]
Rows = list[Row]


def usable(given: Any) -> Any:
    """The number that a value is, if it can be added up."""
    amount = number(given)
    return amount if amount is not None and abs(amount) < 1e300 else None


def accum(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    total = Fraction(0)
    for row in rows:
        amount = usable(row.get(node.field))
        if amount is not None:
            total += Fraction(amount)
            row = {**row, node.name: rounded(total)}
        made.append(row)
    return made


def delta(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for place, row in enumerate(rows):
        row = {name: given for name, given in row.items() if name != node.name or name == node.field}
        now = number(row.get(node.field))
        before = number(rows[place - node.back].get(node.field)) if place >= node.back else None
        if now is not None and before is not None:
            row[node.name] = arithmetic("-", now, before)
        made.append(row)
    return made


def autoregress(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for place, row in enumerate(rows):
        row = dict(row)
        for back in range(node.first, node.last + 1):
            target = node.name or f"{node.field}_p{back}"
            row.pop(target, None)
            if place >= back and node.field in rows[place - back]:
                row[target] = rows[place - back][node.field]
        made.append(row)
    return made


def addtotals(node: Any, rows: Rows, env: Env) -> Rows:
    def wanted(name: str) -> bool:
        return chosen(node.names or ("*",), name)

    made = [dict(row) for row in rows]
    if node.row:
        for row in made:
            amounts = [usable(given) for name, given in row.items() if wanted(name) and name != node.fieldname]
            row[node.fieldname] = rounded(sum((Fraction(a) for a in amounts if a is not None), Fraction(0)))
    if node.col:
        last: Row = {}
        names = dict.fromkeys(name for row in made for name in row)
        for name in names:
            if wanted(name) or (node.row and name == node.fieldname):
                amounts = [usable(row[name]) for row in made if name in row]
                if any(amount is not None for amount in amounts):
                    last[name] = rounded(sum((Fraction(a) for a in amounts if a is not None), Fraction(0)))
        if node.labelfield:
            last[node.labelfield] = node.label
        made.append(last)
    return made


def trendline(node: Any, rows: Rows, env: Env) -> Rows:
    made = [dict(row) for row in rows]
    for one in node.trends:
        amounts = [(row, amount) for row in made if (amount := usable(row.get(one.field))) is not None]
        averages: list[tuple[Row, Any]] = []
        ema = 0.0
        for place, (row, amount) in enumerate(amounts):
            window = [amount for _, amount in amounts[max(0, place + 1 - one.period) : place + 1]]
            share = 2 / (one.period + 1)
            ema = amount if place == 0 else share * ema + (1 - share) * amount
            if place + 1 < one.period:
                continue
            if one.kind == "ema":
                result = ema
            elif one.kind == "sma":
                result = sum(window) / one.period
            else:
                weighted = sum(weight * value for weight, value in enumerate(window, 1))
                result = weighted / (one.period * (one.period + 1) / 2)
            averages.append((row, int(result) if result == int(result) else result))
        for row in made:
            if one.name != one.field:
                row.pop(one.name, None)
        for row, result in averages:
            row[one.name] = result
    return made


def fieldsummary(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for name in sorted({name for row in rows for name in row if not name.startswith("_")}):
        if node.names and name not in node.names:
            continue
        values = [one for row in rows for one in many(row.get(name))]
        numeric = [(amount, None) for one in values if (amount := number(one)) is not None]
        counts = Counter(values)
        row: Row = {"field": name, "count": len(values), "distinct_count": len(counts), "is_exact": 1}
        row["numeric_count"] = len(numeric)
        for column, function in (("max", "max"), ("mean", "avg"), ("min", "min"), ("stdev", "stdev")):
            result = reduced(function, numeric)
            if result is not None:
                row[column] = result
        shown = sorted(counts, key=lambda one: (-counts[one], one))[: node.maxvals]
        row["values"] = json.dumps(
            [{"value": one, "count": counts[one]} for one in shown], ensure_ascii=False, separators=(",", ":")
        )
        made.append(row)
    return made


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {
    "accum": accum,
    "delta": delta,
    "autoregress": autoregress,
    "addtotals": addtotals,
    "addcoltotals": addtotals,
    "fieldsummary": fieldsummary,
    "trendline": trendline,
}
