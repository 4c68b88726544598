"""Reading the queue: rows of identities, the findings of some of them, the timeline, and what is hidden.

The rows of a page come from one pass over an index that has all that is needed. Pages go on by key, not by number, so
findings that come in meanwhile move nothing.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.detect.activity.identity_rows import SEVERITIES
from podhawk.errors import UsageError
from podhawk.serve.console.filters import Chosen
from podhawk.serve.console.queue_index import BY_IDENTITY, INCIDENT, QUEUE

PAGE: Final = 50
FOLDED: Final = 20
"""Findings that an open row shows."""
BARS: Final = 60
_WAYS: Final = 4
"""Detections that a row lists."""
_NARROW: Final = frozenset({"detection", "hiding", "identity"})
"""Filters that may leave so few findings that another index is better than reading all in the order of identities."""
_OF_IDENTITY: Final = (f"INDEXED BY {BY_IDENTITY}", "sqlite")
"""What is read of known identities: without the hint, each would take a pass over all findings of the same urgency."""
_C = QUEUE.c


class QueueFinding(Struct, frozen=True):
    """A finding in the queue."""

    finding_id: str
    title: str
    kind: str
    priority: int
    severity: str
    outcome: str
    status: str
    assignee: str
    cluster: str
    identity: str
    identity_key: str
    detection: str
    first_time: float
    last_time: float
    hidden_by: str
    hiding: str
    new: bool


class DetectionCount(Struct, frozen=True):
    """How many findings of an identity a detection made."""

    detection: str
    count: int


class QueueRow(Struct, frozen=True):
    """An identity, its most urgent finding, and how many there are."""

    first: QueueFinding
    count: int
    incidents: int
    new: int
    severity: str
    first_time: float
    last_time: float
    detections: tuple[DetectionCount, ...]
    further: int
    """Detections that are not listed."""
    place: str
    """The cursor of what comes after it."""
    findings: tuple[QueueFinding, ...] = ()
    """Its findings, if the row is open."""


class QueuePage(Struct, frozen=True):
    """A page of the queue. `number` is the note up to which it knows findings."""

    rows: list[QueueRow]
    groups: int
    findings: int
    number: int
    next: str = ""


def read_rows(
    connection: Connection, filters: Chosen, since: float, cursor: str, opened: Sequence[str], most: int = PAGE
) -> QueuePage:
    """The rows of identities, the most urgent first. What came after `since` is new."""
    counted = sql.func.count()
    hint = ("", "sqlite") if filters.values.keys() & _NARROW else _OF_IDENTITY
    parts = (
        sql.select(
            _C.identity_key,
            _C.detection_id,
            counted.label("many"),
            sql.func.max(_C.urgency).label("urgency"),
            sql.func.sum(_C.urgency >= INCIDENT).label("incidents"),
            sql.func.max(_C.severity).label("severity"),
            sql.func.min(_C.first_time).label("first"),
            sql.func.max(_C.last_time).label("last"),
            sql.func.sum(_C.rose > since).label("new"),
        )
        .with_hint(QUEUE, *hint)
        .where(*filters.conditions)
        .group_by(_C.identity_key, _C.detection_id)
        .cte("parts")
        .prefix_with("MATERIALIZED")  # it is read twice
    )
    groups = (
        sql.select(
            parts.c.identity_key,
            sql.func.max(parts.c.urgency).label("urgency"),
            counted.label("ways"),
            sql.func.sum(parts.c.many).label("many"),
            sql.func.sum(parts.c.incidents).label("incidents"),
            sql.func.sum(parts.c.new).label("new"),
            sql.func.max(parts.c.severity).label("severity"),
            sql.func.min(parts.c.first).label("first"),
            sql.func.max(parts.c.last).label("last"),
        )
        .group_by(parts.c.identity_key)
        .subquery("identities")
    )
    totals = counted.over().label("groups"), sql.func.sum(groups.c.many).over().label("findings")
    known = sql.select(groups, *totals).subquery("known")
    order = -known.c.urgency, -known.c.ways, known.c.first, known.c.identity_key
    limited = sql.select(known).order_by(*order).limit(most + 1)
    if cursor:
        limited = limited.where(sql.tuple_(*order) > sql.tuple_(*map(sql.literal, _place(cursor, 4))))
    chosen = limited.cte("page")
    own = parts.c.detection_id, parts.c.many.label("own"), parts.c.urgency.label("own_urgency")
    query = sql.select(chosen, *own).join(parts, parts.c.identity_key == chosen.c.identity_key)
    query = query.order_by(
        *(-chosen.c.urgency, -chosen.c.ways, chosen.c.first, chosen.c.identity_key),
        *(-parts.c.urgency, -parts.c.many, parts.c.detection_id),
    )
    found: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.identity_key, []).append(row)
    page = dict(list(found.items())[:most])
    firsts = _firsts(connection, filters, [(key, some[0].urgency) for key, some in page.items()], since)
    names = {
        id_: _name(connection, id_) for id_ in {row.detection_id for some in page.values() for row in some[:_WAYS]}
    }
    rows = [
        QueueRow(
            firsts[key],
            row.many,
            row.incidents,
            row.new,
            SEVERITIES[row.severity],
            row.first,
            row.last,
            tuple(DetectionCount(names[each.detection_id], each.own) for each in some[:_WAYS]),
            max(0, row.ways - _WAYS),
            _cursor([-row.urgency, -row.ways, row.first, key]),
            tuple(_of_identity(connection, filters, key, since)) if key in opened else (),
        )
        for key, some in page.items()
        for row in some[:1]
        if key in firsts
    ]
    number = connection.execute(sql.select(sql.func.max(_C.number))).scalar() or 0
    one = next((some[0] for some in page.values()), None)
    following = rows[-1].place if len(found) > most and rows else ""
    return QueuePage(rows, one.groups if one else 0, one.findings if one else 0, number, following)


def _firsts(
    connection: Connection, filters: Chosen, wanted: Sequence[tuple[str, int]], since: float
) -> dict[str, QueueFinding]:
    """The most urgent finding of each identity."""
    found: dict[str, QueueFinding] = {}
    for key, urgency in wanted:
        query = sql.select(QUEUE).where(_C.identity_key == key, _C.urgency == urgency, *filters.conditions)
        query = query.with_hint(QUEUE, *_OF_IDENTITY).order_by(_C.first_time, _C.finding_id).limit(1)
        row = connection.execute(query).first()
        if row is not None:
            found[key] = finding_of(row, since)
    return found


def _name(connection: Connection, detection_id: str) -> str:
    query = sql.select(_C.detection).where(_C.detection_id == detection_id).limit(1)
    return connection.execute(query).scalar() or detection_id


def _of_identity(connection: Connection, filters: Chosen, key: str, since: float) -> list[QueueFinding]:
    query = sql.select(QUEUE).where(_C.identity_key == key, *filters.conditions).with_hint(QUEUE, *_OF_IDENTITY)
    query = query.order_by(_C.urgency.desc(), _C.first_time, _C.finding_id).limit(FOLDED)
    return [finding_of(row, since) for row in connection.execute(query)]


class FindingsPage(Struct, frozen=True):
    """A page of single findings."""

    findings: list[QueueFinding]
    total: int
    number: int
    next: str = ""


def read_findings(connection: Connection, filters: Chosen, since: float, cursor: str, most: int = PAGE) -> FindingsPage:
    """Single findings, the most urgent first."""
    query = sql.select(QUEUE).where(*filters.conditions)
    if cursor:
        order = sql.tuple_(-_C.urgency, _C.first_time, _C.finding_id)
        query = query.where(order > sql.tuple_(*map(sql.literal, _place(cursor, 3))))
    rows = list(connection.execute(query.order_by(_C.urgency.desc(), _C.first_time, _C.finding_id).limit(most + 1)))
    page = rows[:most]
    total = connection.execute(sql.select(sql.func.count()).select_from(QUEUE).where(*filters.conditions)).scalar()
    number = connection.execute(sql.select(sql.func.max(_C.number))).scalar() or 0
    more = len(rows) > most
    following = _cursor([-page[-1].urgency, page[-1].first_time, page[-1].finding_id]) if more else ""
    return FindingsPage([finding_of(row, since) for row in page], total or 0, number, following)


def finding_of(row: Any, since: float) -> QueueFinding:
    return QueueFinding(
        row.finding_id,
        row.title,
        row.kind,
        row.priority,
        SEVERITIES[row.severity],
        row.outcome,
        row.status,
        row.assignee,
        row.cluster,
        row.identity,
        row.identity_key,
        row.detection,
        row.first_time,
        row.last_time,
        row.hidden_by,
        row.hiding,
        row.rose > since,
    )


def ids_of(
    connection: Connection, filters: Chosen, identities: Sequence[str], ids: Sequence[str], upto: int, most: int
) -> tuple[list[str], int]:
    """The findings of identities as the filters show them, and further ones by id, as far as a page knew them; and how
    many came or changed since and are left out."""
    wanted = sql.or_(
        sql.and_(_C.identity_key.in_(identities), *filters.conditions) if identities else sql.false(),
        sql.and_(_C.finding_id.in_(ids), *_clusters(filters)) if ids else sql.false(),
    )
    query = sql.select(_C.finding_id, _C.number).where(wanted).order_by(_C.finding_id).limit(most + 1)
    rows = list(connection.execute(query))
    return [row.finding_id for row in rows if row.number <= upto], sum(row.number > upto for row in rows)


def _clusters(filters: Chosen) -> tuple[Any, ...]:
    return () if "*" in filters.clusters else (_C.cluster.in_(filters.clusters),)


class HiddenGroup(Struct, frozen=True):
    """How many findings something hides."""

    hidden_by: str
    hiding: str
    count: int


def hidden_groups(connection: Connection, filters: Chosen) -> list[HiddenGroup]:
    """What hides findings that the other filters would show, the most first."""
    query = (
        sql.select(_C.hidden_by, _C.hiding, sql.func.count().label("many"))
        .where(*filters.without("show", "hidden_by", "hiding").having(show="hidden").conditions)
        .group_by(_C.hidden_by, _C.hiding)
        .order_by(sql.func.count().desc())
    )
    return [HiddenGroup(*row) for row in connection.execute(query)]


class Bar(Struct, frozen=True):
    """A bar of the timeline: from when to when, and how many findings of each severity, the lowest first."""

    start: float
    end: float
    counts: tuple[int, ...]


def timeline(connection: Connection, filters: Chosen) -> list[Bar]:
    """Findings in time, by severity."""
    span = sql.select(sql.func.min(_C.last_time), sql.func.max(_C.last_time)).where(*filters.conditions)
    first, last = connection.execute(span).one()
    if first is None:
        return []
    width = _width(last - first)
    start = first // width * width
    bucket = sql.cast((_C.last_time - start) / width, sql.Integer)
    query = (
        sql.select(bucket.label("at"), _C.severity, sql.func.count().label("many"))
        .where(*filters.conditions)
        .group_by(bucket, _C.severity)
    )
    counts: dict[int, list[int]] = {}
    for row in connection.execute(query):
        counts.setdefault(row.at, [0] * len(SEVERITIES))[row.severity] = row.many
    bars = int((last - start) // width) + 1
    empty = [0] * len(SEVERITIES)
    return [Bar(start + at * width, start + (at + 1) * width, tuple(counts.get(at, empty))) for at in range(bars)]


_WIDTHS: Final = (1, 10, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400)


def _width(seconds: float) -> float:
    """The width of a bar: a round time, at most BARS of them."""
    return float(next((one for one in _WIDTHS if seconds / one < BARS), max(_WIDTHS[-1], seconds / BARS)))


def choices(connection: Connection, clusters: tuple[str, ...]) -> dict[str, list[str]]:
    """The values that filters can have: detections, stories, techniques, noise classes, clusters."""
    own = () if "*" in clusters else (_C.cluster.in_(clusters),)
    found: dict[str, set[str]] = {"detection": set(), "story": set(), "technique": set(), "noise": set()}
    query = sql.select(_C.detection, _C.story, _C.technique, _C.noise).where(*own).distinct()
    for detection, *lists in connection.execute(query):
        found["detection"].add(detection)
        for name, text in zip(("story", "technique", "noise"), lists, strict=True):
            found[name].update(text.strip("|").split("|") if text else ())
    found["cluster"] = set(connection.execute(sql.select(_C.cluster).where(*own).distinct()).scalars())
    return {name: sorted(some) for name, some in found.items()}


def _cursor(place: Sequence[Any]) -> str:
    return urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place(cursor: str, length: int) -> list[Any]:
    """The place that a cursor stands for. Raises UsageError."""
    try:
        found = json.loads(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        if len(found) == length and all(isinstance(one, (int, float, str)) for one in found):
            return list(found)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        pass
    raise UsageError("this page cannot be found", remedy="Begin with the first page of the queue.")
