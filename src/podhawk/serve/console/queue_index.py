"""The table that the queue is read from: a narrow row for each finding, with what it is filtered and sorted by.

Triggers of the database note which findings and triage were written, whoever wrote them: the evaluator, a job, or
`podhawk close` beside the service. `refresh` then writes the rows anew. So the table follows the findings without any
of these knowing it, and a page looks at 100,000 rows of a few hundred bytes instead of as many records.

Here closed findings are opened again: a finding if its priority rises, or what it tried now succeeds; an incident if it
has a new reason, tactic or success, or twice the risk that it had when it was closed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec
import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.detect.activity.identity_rows import SEVERITIES
from podhawk.detect.finding import Finding, identity_of
from podhawk.detect.report.finding_json import from_record
from podhawk.errors import StateUnavailableError
from podhawk.serve.changes import LoggedChange, put
from podhawk.serve.shadow import SHADOW_OWNER
from podhawk.store.database import Waiting, open_engine, reading, transaction
from podhawk.store.intact import finding_record
from podhawk.store.keys import chunks, column_text
from podhawk.store.rows import upsert
from podhawk.store.schema import FINDINGS, RISK, TRIAGE

METADATA: Final = sql.MetaData()
BY_IDENTITY: Final = "podhawk_serve_queue_of_identities"
QUEUE: Final = sql.Table(
    "podhawk_serve_queue",
    METADATA,
    sql.Column("finding_id", sql.String(64), primary_key=True),
    sql.Column("identity_key", sql.String(32), nullable=False),
    sql.Column("detection_id", sql.String(255), nullable=False),
    sql.Column("shown", sql.Integer, nullable=False),
    sql.Column("status", sql.String(16), nullable=False),
    sql.Column("cluster", sql.String(255), nullable=False),
    sql.Column("urgency", sql.Integer, nullable=False),
    sql.Column("severity", sql.Integer, nullable=False),
    sql.Column("first_time", sql.Float, nullable=False),
    sql.Column("last_time", sql.Float, nullable=False),
    sql.Column("rose", sql.Float, nullable=False),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("priority", sql.Integer, nullable=False),
    sql.Column("actor_kind", sql.String(16), nullable=False),
    sql.Column("outcome", sql.String(16), nullable=False),
    sql.Column("hidden_by", sql.String(16), nullable=False),
    sql.Column("hiding", sql.Text, nullable=False),
    sql.Column("noise", sql.Text, nullable=False),
    sql.Column("story", sql.Text, nullable=False),
    sql.Column("technique", sql.Text, nullable=False),
    sql.Column("identity", sql.Text, nullable=False),
    sql.Column("detection", sql.Text, nullable=False),
    sql.Column("title", sql.Text, nullable=False),
    sql.Column("assignee", sql.String(255), nullable=False),
    sql.Column("closed_as", sql.Text, nullable=False),
    sql.Column("number", sql.Integer, nullable=False),
    sql.Index(
        BY_IDENTITY,
        *("identity_key", "detection_id", "shown", "status", "cluster", "urgency", "severity", "first_time"),
        *("last_time", "rose", "actor_kind", "outcome"),
    ),
    sql.Index(
        "podhawk_serve_queue_of_urgency", sql.text("urgency DESC"), "first_time", "finding_id", "shown", "status"
    ),
    sql.Index(
        "podhawk_serve_queue_of_times",
        *("last_time", "severity", "shown", "status", "cluster", "first_time", "urgency", "rose", "actor_kind"),
        "outcome",
    ),
    sql.Index("podhawk_serve_queue_of_detections", "detection_id"),
    sql.Index("podhawk_serve_queue_of_numbers", "number"),
    sql.Index("podhawk_serve_queue_of_hiding", "shown", "hidden_by", "hiding", "status", "cluster"),
)
"""`shown` is 1 for visible findings; `urgency` sorts: incidents first, then by priority; `rose` is when a finding came
or last called for attention; `hidden_by` and `hiding` say what hides it; `closed_as` what was known when it was closed;
`number` is that of the note by which the row was written last."""
DIRTY: Final = sql.Table(
    "podhawk_serve_queue_notes",
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("finding_id", sql.String(64), nullable=False),
    sqlite_autoincrement=True,
)
CLOSED: Final = ("resolved", "closed")
AT_ONCE: Final = 500
INCIDENT: Final = 1000
_SUCCESS: Final = {"success": 2, "unknown": 1, "pending": 1}
_EVENTS: Final = (("insert", "new"), ("update", "new"), ("delete", "old"))


class ClosedAs(Struct, frozen=True):
    """What was known of a finding when it was closed."""

    priority: int
    success: int
    reasons: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()
    risk: float = 0.0


def make_tables(state: str) -> None:
    """Make the tables and triggers in a state. What is known already is noted, once."""
    with transaction(open_engine(state)) as connection:
        known = sql.inspect(connection).has_table(QUEUE.name)
        METADATA.create_all(connection)
        for table in (FINDINGS, TRIAGE):
            for event, row in _EVENTS:
                name = f"podhawk_serve_note_{table.name}_{event}"
                connection.exec_driver_sql(
                    f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {event} ON {table.name} BEGIN "
                    f"INSERT INTO {DIRTY.name} (finding_id) VALUES ({row}.finding_id); END"
                )
        if not known:
            connection.execute(DIRTY.insert().from_select(["finding_id"], sql.select(FINDINGS.c.finding_id)))


def waiting(connection: Connection) -> int:
    """How many notes wait for `refresh`; at most a few thousand are counted."""
    some = sql.select(DIRTY.c.number).limit(5000).subquery()
    return connection.execute(sql.select(sql.func.count()).select_from(some)).scalar() or 0


class _Opened(Struct, frozen=True):
    """A closed finding that is opened again, and why. `changed` is when its triage was changed last."""

    finding_id: str
    cluster: str
    why: str
    changed: float


def refresh(state: str, seconds: float = 5.0) -> bool:
    """Write rows of findings that were noted anew, some at a time. Gives whether there may be more. Waits at most so
    many seconds for whoever writes. Raises StateUnavailableError, StoreError."""
    noted = read_noted(state, time.time())
    if noted is None:
        return False
    write_noted(state, noted, seconds)
    return len(noted.notes) >= AT_ONCE / 2


class Noted(Struct, frozen=True):
    """What some notes ask for, as one snapshot of the state has it: the number of the last note of each finding, the
    rows, and the closed findings that are opened again."""

    notes: Mapping[str, int]
    rows: list[dict[str, Any]]
    opened: list[_Opened]
    now: float


def read_noted(state: str, now: float) -> Noted | None:
    """The rows of findings that were noted, some at a time; None if there is no note. Raises StoreError."""
    with reading(state) as connection:
        if connection is None:
            return None
        noted = connection.execute(
            sql.select(DIRTY.c.number, DIRTY.c.finding_id).order_by(DIRTY.c.number).limit(AT_ONCE)
        )
        notes = {id_: number for number, id_ in noted}
        return Noted(notes, *_rows(connection, notes, now), now) if notes else None


def write_noted(state: str, noted: Noted, seconds: float) -> None:
    """Write rows. A row whose note is gone is left out: somebody else has read it too, maybe after a later change, and
    has written it first. Raises StateUnavailableError, StoreError."""
    last = max(noted.notes.values())
    with transaction(open_engine(state), waiting=Waiting(seconds)) as connection:
        left = set(connection.execute(sql.select(DIRTY.c.number).where(DIRTY.c.number <= last)).scalars())
        rows = [row for row in noted.rows if row["number"] in left]
        known = {row["finding_id"] for row in noted.rows}
        gone = sorted(id_ for id_, number in noted.notes.items() if id_ not in known and number in left)
        connection.execute(QUEUE.delete().where(QUEUE.c.finding_id.in_(gone)))
        if rows:
            upsert(connection, QUEUE, rows)
        connection.execute(DIRTY.delete().where(DIRTY.c.number <= last))
        for one in noted.opened:
            if noted.notes[one.finding_id] in left:
                _open(connection, one, noted.now)


def refresh_all(state: str, seconds: float = 0.5) -> bool:
    """Write what was noted, unless it is much or somebody writes. Gives whether the rows are up to date."""
    try:
        return not (refresh(state, seconds) and refresh(state, seconds))
    except StateUnavailableError:
        return False


def _rows(connection: Connection, notes: Mapping[str, int], now: float) -> tuple[list[dict[str, Any]], list[_Opened]]:
    ids = sorted(notes)
    records = _by_id(
        connection, sql.select(FINDINGS.c.finding_id, FINDINGS.c.record, FINDINGS.c.cluster), FINDINGS, ids
    )
    triage = _by_id(connection, sql.select(TRIAGE), TRIAGE, ids)
    before = _by_id(connection, sql.select(QUEUE), QUEUE, ids)
    found = [from_record(finding_record(id_, kept.record)) for id_, kept in records.items()]
    replaced = {id_ for one in found if one.finding_id not in before for id_ in one.replaces}
    earlier = _by_id(connection, sql.select(QUEUE), QUEUE, sorted(replaced))
    rows: list[dict[str, Any]] = []
    opened: list[_Opened] = []
    for one, (id_, kept) in zip(found, records.items(), strict=True):
        old, own = before.get(id_), triage.get(id_)
        if old is None:  # another id of a known finding: what was known when it was closed goes on to it
            old = next((earlier[each] for each in one.replaces if each in earlier), None)
        status = own.status if own is not None else "new"
        row = row_of(one, kept.record, kept.cluster, status, (own.assignee if own is not None else "") or "")
        rose = old is None or row["urgency"] > old.urgency or row["severity"] > old.severity or row["shown"] > old.shown
        row |= {"rose": now if rose or old is None else old.rose, "closed_as": "", "number": notes[id_]}
        if status in CLOSED:
            facts = _facts(connection, one)
            if old is None or old.status not in CLOSED or not old.closed_as:
                row["closed_as"] = msgspec.json.encode(facts).decode()
            else:
                row["closed_as"] = old.closed_as
                why = reopens(msgspec.json.decode(old.closed_as, type=ClosedAs), facts, one.kind == "incident")
                if why and own is not None:
                    opened.append(_Opened(id_, one.cluster, why, own.changed))
        rows.append(row)
    return rows, opened


def _by_id(connection: Connection, query: Any, table: sql.Table, ids: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for chunk in chunks(ids):
        for row in connection.execute(query.where(table.c.finding_id.in_(chunk))):
            found[row.finding_id] = row
    return found


def row_of(one: Finding, record: str, cluster: str, status: str, assignee: str) -> dict[str, Any]:
    """The row of a finding, aside from what depends on its history."""
    hidden_by, hiding = hidden_because(one)
    identity = identity_of(one)
    data = json.loads(record)
    return {
        "finding_id": one.finding_id,
        "identity_key": identity_key(identity),
        "detection_id": column_text(one.detection.key, 255),
        "shown": int(one.visible),
        "status": status,
        "cluster": cluster,
        "urgency": one.priority + INCIDENT * (one.kind == "incident"),
        "severity": SEVERITIES.index(one.severity),
        "first_time": one.first_time,
        "last_time": one.last_time,
        "kind": one.kind,
        "priority": one.priority,
        "actor_kind": one.actor.kind,
        "outcome": one.outcome,
        "hidden_by": hidden_by,
        "hiding": _safe(hiding),
        "noise": _listed(hit.noise_class for hit in one.noise),
        "story": _listed(data["annotations"]["analytic_story"]),
        "technique": _listed(each["id"] for each in data["attack"]),
        "identity": _safe(identity),
        "detection": _safe(one.detection.name),
        "title": _safe(one.title)[:1000],
        "assignee": _safe(assignee),
    }


def identity_key(identity: str) -> str:
    """What stands for an identity: 128 bits of a hash. With fewer, somebody could look for two names that have the same
    key, and the queue would show, and close, the findings of one as those of the other."""
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def hidden_because(one: Finding) -> tuple[str, str]:
    """What hides a finding, in the order in which `podhawk explain` says it: a kind and a name; twice "" if nothing."""
    if one.visible:
        return "", ""
    if one.suppressed_by is not None:
        owner = one.suppressed_by.owner
        return ("shadow", one.detection.name) if owner == SHADOW_OWNER else ("exception", one.suppressed_by.name)
    classes = [hit.noise_class for hit in one.noise if hit.action == "hide"]
    if classes:
        return "noise", classes[0]
    return ("throttled", "") if one.throttled else ("bar", "")


def _listed(values: Any) -> str:
    """Values as one text in which each can be looked for."""
    found = [_safe(str(one)).replace("|", "¦") for one in values]
    return f"|{'|'.join(found)}|" if found else ""


def _safe(text: str) -> str:
    """Text that the database takes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _facts(connection: Connection, one: Finding) -> ClosedAs:
    """What decides whether a closed finding is opened again."""
    if one.kind != "incident":
        return ClosedAs(one.priority, _SUCCESS.get(one.outcome, 0))
    tactics: set[str] = set()
    success = 0
    risk = 0.0
    for chunk in chunks(sorted(one.findings)):
        for (text,) in connection.execute(sql.select(FINDINGS.c.record).where(FINDINGS.c.finding_id.in_(chunk))):
            record = json.loads(text)
            tactics |= {tactic["id"] for technique in record["attack"] for tactic in technique["tactics"]}
            success += record["outcome"] == "success"
        total = sql.select(sql.func.sum(RISK.c.applied)).where(RISK.c.finding_id.in_(chunk))
        risk += connection.execute(total).scalar() or 0.0
    reasons = tuple(sorted({reason.detection_id for reason in one.reasons}))
    return ClosedAs(one.priority, success, reasons, tuple(sorted(tactics)), risk)


