"""stats and its kin, top, rare, dedup and sort, once more."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from oracle.aggregate import draw, keys, results
from oracle.calendars import moved
from oracle.comparing import true
from oracle.env import Env, Row, Rows
from oracle.expression import value
from oracle.values import group_order, many, number

BELOW = {"us": 1e-6, "ms": 1e-3, "cs": 1e-2, "ds": 1e-1}


def grouped(rows: Rows, by: tuple[str, ...], distinct: bool = False) -> dict[tuple[str, ...], Rows]:
    groups: dict[tuple[str, ...], Rows] = {}
    for row in rows:
        for key in keys(row, by, distinct):
            groups.setdefault(key, []).append(row)
    return groups


def stats(node: Any, rows: Rows, env: Env) -> Rows:
    groups = grouped(rows, node.by, node.dedup_splitvals) if node.by else {(): rows}
    ordered = sorted(groups, key=group_order)
    made = [
        {**dict(zip(node.by, key, strict=True)), **results(plain(node.items), groups[key], node.by, env, node.allnum)}
        for key in ordered
    ]
    draw(node.items, [groups[key] for key in ordered], made, env)
    return made


def plain(items: Any) -> list[Any]:
    return [item for item in items if item.spark is None]


def added(row: Row, items: Any, made: Row) -> Row:
    kept = {name: given for name, given in row.items() if name not in {item.name for item in items}}
    return {**kept, **made}


def eventstats(node: Any, rows: Rows, env: Env) -> Rows:
    groups = grouped(rows, node.by) if node.by else {(): rows}
    made = {key: results(plain(node.items), members, node.by, env, node.allnum) for key, members in groups.items()}
    draw(node.items, list(groups.values()), list(made.values()), env)
    return [added(row, node.items, made[keys(row, node.by)[0]]) if keys(row, node.by) else row for row in rows]


def streamstats(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    seen: list[tuple[Row, list[tuple[str, ...]]]] = []
    previous: Any = None
    left: dict[Any, int] = {}  # how many of `seen` have left the window of a group
    for row in rows:
        mine = keys(row, node.by)
        if node.reset_on_change and mine:
            if previous is not None and previous != mine:
                seen, left = [], {}
            previous = mine
        if node.reset_before and true(value(node.reset_before.expression, row, env)) is True:
            seen, left = [], {}
        window = [*seen, (row, mine)] if node.current else list(seen)
        result = row
        if mine:
            group = () if node.overall else mine[0]
            if node.time_window is not None:
                left[group] = far(window, left.get(group, 0), group, row, node.time_window)
            counted = [pair for pair in window[left.get(group, 0) :] if node.overall or group in pair[1]]
            if node.window:
                counted = counted[-node.window :]
            same = [other for other, others in counted for key in others if key == mine[0]]
            result = added(row, node.items, results(node.items, same, node.by, env, node.allnum))
        made.append(result)
        seen = [*seen, (row, mine)]
        if node.reset_after and true(value(node.reset_after.expression, result, env)) is True:
            seen, left = [], {}
    return made


def far(window: list[tuple[Row, Any]], left: int, group: Any, row: Row, span: Any) -> int:
    """How many rows have left a window when this row comes: those before the first that lies less than a span away,
    whichever way time runs. Without a time nobody leaves, and who has left stays away."""
    now = number(row.get("_time"))
    if now is None:
        return left
    for place, (other, others) in enumerate(window[left:], left):
        then = number(other.get("_time"))
        if then is not None and (not group or group in others):
            early, late = sorted((now, then))
            size = BELOW.get(span.unit)
            if late < (early + span.count * size if size else moved(early, span.count, span.unit)):
                return place
    return len(window)


def frequent(node: Any, rows: Rows, env: Env) -> Rows:
    counts: dict[tuple[str, ...], int] = {}
    for row in rows:
        for key in keys(row, (*node.by, *node.names)):
            counts[key] = counts.get(key, 0) + 1
    made: Rows = []
    size = len(node.by)
    for group in sorted({key[:size] for key in counts}, key=group_order):
        mine = sorted((key for key in counts if key[:size] == group), key=group_order, reverse=True)
        mine.sort(key=lambda key: counts[key], reverse=not node.rare)
        total = sum(counts[key] for key in mine)
        lines = [(key, counts[key]) for key in mine[: node.limit or None]]
        rest = total - sum(count for _, count in lines)
        if node.useother and rest:
            lines.append(((*group, *(node.otherstr for _ in node.names)), rest))
        for key, count in lines:
            line: Row = dict(zip((*node.by, *node.names), key, strict=True))
            if node.showcount:
                line[node.countfield] = count
            if node.showperc:
                line[node.percentfield] = f"{100 * count / total:.6f}"
            made.append(line)
    return made


def dedup(node: Any, rows: Rows, env: Env) -> Rows:
    rows = in_order(node.sortby, rows)
    counts: dict[Any, int] = {}
    previous: Any = None
    kept: Rows = []
    for row in rows:
        if any(name not in row for name in node.names):
            kept += [row] if node.keepempty or node.keepevents else []
            previous = None
            continue
        key = tuple(tuple(many(row[name])) for name in node.names)
        if node.consecutive and key != previous:
            counts = {}
        previous = key
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= node.count:
            kept.append(row)
        elif node.keepevents:
            kept.append({name: given for name, given in row.items() if name not in node.names})
    return kept


def sort(node: Any, rows: Rows, env: Env) -> Rows:
    rows = in_order(node.fields, rows)
    return rows[: node.limit] if node.limit else rows


def in_order(fields: Any, rows: Rows) -> Rows:
    for one in reversed(fields):
        have = [row for row in rows if one.name in row]
        # Equal rows keep their order both ways: Python's sort is stable with reverse too.
        have.sort(key=lambda row, one=one: sort_value(row[one.name], one.kind), reverse=one.descending)
        rows = have + [row for row in rows if one.name not in row]
    return rows


def sort_value(given: Any, kind: str) -> Any:
    word = "\n".join(many(given))
    amount = number(given) if kind in ("auto", "num") else None
    if amount is not None:
        return (0, amount, (), "")
    if kind in ("auto", "ip"):
        try:
            address = ipaddress.ip_address(word)
            return (1, 0, (address.version, int(address)), "")
        except ValueError:
            pass
    return (2, 0, (), word)


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {
    "stats": stats,
    "eventstats": eventstats,
    "streamstats": streamstats,
    "top": frequent,
    "rare": frequent,
    "dedup": dedup,
    "sort": sort,
}
