"""What people say of findings: status, disposition, who works on it. It follows a finding that gets another id."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.errors import UsageError, nearest
from podhawk.store.database import open_engine, transaction
from podhawk.store.schema import ALIASES, FINDINGS, TRIAGE

STATUSES: Final = ("new", "in_progress", "pending", "resolved", "closed")
"""Source: the statuses that Enterprise Security comes with."""


class Triage(Struct, frozen=True):
    """The state of the work on a finding; `changed` is in epoch seconds."""

    status: str = "new"
    disposition: str | None = None
    assignee: str | None = None
    changed: float = 0.0


def current_id(connection: Connection, finding_id: str) -> str | None:
    """The id that a finding has by now; None for an id that no finding has or had."""
    known = sql.select(FINDINGS.c.finding_id).where(FINDINGS.c.finding_id == finding_id)
    if connection.execute(known).first() is not None:
        return finding_id
    return connection.execute(sql.select(ALIASES.c.finding_id).where(ALIASES.c.old_id == finding_id)).scalar()


def set_triage(state: str, finding_id: str, triage: Triage) -> str:
    """Say what becomes of a finding, under any id that it ever had; its current id.

    Raises UsageError for a status that there is none of, and for an id that no finding has or had.
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
    """What has been said of all findings, by id."""
    return {
        row.finding_id: Triage(row.status, row.disposition, row.assignee, row.changed)
        for row in connection.execute(sql.select(TRIAGE))
    }


def pass_on(connection: Connection, old: str, heir: str) -> None:
    """Let what was said of a finding hold for the one in its place; of two sayings the later one holds."""
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
