"""Datasets, data models and tstats, once more."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from oracle.calendars import UNITS
from oracle.clause import holds
from oracle.env import Env, Rows
from oracle.grouping import stats
from oracle.spans import Span
from oracle.values import many, number

ALIASES = {
    "user": "user.username",
    "user_group": "user.groups{}",
    "src": "sourceIPs{}",
    "object": "objectRef.name",
    "object_category": "objectRef.resource",
    "result_id": "responseStatus.code",
    "namespace": "objectRef.namespace",
}
"""Names of the data model Kubernetes and the fields of events, as docs/content.md has them."""
ACTIONS = {"create": "created", "update": "modified", "patch": "modified", "delete": "deleted"}
ACTIONS |= {"deletecollection": "deleted", "get": "read", "list": "read", "watch": "read"}


def dataset(node: Any, env: Env) -> Rows:
    if node.kind in ("lookup", "inputlookup"):
        return [dict(line) for line in env.tables[node.name]]
    return model(node.name, "", env)


def model(name: str, prefix: str, env: Env) -> Rows:
    """The rows of a data model. Only that of audit events has any: a search without a state has no findings."""
    if not name.startswith("Kubernetes"):
        return []
    made: Rows = []
    for row in env.run((), None, env):
        row = dict(row)
        for alias, field in ALIASES.items():
            if field in row:
                row[prefix + alias] = row[field]
        if prefix:
            row |= {prefix + field: given for field, given in row.items() if not field.startswith(("_", prefix))}
        action = next((ACTIONS[verb] for verb in many(row.get("verb")) if verb in ACTIONS), None)
        code = number(row.get("responseStatus.code"))
        row.pop(prefix + "action", None)
        row.pop(prefix + "status", None)
        row |= {prefix + "action": action} if action else {}
        row |= {prefix + "status": "success" if code < 400 else "failure"} if code is not None else {}
        made.append({**row, prefix + "vendor_product": "Kubernetes"})
    return made


def datamodel(node: Any, rows: Rows, env: Env) -> Rows:
    return model(node.model, "" if node.flat else f"{node.dataset}.", env)


def from_(node: Any, rows: Rows, env: Env) -> Rows:
    return dataset(node.dataset, env)


def tstats(node: Any, rows: Rows, env: Env) -> Rows:
    if node.namespace:
        given = [dict(line) for line in env.files[f"tsidx_{node.namespace}"]]
    elif node.model:
        given = model(node.model, "Audit.", env)
    else:
        given = env.run((), None, env)
    kept: Rows = []
    length = re.fullmatch(r"(\d*)([a-z]*)", node.span)
    span = Span("time", int(length[1] or 1), UNITS[length[2] or "s"]) if node.span and length else None
    for row in given:
        if not holds(node.where, row, env.now):
            continue
        row = dict(row)
        row |= {"time of the event": row["_time"]} if "_time" in row else {}
        if span is not None and number(row.get("_time")) is not None:
            ends = span.ends(number(row["_time"]))
            row |= {"_time": ends[0]} if ends is not None else {}
        if node.fill is not None:
            row = {**dict.fromkeys(node.by, node.fill), **row}
        kept.append(row)
    return stats(Stats(node, span is not None), kept, env)


class Stats:
    """tstats as stats; aggregations of _time read the time of the event, not the start of its span."""

    def __init__(self, node: Any, cut: bool) -> None:
        self.items = [
            replace(item, argument="time of the event") if cut and item.argument == "_time" else item
            for item in node.items
        ]
        self.by, self.dedup_splitvals, self.allnum = node.by, False, False


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {"datamodel": datamodel, "from": from_, "tstats": tstats}
