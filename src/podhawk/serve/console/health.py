"""`/health`: whether events arrive, what became of them, and how the service is.

A part of the page is one entry of `PARTS`: its title, its template, and what it shows. The page shows them in this
order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct

from podhawk.serve.console.page import Page, Visit
from podhawk.serve.console.queue_index import QUEUE
from podhawk.serve.evaluator.positions import evaluated_counts, positions
from podhawk.serve.inbox.reader import oldest_waiting
from podhawk.serve.jobs.kept import MOST_ATTEMPTS, last_runs, pending
from podhawk.serve.ledger import SenderAccount, accounts
from podhawk.serve.letters import dead_letters
from podhawk.store.database import reading

LETTERS: Final = 25
TRIPWIRES: Final = 20
COSTLY: Final = 10
_QUIET: Final = 600.0
"""Seconds after which a sender is marked that has sent nothing."""


class HealthPart(Struct, frozen=True):
    """A part of the page. With `everywhere` it is about all clusters, and only people who see all of them see it."""

    id: str
    title: str
    template: str
    show: Callable[[Visit], Mapping[str, Any]]
    everywhere: bool = True


class ShownSender(Struct, frozen=True):
    """A sender: its account, when it sent last and the time of its newest event (in epoch seconds, 0 if that is not
    known), and whether it is quiet."""

    account: SenderAccount
    received: float
    newest: float
    quiet: bool

    @property
    def rejected(self) -> int:
        return sum(self.account.rejected.values())

    @property
    def behind(self) -> float:
        """Seconds between its newest event and the receipt of it."""
        return max(0.0, self.received - self.newest) if self.newest else 0.0


def _service(visit: Visit) -> Mapping[str, Any]:
    console = visit.console
    lake = console.meter.lake.holds()
    return {
        "state": console.supervisor.state,
        "full": console.writer.full,
        "inbox": console.writer.size,
        "lake": lake,
        "loaded": console.supervisor.content,
        "faults": dict(console.meter.faults),
        "lake_failures": console.meter.lake.failures,
        "starts": console.meter.evaluations.starts,
    }


def _ledger(visit: Visit) -> Mapping[str, Any]:
    console = visit.console
    evaluated = evaluated_counts(console.kept.path)  # before the inbox, which is never behind it
    about = dict(console.meter.senders())
    senders = []
    for one in accounts(console.writer.ledger(), evaluated):
        received, newest = about.get(one.sender, (0.0, 0.0))
        senders.append(ShownSender(one, received, newest, bool(received) and visit.now - received > _QUIET))
    waiting = sum(one.account.waiting for one in senders)
    done = {cluster: position.seq for cluster, position in positions(console.kept.path).items()}
    oldest = oldest_waiting(Path(console.kept.path) / "inbox", done) if waiting else None
    return {
        "senders": senders,
        "waiting": waiting,
        "lag": max(0.0, visit.now - oldest) if oldest is not None else 0.0,
        "balanced": all(one.account.balance == 0 for one in senders),
        "followed": [(one.path, one.behind, dict(one.gaps)) for one in console.meter.followers],
    }


def _letters(visit: Visit) -> Mapping[str, Any]:
    cursor = visit.asked("letters")[:100] or None
    try:
        found = dead_letters(visit.console.kept.path, cursor, LETTERS + 1)
    except ValueError:
        found = dead_letters(visit.console.kept.path, None, LETTERS + 1)
    following = found[LETTERS - 1].place_in_list if len(found) > LETTERS else ""
    return {"letters": found[:LETTERS], "following": following, "cursor": cursor or ""}


def _tripwires(visit: Visit) -> Mapping[str, Any]:
    c = QUEUE.c
    query = (
        sql.select(c.finding_id, c.title, c.detection, c.cluster, c.first_time, c.last_time, c.status, c.priority)
        .where(sql.or_(c.detection_id.like("tripwire-%"), c.detection.like("Tripwire:%")))
        .order_by(c.last_time.desc())
        .limit(TRIPWIRES)
    )
    if "*" not in visit.token.clusters:
        query = query.where(c.cluster.in_(visit.token.clusters))
    with reading(visit.console.kept.path) as connection:
        if connection is None or not sql.inspect(connection).has_table(QUEUE.name):
            return {"tripwires": []}
        return {"tripwires": list(connection.execute(query))}


def _jobs(visit: Visit) -> Mapping[str, Any]:
    state = visit.console.kept.path
    names = _names(visit)
    return {
        "backfills": [(names.get(one.detection_id, one.detection_id), one) for one in pending(state)],
        "scheduled": [
            (names.get(key, key), last, attempts) for key, (last, attempts) in sorted(last_runs(state).items())
        ],
        "failures": visit.console.meter.jobs.failures,
        "most_attempts": MOST_ATTEMPTS,
    }


def _names(visit: Visit) -> Mapping[str, str]:
    from podhawk.serve.console.loaded_content import loaded_site

    return {one.key: one.name for one in loaded_site(visit.console).content.detections}


def _budgets(visit: Visit) -> Mapping[str, Any]:
    spent = visit.console.meter.evaluations.cpu
    return {
        "costly": sorted(spent.items(), key=lambda item: (-item[1], item[0]))[:COSTLY],
        "isolated": visit.console.supervisor.isolated,
        "budget": visit.console.settings["detection_budget"],
    }


def _sinks(visit: Visit) -> Mapping[str, Any]:
    return {"sinks": visit.console.meter.sinks()}


PARTS: tuple[HealthPart, ...] = (
    HealthPart("service", "Service", "health_service.html", _service),
    HealthPart("senders", "Senders and the ledger", "health_senders.html", _ledger),
    HealthPart("tripwires", "Tripwires", "health_tripwires.html", _tripwires, everywhere=False),
    HealthPart("letters", "Dead letters", "health_letters.html", _letters),
    HealthPart("sinks", "Sinks", "health_sinks.html", _sinks),
    HealthPart("budgets", "Budgets", "health_budgets.html", _budgets),
    HealthPart("jobs", "Jobs over the lake", "health_jobs.html", _jobs),
)
"""The parts of the page, in the order in which it shows them."""


def view(visit: Visit) -> Mapping[str, Any]:
    """The parts that the person may see."""
    whole = "*" in visit.token.clusters
    parts = [one for one in PARTS if whole or not one.everywhere]
    return {"parts": [(one, one.show(visit)) for one in parts], "whole": whole}


HEALTH: Final = Page("/health", "Health", "viewer", "health.html", view, place="Health", key="s")
