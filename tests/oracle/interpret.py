"""Commands, once more: a list of rows in, a list of rows out, one after the other."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from oracle import numbering, reshaping
from oracle.aggregate import keys, pattern, results
from oracle.clause import holds
from oracle.expression import true, value
from oracle.fields import row_of
from oracle.values import group_order, many, number, one_or_many, text
from podhawk.commands.parse import parse_search
from podhawk.functions.declare import Env
from podhawk.functions.numbers import Moment
from podhawk.functions.regex import finditer, search
from podhawk.spl.clause import EVERYTHING
from podhawk.spl.text import plain

Rows = list[dict[str, Any]]


def interpret(spl: str, events: list[str], exact: bool, now: float) -> Rows:
    """The rows of a search over events, as texts, nulls left out."""
    rows = [row_of(event) for event in events]
    rows.sort(key=lambda row: -(number(row.get("_time")) or 0))
    env = Env(now=now, switches=frozenset({"oracle-exact"} if exact else ()))
    rows = run(parse_search(plain(spl)).stages, rows, env, exact)
    return [
        {name: list(given) if isinstance(given, tuple) else text(given) for name, given in row.items()} for row in rows
    ]


def left_out(node: Any) -> str:
    """The first option of a command that this reading leaves out, where one is used."""
    for name in (
        "keepevents",
        "consecutive",
        "sortby",
        "allnum",
        "useother",
        "reset_on_change",
        "reset_before",
        "reset_after",
        "time_window",
        "sed",
        "tokenizer",
        "setsv",
        "offset_field",
        "format",
        "annotate",
    ):
        if getattr(node, name, None):
            return name
    for name, default in (
        ("overall", True),
        ("countfield", "count"),
        ("percentfield", "percent"),
        ("showcount", True),
        ("showperc", True),
    ):
        if getattr(node, name, default) != default:
            return name
    if any(getattr(item, "spark", None) for item in getattr(node, "items", ())):
        return "sparkline"
    if any(getattr(one, "kind", "auto") != "auto" for one in getattr(node, "fields", ())):
        return "typed sort"
    return ""


def run(stages: Any, rows: Rows, env: Env, exact: bool) -> Rows:
    for number_, stage in enumerate(stages):
        if left_out(stage.node):
            raise NotImplementedError(f"{stage.name} {left_out(stage.node)}")
        if stage.name == "fillnull" and not stage.node.names:
            rows = fill_known(stage.node, rows, () if exact else next_by(stages[number_ + 1 :]))
        elif stage.name == "append":
            rows = rows + run(stage.node.pipeline.stages, [], env, exact)
        elif stage.name == "appendpipe":
            rows = rows + run(stage.node.inner.stages, [dict(row) for row in rows], env, exact)
        else:
            rows = COMMANDS[stage.name](stage.node, rows, env)
    return rows


def next_by(stages: Any) -> tuple[str, ...]:
    for stage in stages:
        if stage.name in ("stats", "eventstats"):
            return tuple(stage.node.by)
        if stage.name in ("top", "rare"):
            return (*stage.node.names, *stage.node.by)
        if stage.name == "chart":
            return tuple(name for name in (stage.node.over, stage.node.by) if name)
    return ()


def fill_known(node: Any, rows: Rows, also: tuple[str, ...]) -> Rows:
    known = {name for row in rows for name in row if not name.startswith("_")} | set(also)
    return [{**dict.fromkeys(sorted(known), node.value), **row} for row in rows]


def fillnull(node: Any, rows: Rows, env: Env) -> Rows:
    return [{**dict.fromkeys(node.names, node.value), **row} for row in rows]


def search_command(node: Any, rows: Rows, env: Env) -> Rows:
    return rows if node.clause == EVERYTHING else [row for row in rows if holds(node.clause, row, env.now)]


def where(node: Any, rows: Rows, env: Env) -> Rows:
    return [row for row in rows if true(value(node.expression, row, env)) is True]


def evaluate(node: Any, rows: Rows, env: Env) -> Rows:
    made = []
    for row in rows:
        row = dict(row)
        for assignment in node.assignments:
            if "{" in assignment.target.replace("{}", ""):
                raise NotImplementedError("a target that names a field")
            result = value(assignment.expression, row, env)
            if isinstance(result, Moment):
                result = int(result) if assignment.target == "_time" else f"{result:.6f}"
            if result is None:
                row.pop(assignment.target, None)
            else:
                row[assignment.target] = (
                    result if isinstance(result, tuple) else (str(result) if isinstance(result, str) else result)
                )
        made.append(row)
    return made


def grouped(rows: Rows, by: tuple[str, ...], distinct: bool = False) -> dict[tuple[str, ...], Rows]:
    groups: dict[tuple[str, ...], Rows] = {}
    for row in rows:
        for key in keys(row, by, distinct):
            groups.setdefault(key, []).append(row)
    return groups


def stats(node: Any, rows: Rows, env: Env) -> Rows:
    groups = grouped(rows, node.by, node.dedup_splitvals) if node.by else {(): rows}
    return [
        {**dict(zip(node.by, key, strict=True)), **results(node.items, groups[key], node.by, env)}
        for key in sorted(groups, key=group_order)
    ]


def added(row: dict[str, Any], items: Any, made: dict[str, Any]) -> dict[str, Any]:
    kept = {name: given for name, given in row.items() if name not in {item.name for item in items}}
    return {**kept, **made}


def eventstats(node: Any, rows: Rows, env: Env) -> Rows:
    groups = grouped(rows, node.by) if node.by else {(): rows}
    made = {key: results(node.items, members, node.by, env) for key, members in groups.items()}
    return [added(row, node.items, made[keys(row, node.by)[0]]) if keys(row, node.by) else row for row in rows]


def streamstats(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for place, row in enumerate(rows):
        mine = keys(row, node.by)
        if not mine:
            made.append(row)
            continue
        before = rows[: place + 1 if node.current else place]
        if node.window:
            before = before[-node.window :]
        same = [other for other in before for key in keys(other, node.by) if key == mine[0]]
        made.append(added(row, node.items, results(node.items, same, node.by, env)))
    return made


def rename(node: Any, rows: Rows, env: Env) -> Rows:
    for old, new in node.pairs:
        rows = [renamed(row, old, new) for row in rows]
    return rows


def renamed(row: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    moves: dict[str, str] = {}
    for name in row:
        found = re.fullmatch(pattern(old), name, re.DOTALL)
        if found and ("*" not in old or not name.startswith("_") or old.startswith("_")):
            parts = new.split("*")
            moves[name] = "".join(a + b for a, b in zip(parts, [*found.groups(), ""], strict=True))
    targets = set(moves.values()) | ({new} if "*" not in old else set())
    return {moves.get(name, name): given for name, given in row.items() if name in moves or name not in targets}


def chosen(names: tuple[str, ...], name: str) -> bool:
    return any(
        re.fullmatch(pattern(one), name, re.DOTALL) is not None
        and ("*" not in one or one.startswith("_") or not name.startswith("_"))
        for one in names
    )


def table(node: Any, rows: Rows, env: Env) -> Rows:
    return [{name: given for name, given in row.items() if chosen(node.names, name)} for row in rows]


def fields(node: Any, rows: Rows, env: Env) -> Rows:
    if node.remove:
        return [{name: given for name, given in row.items() if not chosen(node.names, name)} for row in rows]
    return [
        {name: given for name, given in row.items() if chosen(node.names, name) or name in ("_time", "_raw")}
        for row in rows
    ]


def head(node: Any, rows: Rows, env: Env) -> Rows:
    rows = rows if node.count is None else rows[: node.count]
    if node.condition is None:
        return rows
    kept: Rows = []
    for row in rows:
        result = true(value(node.condition, row, env))
        if result is True or (result is None and node.null):
            kept.append(row)
        else:
            return [*kept, row] if node.keeplast else kept
    return kept


def tail(node: Any, rows: Rows, env: Env) -> Rows:
    return list(reversed(rows))[: node.count]


def sort(node: Any, rows: Rows, env: Env) -> Rows:
    for one in reversed(node.fields):
        have = [row for row in rows if one.name in row]
        # Equal rows keep their order both ways: Python's sort is stable with reverse too.
        have.sort(key=lambda row, name=one.name: sort_value("\n".join(many(row[name]))), reverse=one.descending)
        rows = have + [row for row in rows if one.name not in row]
    return rows[: node.limit] if node.limit else rows


def sort_value(given: str) -> Any:
    amount = number(given)
    if amount is not None:
        return (0, amount, (), "")
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return (2, 0, (), given)
    return (1, 0, (address.version, int(address)), "")


def dedup(node: Any, rows: Rows, env: Env) -> Rows:
    counts: dict[Any, int] = {}
    kept: Rows = []
    for row in rows:
        if any(name not in row for name in node.names):
            kept += [row] if node.keepempty else []
            continue
        key = tuple(tuple(many(row[name])) for name in node.names)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= node.count:
            kept.append(row)
    return kept


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
        for key in mine[: node.limit or None]:
            made.append(
                {
                    **dict(zip((*node.by, *node.names), key, strict=True)),
                    "count": counts[key],
                    "percent": f"{100 * counts[key] / total:.6f}",
                }
            )
    return made


def rex(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        row = dict(row)
        found: list[Any] = []
        for subject in many(row.get(node.field)):
            every = finditer(node.pattern, subject) if node.max_match != 1 else [search(node.pattern, subject)]
            every = [match for match in every if match is not None]
            found += every[: node.max_match] if node.max_match else every
        for name in found[0].re.groupindex if found else ():
            result = one_or_many([match.group(name) for match in found if match.group(name) is not None])
            if result is not None:
                row[name] = result
        made.append(row)
    return made


def regex(node: Any, rows: Rows, env: Env) -> Rows:
    def keeps(row: dict[str, Any]) -> bool:
        matched = any(search(node.pattern, subject) is not None for subject in many(row.get(node.field)))
        return not matched if node.negated else matched

    return [row for row in rows if keeps(row)]


def mvexpand(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        values = many(row.get(node.field))
        values = values[: node.limit] if node.limit else values
        made += [{**row, node.field: one} for one in values] if len(values) > 1 or values else [row]
    return made


def makemv(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        given = row.get(node.field)
        if isinstance(given, str):
            parts = given.split(node.delim)
            parts = parts if node.allowempty else [part for part in parts if part]
            row = {name: kept for name, kept in row.items() if name != node.field}
            result = one_or_many(parts)
            if result is not None:
                row[node.field] = result
        made.append(row)
    return made


def makeresults(node: Any, rows: Rows, env: Env) -> Rows:
    return [{"_time": int(env.now)} for _ in range(node.count)]


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {
    "search": search_command,
    "where": where,
    "eval": evaluate,
    "stats": stats,
    "eventstats": eventstats,
    "streamstats": streamstats,
    "fillnull": fillnull,
    "rename": rename,
    "table": table,
    "fields": fields,
    "head": head,
    "tail": tail,
    "sort": sort,
    "dedup": dedup,
    "top": frequent,
    "rare": frequent,
    "rex": rex,
    "regex": regex,
    "mvexpand": mvexpand,
    "makemv": makemv,
    "makeresults": makeresults,
    **numbering.COMMANDS,
    **reshaping.COMMANDS,
}
SUPPORTED = frozenset({*COMMANDS, "append", "appendpipe"})