def reopens(then: ClosedAs, now: ClosedAs, incident: bool) -> str:
    """Why a closed finding is opened again; "" if it stays closed."""
    if not incident:
        if now.priority > then.priority:
            return f"its priority rose from {then.priority} to {now.priority}"
        return "what it tried has succeeded" if now.success > then.success else ""
    if set(now.reasons) - set(then.reasons):
        return "it has a new reason"
    if set(now.tactics) - set(then.tactics):
        return f"it has a new tactic: {', '.join(sorted(set(now.tactics) - set(then.tactics)))}"
    if now.success > then.success:
        return "a request of it has succeeded"
    return f"its risk rose from {then.risk:g} to {now.risk:g}" if then.risk and now.risk >= 2 * then.risk else ""


def _open(connection: Connection, one: _Opened, now: float) -> None:
    """Open a closed finding again, unless its triage was changed meanwhile. Its note says why."""
    row = connection.execute(sql.select(TRIAGE).where(TRIAGE.c.finding_id == one.finding_id)).first()
    if row is None or row.changed != one.changed or row.status not in CLOSED:
        return
    note = f"{row.note}\n" if row.note else ""
    values = {"status": "new", "disposition": None, "changed": now, "note": f"{note}Opened again: {one.why}."[-10_000:]}
    connection.execute(TRIAGE.update().where(TRIAGE.c.finding_id == one.finding_id).values(**values))
    put(connection, [LoggedChange("triage", one.finding_id, now, one.cluster, status="new", rose=True)])
