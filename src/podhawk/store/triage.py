"""Triage: the status, disposition and assignee of findings. It follows a finding whose id changes."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.errors import UsageError, nearest
from podhawk.store.database import open_engine, transaction
from podhawk.store.schema import ALIASES, FINDINGS, TRIAGE

STATUSES: Final = ("new", "in_progress", "pending", "resolved", "closed")
"""Source: the default statuses of Splunk Enterprise Security."""


class Triage(Struct, frozen=True):
    """The state of the work on a finding; `changed` is in epoch seconds."""

    status: str = "new"
    disposition: str | None = None
    assignee: str | None = None
    changed: float = 0.0


def current_id(connection: Connection, finding_id: str) -> str | None:
    """The current id of a finding; None for an id that no finding has or had."""
    known = sql.select(FINDINGS.c.finding_id).where(FINDINGS.c.finding_id == finding_id)
    if connection.execute(known).first() is not None:
        return finding_id
    return connection.execute(sql.select(ALIASES.c.finding_id).where(ALIASES.c.old_id == finding_id)).scalar()


def set_triage(state: str, finding_id: str, triage: Triage) -> str:
    """Set the triage of a finding, named by any id that it has had. Returns its current id.

    Raises UsageError for an unknown status, and for an id that no finding has or had.
    """
    if triage.status not in STATUSES:
        raise UsageError(
            f"unknown status {triage.status!r}",
            remedy=nearest(triage.status, STATUSES) or f"Known statuses: {', '.join(STATUSES)}.",
        )
    with transaction(open_engine(state)) as connection:
        id_ = current_id(connection, finding_id)
        if id_ is None:
            raise UsageError(
                f"no finding has the id {finding_id}",
                remedy="To list the ids: podhawk search '| from datamodel:Findings.All_Findings | table finding_id "
                "title'.",
            )
        connection.execute(TRIAGE.delete().where(TRIAGE.c.finding_id == id_))
        connection.execute(
            TRIAGE.insert().values(
                finding_id=id_,
                status=triage.status,
                disposition=triage.disposition,
                assignee=triage.assignee,
                changed=triage.changed,
            )
        )
    return id_


def triage_of(connection: Connection) -> dict[str, Triage]:
    """The triage of all findings, by id."""
    return {
        row.finding_id: Triage(row.status, row.disposition, row.assignee, row.changed)
        for row in connection.execute(sql.select(TRIAGE))
    }


def pass_on(connection: Connection, old: str, heir: str) -> None:
    """Move the triage of a finding to the one that replaces it. If both have one, the later one is kept."""
    both = {
        row.finding_id: row.changed
        for row in connection.execute(
            sql.select(TRIAGE.c.finding_id, TRIAGE.c.changed).where(TRIAGE.c.finding_id.in_((old, heir)))
        )
    }
    if old not in both:
        return
    if heir in both:
        loser = heir if both[old] > both[heir] else old
        connection.execute(TRIAGE.delete().where(TRIAGE.c.finding_id == loser))
    connection.execute(TRIAGE.update().where(TRIAGE.c.finding_id == old).values(finding_id=heir))
