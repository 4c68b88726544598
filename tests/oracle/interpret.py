"""Commands, once more: a list of rows in, a list of rows out, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from oracle import extraction, grids, grouping, joining, models, numbering, reshaping, timing
from oracle.aggregate import chosen, pattern
from oracle.calendars import bound
from oracle.clause import holds
from oracle.comparing import true
from oracle.env import Env, Row, Rows
from oracle.expression import value
from oracle.fields import row_of
from oracle.subsearches import embedded, resolved, subsearches_in
from oracle.transactions import transaction
from oracle.values import many, number, settled, text
from podhawk.commands.parse import parse_search
from podhawk.spl import clause as tree
from podhawk.spl.clause import EVERYTHING
from podhawk.spl.expression import Embedded, Literal, walk
from podhawk.spl.text import plain


def interpret(spl: str, events: list[str], exact: bool, now: float, world: Env | None = None) -> Rows:
    """The rows of a search over events, as texts, nulls left out. `world` has tables, files and places."""
    known = world or Env()
    env = Env(now, exact, events, dict(known.tables), dict(known.files), known.places, source=known.source, run=run)
    rows = run(parse_search(plain(spl)).stages, None, env)
    return [
        {name: list(given) if isinstance(given, tuple) else text(given) for name, given in row.items()} for row in rows
    ]


def event_rows(events: list[str], source: str = "") -> Rows:
    rows = [{**row_of(event), **({"source": source} if source else {})} for event in events]
    rows.sort(key=lambda row: -(number(row.get("_time")) or 0))
    return rows


def run(stages: Any, rows: Rows | None, env: Env) -> Rows:
    """The rows after all stages, over the rows given or over the events."""
    if rows is None:
        env = bounded(stages, env)
        rows = event_rows(env.events, env.source) if env.given is None else [dict(row) for row in env.given]
    for stage in stages:  # subsearches come first: they see what was there before the first stage
        for part in subsearches_in(stage.node):
            env.found[id(part.pipeline)] = part.pipeline, env.run(part.pipeline.stages, None, env)
    for place, stage in enumerate(stages):
        if stage.name == "fillnull" and not stage.node.names:
            rows = fill_known(stage.node, rows, () if env.exact else next_by(stages[place + 1 :]))
        else:
            rows = COMMANDS[stage.name](stage.node, rows, env)
    return rows


def bounded(stages: Any, env: Env) -> Env:
    """The time range is what the first clause demands of every event."""
    clause = stages[0].node.clause if stages and stages[0].name == "search" else EVERYTHING
    waiting, low, high = [up_to_now(clause)], [], []
    while waiting:
        part = waiting.pop()
        if isinstance(part, tree.And):
            waiting += part.parts
        elif isinstance(part, tree.TimeBound):
            (low if part.name == "earliest" else high).append(bound(part.value, env.now))
    return replace(env, earliest=max(low, default=None), latest=min(high, default=None))


def up_to_now(clause: Any) -> Any:
    """A clause that states only earliest ends now."""
    stated = {part.name for part in leaves(clause) if isinstance(part, tree.TimeBound)}
    return tree.And((clause, tree.TimeBound("latest", "now"))) if stated == {"earliest"} else clause


def leaves(clause: Any) -> list[Any]:
    if isinstance(clause, tree.And | tree.Or):
        return [one for part in clause.parts for one in leaves(part)]
    return leaves(clause.part) if isinstance(clause, tree.Not) else [clause]


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
    clause = up_to_now(resolved(node.clause, env))
    return rows if clause in (EVERYTHING, None) else [row for row in rows if holds(clause, row, env.now)]


def where(node: Any, rows: Rows, env: Env) -> Rows:
    run_subsearches(node.expression, env)
    return [row for row in rows if true(value(node.expression, row, env)) is True]


def run_subsearches(expression: Any, env: Env) -> None:
    """One that gives nothing is refused without rows too."""
    for part in walk(expression):
        if isinstance(part, Embedded):
            embedded(env.rows_of(part.pipeline))


def evaluate(node: Any, rows: Rows, env: Env) -> Rows:
    made = []
    for row in rows:
        row = dict(row)
        for assignment in node.assignments:
            target = re.sub(
                r"\{([^{}]+)\}",
                lambda found, row=row: "".join(many(row.get(found[1]))[:1]),
                assignment.target,
            )
            result = settled(value(assignment.expression, row, env))
            if target == "_time" and isinstance(result, str):
                amount = number(result)
                result = result if amount is None else int(amount) if amount == int(amount) else amount
            if result is None:
                row.pop(target, None)
            elif target:
                row[target] = (
                    result if isinstance(result, tuple) else text(result) if isinstance(result, str | bool) else result
                )
        made.append(row)
    return made


def rename(node: Any, rows: Rows, env: Env) -> Rows:
    for old, new in node.pairs:
        rows = [renamed(row, old, new) for row in rows]
    return rows


def renamed(row: Row, old: str, new: str) -> Row:
    moves: dict[str, str] = {}
    for name in row:
        found = re.fullmatch(pattern(old), name, re.DOTALL)
        if found and ("*" not in old or not name.startswith("_") or old.startswith("_")):
            parts = new.split("*")
            moves[name] = "".join(a + b for a, b in zip(parts, [*found.groups(), ""], strict=True))
    targets = set(moves.values()) | ({new} if "*" not in old else set())
    return {moves.get(name, name): given for name, given in row.items() if name in moves or name not in targets}


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
    count, condition = node.count, node.condition
    if isinstance(condition, Embedded):  # a number, or a condition
        condition = embedded(env.rows_of(condition.pipeline))
        if isinstance(condition, Literal):
            count, condition = int(condition.value), None
    rows = rows if count is None else rows[:count]
    if condition is None:
        return rows
    kept: Rows = []
    for row in rows:
        result = true(value(condition, row, env))
        if result is True or (result is None and node.null):
            kept.append(row)
        else:
            return [*kept, row] if node.keeplast else kept
    return kept


def tail(node: Any, rows: Rows, env: Env) -> Rows:
    return list(reversed(rows))[: node.count]


def mvexpand(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        values = row.get(node.field)
        if not isinstance(values, tuple):  # one value, or none: the row stays as it is, a number stays a number
            made.append(row)
            continue
        made += [{**row, node.field: one} for one in (values[: node.limit] if node.limit else values)]
    return made


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {
    "search": search_command,
    "where": where,
    "eval": evaluate,
    "fillnull": fillnull,
    "rename": rename,
    "table": table,
    "fields": fields,
    "head": head,
    "tail": tail,
    "mvexpand": mvexpand,
    "transaction": transaction,
    "fieldformat": lambda node, rows, env: rows,  # it changes what a table shows
    **extraction.COMMANDS,
    **grouping.COMMANDS,
    **grids.COMMANDS,
    **joining.COMMANDS,
    **models.COMMANDS,
    **numbering.COMMANDS,
    **reshaping.COMMANDS,
    **timing.COMMANDS,
}
