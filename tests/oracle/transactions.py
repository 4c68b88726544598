"""transaction, once more: events from the newest to the oldest, and the groups that are still open."""

from __future__ import annotations

from typing import Any

from oracle.clause import holds
from oracle.comparing import true
from oracle.env import Env, Row, Rows
from oracle.expression import value
from oracle.values import many, number, one_or_many


class Group:
    def __init__(self, ended: bool) -> None:
        self.members: Rows = []
        self.values: dict[str, set[str]] = {}
        self.matches = 0
        self.started, self.ended, self.closed = False, ended, False


def transaction(node: Any, rows: Rows, env: Env) -> Rows:
    def meets(bound: Any, row: Row) -> bool:
        if bound is None:
            return False
        if bound.evaluated:
            return true(value(bound.condition, row, env)) is True
        return holds(bound.condition, row, env.now)

    if all(number(row.get("_time")) is not None for row in rows):
        rows = sorted(rows, key=lambda row: -(number(row["_time"]) or 0))
    opened: list[Group] = []
    done: list[Group] = []
    orphans: Rows = []
    last: Any = None

    def close(group: Group, closed: bool) -> None:
        group.closed = closed
        opened.remove(group)
        done.append(group)

    for row in rows:
        last = number(row.get("_time"))
        starts, ends = meets(node.starts, row), meets(node.ends, row)
        mine = {name: set(many(row[name])) for name in node.names if name in row}
        if node.names and not mine and (node.unifyends or not (starts or ends)):
            orphans.append(row)
            continue
        group = None if ends and node.names and not mine else joins(node, opened, mine, starts)
        if group is not None and too_far(node, group, last):
            close(group, True)
            group = None
        if group is not None and ends:
            close(group, node.starts is None)
            group = None
        if group is None:
            group = Group(ends)
            opened.append(group)
        group.members.append(row)
        for name, words in mine.items():
            group.values[name] = group.values.get(name, set()) | words
            group.matches += 1
        group.started = group.started or starts
        if starts or 0 < node.maxevents <= len(group.members):
            close(group, True)
    for group in list(opened):
        close(group, too_far(node, group, last))

    def complete(group: Group) -> bool:
        return (node.starts is None or group.started) and (node.ends is None or group.ended)

    made = [(group.members[-1], merged(node, group)) for group in done if complete(group) or node.keepevicted]
    orphans += [row for group in done if not complete(group) for row in group.members]
    if node.keeporphans:
        made += [(row, {**row, "_txn_orphan": 1}) for row in orphans]
    places = {id(row): place for place, row in enumerate(rows)}
    return [row for _, row in sorted(made, key=lambda pair: places[id(pair[0])])]


def joins(node: Any, opened: list[Group], mine: dict[str, set[str]], boundary: bool) -> Group | None:
    """The newest open group that agrees with an event."""
    for group in reversed(opened):
        shares = any(group.values.get(name, set()) & words for name, words in mine.items())
        if not (
            not node.names or shares or (mine and not node.connected) or (not mine and boundary and not node.unifyends)
        ):
            continue
        if all(name not in group.values or group.values[name] & words for name, words in mine.items()):
            return group
    return None


def too_far(node: Any, group: Group, time: Any) -> bool:
    newest, oldest = (number(group.members[place].get("_time")) for place in (0, -1))
    if time is None or newest is None or oldest is None:
        return False
    return 0 <= node.maxspan < newest - time or 0 <= node.maxpause < oldest - time


def merged(node: Any, group: Group) -> Row:
    members = group.members[::-1]
    made: Row = {}
    for name in dict.fromkeys(name for member in members for name in member):
        every = [word for member in members for word in many(member.get(name))]
        if name == "_time":
            continue
        if name == "_raw":
            made[name] = one_or_many(every) if node.mvraw else (node.delim if node.delim != " " else "\n").join(every)
        elif node.mvlist is True or (node.mvlist is not False and name in node.mvlist):
            made[name] = one_or_many([word for member in members for word in many(member.get(name)) or [node.nullstr]])
        else:
            made[name] = one_or_many(sorted(set(every)))
    times = [time for member in members if (time := number(member.get("_time"))) is not None]
    if times:
        made["_time"] = min(times)
    made["duration"] = round(max(times) - min(times), 6) if times else 0
    made["eventcount"] = len(members)
    made["closed_txn"] = int(group.closed)
    made["field_match_sum"] = group.matches
    return made
