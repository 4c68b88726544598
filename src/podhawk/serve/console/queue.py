"""The queue: a row for each identity with its findings folded under it, or the single findings.

All that it shows follows from its URL. It is read anew when the person asks for it, and never moves by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.serve.console.charts import Column, columns
from podhawk.serve.console.coverage import coverage_of
from podhawk.serve.console.filters import BY_NAME, FILTERS, Chosen, chosen
from podhawk.serve.console.page import Page, Visit
from podhawk.serve.console.queue_index import DIRTY, QUEUE, refresh_all, waiting
from podhawk.serve.console.queue_rows import (
    FindingsPage,
    QueuePage,
    choices,
    hidden_groups,
    read_findings,
    read_rows,
    timeline,
)
from podhawk.serve.console.render import query
from podhawk.serve.console.triage import DISPOSITIONS
from podhawk.store.database import reading
from podhawk.store.triage import STATUSES

_MORE: Final = frozenset(
    {"detection", "story", "technique", "noise", "cluster", "latest", "title", "severity", "kind", "outcome"}
)
"""Filters that are folded away unless one of them is set."""
_KEPT_SECONDS: Final = 10.0
"""Choices of filters are read anew after so long."""


class Chip(Struct, frozen=True):
    """A filter that is set, and the view without it."""

    label: str
    value: str
    without: str


def view(visit: Visit) -> Mapping[str, Any]:
    """What the queue shows."""
    filters = chosen(visit.query, visit.token.clusters, visit.now)
    rows = visit.asked("rows", "identities")
    cursor, since = visit.asked("after"), visit.session.since
    opened = tuple(visit.query.get("open", ()))[:50]
    state = visit.console.kept.path
    current = refresh_all(state)
    address: dict[str, Any] = {name: list(some) for name, some in filters.values.items()}
    address["rows"] = rows if rows != "identities" else ""
    values: dict[str, Any] = {
        "filters": FILTERS,
        "chosen": filters,
        "address": address,
        "opened": opened,
        "chosen_by_name": BY_NAME.__getitem__,
        "more_open": bool(filters.values.keys() & _MORE),
        "rows": rows,
        "after": cursor,
        "since": since,
        "chips": _chips(filters, address),
        "statuses": STATUSES,
        "dispositions": DISPOSITIONS,
        "may_change": visit.account.may("analyst"),
        "waiting": 0,
        "page_rows": QueuePage([], 0, 0, 0),
        "page_findings": FindingsPage([], 0, 0),
        "hidden": [],
        "chart": [],
        "choices": {},
        "new_count": 0,
        "coverage": None,
    }
    with reading(state) as connection:
        if connection is not None and sql.inspect(connection).has_table(DIRTY.name):
            values |= _read(connection, visit, filters, rows, cursor, opened)
            values["waiting"] = 0 if current else waiting(connection)
    if not values["page_rows"].rows and not values["page_findings"].findings:
        values["coverage"] = coverage_of(visit)
    return values


def _read(
    connection: Connection, visit: Visit, filters: Chosen, rows: str, cursor: str, opened: tuple[str, ...]
) -> dict[str, Any]:
    since = visit.session.since
    found: dict[str, Any] = {}
    if rows == "findings":
        found["page_findings"] = read_findings(connection, filters, since, cursor)
    else:
        found["page_rows"] = read_rows(connection, filters, since, cursor, opened)
    if since:
        news = sql.select(sql.func.count()).select_from(QUEUE).where(*filters.conditions, QUEUE.c.rose > since)
        found["new_count"] = connection.execute(news).scalar() or 0
    if filters.one("show") == "visible":
        found["hidden"] = hidden_groups(connection, filters)
    found["chart"] = _chart(connection, filters)
    found["choices"] = _choices(connection, visit.token.clusters, visit.now)
    return found


def _chart(connection: Connection, filters: Chosen) -> list[Column]:
    kept = {name: list(some) for name, some in filters.values.items()}
    return columns(
        [
            (bar.start, bar.end, bar.counts, query(kept, earliest=f"{bar.start:.0f}", latest=f"{bar.end:.0f}"))
            for bar in timeline(connection, filters)
        ]
    )


_known: dict[tuple[str, ...], tuple[float, dict[str, list[str]]]] = {}


def _choices(connection: Connection, clusters: tuple[str, ...], now: float) -> dict[str, list[str]]:
    """The choices of filters, read again after some seconds: they take as long as the rows."""
    read, found = _known.get(clusters, (0.0, {}))
    if not 0 <= now - read < _KEPT_SECONDS:
        found = choices(connection, clusters)
        if len(_known) > 50:
            _known.clear()
        _known[clusters] = now, found
    return found


def _chips(filters: Chosen, address: Mapping[str, Any]) -> list[Chip]:
    found = []
    for name, values in filters.values.items():
        for one in values:
            rest = [value for value in values if value != one]
            label = BY_NAME[name].label
            found.append(Chip(label, one, query(address, **{name: rest})))
    return found


QUEUE_PAGE: Final = Page("/queue", "Queue", "viewer", "queue.html", view, place="Queue", key="q")
