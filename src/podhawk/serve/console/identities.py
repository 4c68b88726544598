"""Identities: everything that is known of one user, address, pod or node.

What the state knows (risk, incidents, findings) is there at once. What the lake tells takes a search, the one of
`podhawk who`: the page asks for it by itself and shows it when it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.detect.activity.profile import FACETS_SHOWN
from podhawk.detect.finding import identity_of
from podhawk.detect.report.finding_json import from_record
from podhawk.errors import StateUnavailableError, UsageError
from podhawk.serve.console.charts import Point, steps
from podhawk.serve.console.filters import chosen
from podhawk.serve.console.page import Action, Done, Page, Visit, nothing_here
from podhawk.serve.console.queue_index import QUEUE, identity_key, refresh_all
from podhawk.serve.console.queue_rows import QueueFinding, finding_of, read_rows
from podhawk.serve.searches.pool import Hunt
from podhawk.spl.text import quote
from podhawk.store.database import reading
from podhawk.store.intact import finding_record, risk_record
from podhawk.store.kept_risk import object_key
from podhawk.store.keys import column_text
from podhawk.store.schema import FINDINGS, RISK

SPANS: Final = {"-24h": "24 hours", "-7d": "7 days", "-30d": "30 days"}
_PRESET: Final = "-7d"
_LONGEST_NAME: Final = 4000
_MOST_RISK: Final = 2000
_SHOWN_RISK: Final = 100
_MOST_VALUES: Final = 12
_KINDS: Final = ("user", "system", "other", "ip_address")
"""Types of risk objects."""
_SECONDS: Final = 300.0
_MOST_ROWS: Final = 10_000
WIDTH, HEIGHT = 600.0, 120.0


class RiskRow(Struct, frozen=True):
    """A risk event: when, how many points counted, of which score, by which finding, and why they differ."""

    time: float
    applied: float
    score: float
    detection: str
    finding_id: str
    notes: tuple[str, ...]
    sum: float
    """The sum up to here."""


class DayOfRisk(Struct, frozen=True):
    """What a day added."""

    day: str
    events: int
    applied: float


class RiskCurve(Struct, frozen=True):
    """Risk over time."""

    path: str
    points: list[Point]
    rows: list[RiskRow]
    days: list[DayOfRisk]
    total: float
    further: int


class FacetShown(Struct, frozen=True):
    """A facet of what an entity did, the most frequent values first."""

    name: str
    values: list[dict[str, Any]]
    further: int


def view(visit: Visit) -> Mapping[str, Any]:
    """The list of identities, or all of one."""
    state = visit.console.kept.path
    refresh_all(state)
    name, key = visit.asked("name"), visit.asked("key")[:64]
    _check_name(name)
    span = visit.asked("earliest", _PRESET)
    if span not in SPANS:
        raise UsageError(f"unknown time {span[:40]!r}", remedy=f"Known times: {', '.join(SPANS)}.")
    values: dict[str, Any] = {
        "name": name,
        "span": span,
        "spans": SPANS,
        "listed": [],
        "hunt_query": urlencode({"q": f"user.username={quote(name)}", "earliest": span}),
        "risk": None,
        "incidents": [],
        "findings": [],
        "identity_key": "",
        "known": 0,
        "lake": None,
        "facets": [],
        "width": WIDTH,
        "height": HEIGHT,
        "busy": visit.asked("busy") == "1",
        "search": visit.asked("search"),
        "asking": bool(name or key) and visit.token.may("search"),
    }
    with reading(state) as connection:
        if connection is None:
            return values
        if key and not name:
            name = _named(connection, visit, key)
            values |= {"name": name, "asking": values["asking"] and len(name) <= _LONGEST_NAME}
        if not name:
            everything = {"show": ["all"], "status": ["any"]}
            filters = chosen(everything, visit.token.clusters, visit.now)
            values["listed"] = read_rows(connection, filters, visit.session.since, "", ()).rows
            return values
        values |= {"title": name[:120], "risk": _risk(connection, visit, name), "identity_key": identity_key(name)}
        values |= _findings(connection, visit, name)
    hunt = _hunt(visit)
    values["lake"] = hunt
    if hunt is not None and hunt.answer is not None:
        values["facets"] = facets_of(hunt.answer.rows)
    return values


def _check_name(name: str) -> None:
    """Raise UsageError for a name that is too long to ask for: the beginning of it is another name."""
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"the name has more than {_LONGEST_NAME:,} characters", remedy="Open it from the queue.")


def _named(connection: Connection, visit: Visit, key: str) -> str:
    """The identity that a key of the queue stands for: the link of one whose name is too long for an address."""
    own = sql.select(FINDINGS.c.finding_id, FINDINGS.c.record).join(
        QUEUE, sql.and_(QUEUE.c.finding_id == FINDINGS.c.finding_id, QUEUE.c.identity_key == key)
    )
    row = connection.execute(own.where(*clusters_seen(visit)).limit(1)).first()
    if row is None:
        raise nothing_here("identity")
    return identity_of(from_record(finding_record(row.finding_id, row.record)))


def clusters_seen(visit: Visit) -> tuple[Any, ...]:
    """The condition that leaves the clusters of a person."""
    clusters = visit.token.clusters
    return () if "*" in clusters else (QUEUE.c.cluster.in_([column_text(one, 255) for one in clusters]),)


def _findings(connection: Connection, visit: Visit, name: str) -> dict[str, Any]:
    own = [QUEUE.c.identity_key == identity_key(name), *clusters_seen(visit)]
    newest = (
        sql.select(QUEUE).where(*own).order_by(QUEUE.c.urgency.desc(), QUEUE.c.last_time.desc(), QUEUE.c.finding_id)
    )
    rows: list[QueueFinding] = [finding_of(row, visit.session.since) for row in connection.execute(newest.limit(50))]
    known = connection.execute(sql.select(sql.func.count()).select_from(QUEUE).where(*own)).scalar()
    incidents = [one for one in rows if one.kind == "incident"]
    return {"incidents": incidents, "findings": [one for one in rows if one.kind != "incident"][:20], "known": known}


def _risk(connection: Connection, visit: Visit, name: str) -> RiskCurve:
    """The risk of an identity in the clusters that the person sees, with its sum."""
    clusters = visit.token.clusters
    if "*" in clusters:
        clusters = tuple(connection.execute(sql.select(QUEUE.c.cluster).distinct()).scalars())
    keys = [object_key(kind, name, cluster) for kind in _KINDS for cluster in clusters]
    query = sql.select(RISK.c.finding_id, RISK.c.record).where(RISK.c.entity.in_(keys))
    query = query.order_by(RISK.c.time.desc(), RISK.c.finding_id).limit(_MOST_RISK + 1)
    found = []
    for id_, text in connection.execute(query):
        row = risk_record(id_, text)
        if row["risk_object"] == name and visit.token.covers(row["cluster"]):
            found.append(row)
    further = max(0, len(found) - _MOST_RISK)
    rows: list[RiskRow] = []
    total = 0.0
    days: dict[str, tuple[int, float]] = {}
    for row in reversed(found[:_MOST_RISK]):
        applied, moment = float(row["calculated_risk_score"]), float(row["_time"])
        total += applied
        notes = row.get("risk_notes", [])
        day = _day(moment)
        events, points = days.get(day, (0, 0.0))
        days[day] = events + 1, points + applied
        rows.append(
            RiskRow(
                moment,
                applied,
                float(row["risk_score"]),
                str(row["search_name"]),
                row["finding_id"],
                tuple(notes if isinstance(notes, list) else [notes]),
                total,
            )
        )
    path, points_ = steps([(one.time, one.sum) for one in rows], WIDTH, HEIGHT)
    shown = rows[::-1][:_SHOWN_RISK]
    by_day = [DayOfRisk(day, events, points) for day, (events, points) in reversed(days.items())]
    return RiskCurve(path, points_[-200:], shown, by_day, total, further)


def _day(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"


def _hunt(visit: Visit) -> Hunt | None:
    search_id = visit.asked("search")
    if not search_id:
        return None

    async def found() -> Hunt | None:
        return visit.console.pool.find(search_id, visit.token.name, visit.token.clusters)

    hunt = visit.console.in_loop(found)
    return hunt if hunt is not None and hunt.kind == "entity" else None


def facets_of(rows: list[dict[str, Any]]) -> list[FacetShown]:
    """The records of `podhawk who` by facet."""
    found = []
    for facet in FACETS_SHOWN:
        own = [row for row in rows if row.get("facet") == facet]
        if own:
            found.append(FacetShown(facet, own[:_MOST_VALUES], max(0, len(own) - _MOST_VALUES)))
    return found


def _look(visit: Visit) -> Done:
    """Begin to look at the lake."""
    name, span = visit.given("name"), visit.given("earliest", _PRESET)
    _check_name(name)
    if not name.strip() or span not in SPANS:
        raise UsageError("the name or the time is missing", remedy="Open an identity, and choose a time.")
    pool, token = visit.console.pool, visit.token
    address: dict[str, str] = {"name": name, "earliest": span}

    async def begun() -> Hunt:
        return pool.begin("entity", name, (span, None), _MOST_ROWS, _SECONDS, token.name, token.clusters)

    try:
        address["search"] = visit.console.in_loop(begun).search_id
    except StateUnavailableError:
        address["busy"] = "1"
    return Done(f"/identities?{urlencode(address)}")


IDENTITIES: Final = Page("/identities", "Identities", "viewer", "identities.html", view, place="Identities", key="i")
LOOK: Final = Action("/identities/look", "look at the lake", "viewer", _look, lambda visit: visit.given("name"))
