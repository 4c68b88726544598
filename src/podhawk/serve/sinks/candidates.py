"""What is to be said to a sink: of each finding that has changed, what became of it, and one finding for each group.

A group are findings of the same detection, actor, target and outcome with nothing new in them: another address, object,
command or a higher priority begins a group of its own, or is told again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from podhawk.detect.report.finding_json import epoch_seconds
from podhawk.serve.changes import LoggedChange
from podhawk.serve.imports import imported_clusters
from podhawk.serve.sinks.configuration import SinkSettings
from podhawk.serve.sinks.kept import (
    HELD,
    TOLD,
    TellingRow,
    ToldFinding,
    next_of_group,
    note_told,
    told_findings,
    told_groups,
)
from podhawk.serve.sinks.message import ENDED, SinkChange, SinkItem
from podhawk.store.intact import finding_record
from podhawk.store.keys import chunks, column_text
from podhawk.store.schema import FINDINGS, TRIAGE

_LISTED: Final = 5
"""Rows and requests of a finding in a message."""
_RESOLVED: Final = ("resolved", "closed")


class SinkCandidate(Struct, frozen=True):
    """Something to say, the group it is of, and whether it is old, or was imported."""

    item: SinkItem
    group: str
    late: bool = False
    imported: bool = False


def candidates(
    connection: Connection, sink: SinkSettings, changes: Sequence[LoggedChange], now: float
) -> list[SinkCandidate]:
    """What to say of the findings that have changed."""
    by_id: defaultdict[str, list[LoggedChange]] = defaultdict(list)
    for one in changes:
        by_id[one.finding_id].append(one)
    records = _records(connection, list(by_id))
    replaced = [old for record in records.values() for old in record["replaces"]]
    told = told_findings(connection, sink.name, [*by_id, *replaced])
    imported = imported_clusters(connection)
    found: list[SinkCandidate] = []
    ended: list[str] = list(replaced)
    for id_, some in by_id.items():
        record = records.get(id_)
        if record is None:
            if some[-1].change != "gone":
                continue  # it has another id by now, and comes under that
            ended.append(id_)
            item = _ended("gone", told.get(id_))
        else:
            item = _item(sink, record, some, told)
        if item is None:
            continue
        late = item.change not in ENDED and now - epoch_seconds(item.record["last_time"]) > sink.late
        quiet = all(one.backfill for one in some) or column_text(item.record["cluster"], 255) in imported
        group = told[id_].group_key if item.change in ENDED else group_of(item.record)
        found.append(SinkCandidate(item, group, late, late and quiet))
    for chunk in chunks(ended):
        connection.execute(HELD.delete().where(HELD.c.sink == sink.name, HELD.c.finding_id.in_(chunk)))
        repeats = sql.and_(TOLD.c.sink == sink.name, TOLD.c.status == "repeat", TOLD.c.finding_id.in_(chunk))
        connection.execute(TOLD.delete().where(repeats))
    if sink.is_feed:
        return found
    found += _next_of_groups(connection, sink, found)
    return _grouped(connection, sink, found, now)


def _records(connection: Connection, finding_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Findings with their status."""
    joined = FINDINGS.outerjoin(TRIAGE, TRIAGE.c.finding_id == FINDINGS.c.finding_id)
    query = sql.select(FINDINGS.c.finding_id, FINDINGS.c.record, TRIAGE.c.status).select_from(joined)
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(sorted(finding_ids)):
        for id_, text, status in connection.execute(query.where(FINDINGS.c.finding_id.in_(chunk))):
            found[id_] = {**finding_record(id_, text), "status": status or "new"}
    return found


def _ended(change: SinkChange, told: ToldFinding | None) -> SinkItem | None:
    """The end of a finding that a sink was told of."""
    if told is None or told.status != "open":
        return None
    return SinkItem(change, told.finding_id, told.revision, told.note, before={told.finding_id: told.priority})


def _item(
    sink: SinkSettings, record: dict[str, Any], changes: Sequence[LoggedChange], told: Mapping[str, ToldFinding]
) -> SinkItem | None:
    """What to say of a finding that is known; None for nothing."""
    id_, revision = record["finding_id"], int(record["revision"])
    known = told.get(id_)
    open_before = tuple(old for old in record["replaces"] if old in told and told[old].status == "open")
    if record["status"] in _RESOLVED:
        return _ended("closed", known)
    if not sink.filter.takes(record):
        hidden = sink.filter.visible is True and not record["visible"]
        return _ended("gone", known) if hidden else None
    short = _short(record)
    if open_before:
        before = {old: told[old].priority for old in open_before}
        return SinkItem("rekeyed", id_, revision, short, open_before, before=before)
    if known is not None and known.status != "ended":
        if known.revision >= revision:
            return None
        rose = any(one.rose is True for one in changes if one.change != "triage")
        if known.status == "open":
            before = {id_: known.priority}
            return SinkItem("revised", id_, revision, short, before=before) if sink.is_feed or rose else None
        if not rose:
            return None
    elif all(one.change == "triage" for one in changes) and known is None:
        return None  # a person knows it already
    return SinkItem("new", id_, revision, short)


def _short(record: Mapping[str, Any]) -> dict[str, Any]:
    """A finding with few rows and requests."""
    return {**record, "rows": record["rows"][:_LISTED], "requests": record["requests"][:_LISTED]}


def group_of(record: Mapping[str, Any]) -> str:
    """What findings of a group share: nothing in one of them is new beside the others."""
    actor, target = record["actor"], record["target"]
    commands = sorted({one["uri"].partition("?")[2] for one in record["requests"]}) if target["subresource"] else []
    several = not actor.get("user")  # of a finding about several people, the risk objects tell which it is
    parts = [
        record["detection"]["id"] or record["detection"]["name"],
        record["kind"],
        record["cluster"],
        *(str(actor.get(name, "")) for name in ("user", "person", "effective_user", "source_ip")),
        *(str(target.get(name, "")) for name in ("resource", "subresource", "namespace", "name")),
        record["outcome"],
        *commands,
        "",  # what stands before may be of any number
        *(f"{one['type']}={one['value']}" for one in record["risk_objects"] if record["kind"] == "incident" or several),
    ]
    # A part may hold any character: only its length tells where it ends.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _next_of_groups(connection: Connection, sink: SinkSettings, found: Sequence[SinkCandidate]) -> list[SinkCandidate]:
    """Where the one of a group that was told has ended, another one that stands for it now."""
    more = []
    for one in found:
        if one.item.change not in ENDED:
            continue
        next_id = next_of_group(connection, sink.name, one.group, one.item.finding_id)
        record = _records(connection, [next_id]).get(next_id) if next_id is not None else None
        if record is not None and sink.filter.takes(record) and record["status"] not in _RESOLVED:
            item = SinkItem("new", record["finding_id"], int(record["revision"]), _short(record))
            more.append(SinkCandidate(item, one.group))
    return more


def _grouped(
    connection: Connection, sink: SinkSettings, found: Sequence[SinkCandidate], now: float
) -> list[SinkCandidate]:
    """One candidate for each group, and none for a group of which the sink was told already."""
    ended = {one.item.finding_id for one in found if one.item.change in ENDED}
    known = told_groups(connection, sink.name, [one.group for one in found], now - sink.repeat_after)
    chosen: list[SinkCandidate] = []
    by_group: defaultdict[str, list[SinkCandidate]] = defaultdict(list)
    for one in found:
        if one.item.change == "new":
            by_group[one.group].append(one)
        else:
            chosen.append(one)
    again = {one.group for one in found if one.item.finding_id in ended}
    repeats: list[SinkCandidate] = []
    for group, some in by_group.items():
        some.sort(key=lambda one: (-one.item.priority, one.item.finding_id))
        first, rest = some[0], some[1:]
        if group in known and group not in again and first.item.priority <= known[group][0]:
            repeats += some
            continue
        repeats += rest
        chosen.append(replace(first, item=replace(first.item, repeats=len(rest))))
    note_told(connection, sink.name, [TellingRow(one.item, one.group) for one in repeats], now, "repeat")
    return chosen
