"""Triage: the status, disposition, assignee and note of findings. It follows a finding whose id changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy.engine import Connection

from podhawk.errors import StoreError, UsageError, nearest
from podhawk.store.database import Waiting, open_engine, transaction
from podhawk.store.schema import ALIASES, FINDINGS, TRIAGE

STATUSES: Final = ("new", "in_progress", "pending", "resolved", "closed")
"""Source: the default statuses of Splunk Enterprise Security."""
_READ_AGAIN: Final = "Read the finding again, and decide anew."
_SHORTEST: Final = 8
"""Characters of an id that are enough to name a finding, if no other id begins so."""


class TriageConflictError(StoreError):
    """Triage that somebody else has changed since it was read."""


class Triage(Struct, frozen=True):
    """The state of the work on a finding; `changed` is in epoch seconds."""

    status: str = "new"
    disposition: str | None = None
    assignee: str | None = None
    changed: float = 0.0
    note: str | None = None


def current_id(connection: Connection, finding_id: str) -> str | None:
    """The current id of a finding, named by any id that it has had, or by the beginning of one. None if no finding has
    or had such an id. Raises UsageError if several have."""
    for exact in (True, False):
        if not exact and (len(finding_id) < _SHORTEST or not finding_id.isalnum()):
            return None
        current = _ids(FINDINGS.c.finding_id, FINDINGS.c.finding_id, finding_id, exact, connection)
        earlier = _ids(ALIASES.c.finding_id, ALIASES.c.old_id, finding_id, exact, connection)
        found = current or earlier
        if len(found) > 1:
            raise UsageError(
                f"{finding_id!r} is the beginning of {len(found)} ids", remedy=f"For example: {', '.join(found[:3])}."
            )
        if found:
            return found[0]
    return None


def _ids(wanted: Any, named: Any, finding_id: str, exact: bool, connection: Connection) -> list[str]:
    where = named == finding_id if exact else named.startswith(finding_id, autoescape=True)
    return list(connection.execute(sql.select(wanted).where(where).distinct().order_by(wanted).limit(4)).scalars())


def set_triage(state: str, finding_id: str, triage: Triage) -> str:
    """Set the triage of a finding, named as in `current_id`. Returns its current id.

    Raises UsageError for an unknown status, and for an id that no finding has or had.
    """
    return change_triage(state, [finding_id], **asdict(triage))[0]


def change_triage(
    state: str, finding_ids: Sequence[str], waiting: Waiting | None = None, seen: float | None = None, **changes: Any
) -> tuple[str, ...]:
    """Change some members of the triage of findings: all of them, or none if one of the ids is wrong. Returns their
    current ids. `seen` is when the triage was changed last, as far as the caller knows.

    Raises UsageError for an unknown status, and for an id that no finding has or had; TriageConflictError if the triage
    was changed after `seen`.
    """
    status = changes.get("status", "new")
    if status not in STATUSES:
        raise UsageError(
            f"unknown status {status!r}",
            remedy=nearest(status, STATUSES) or f"Known statuses: {', '.join(STATUSES)}.",
        )
    with transaction(open_engine(state), waiting=waiting) as connection:
        found = tuple(_known(connection, finding_id) for finding_id in finding_ids)
        for id_ in dict.fromkeys(found):
            row = connection.execute(sql.select(TRIAGE).where(TRIAGE.c.finding_id == id_)).first()
            before = Triage() if row is None else _triage(row)
            if seen is not None and before.changed != seen:
                raise TriageConflictError(f"the triage of finding {id_} was changed meanwhile", remedy=_READ_AGAIN)
            triage = replace(before, **changes)
            connection.execute(TRIAGE.delete().where(TRIAGE.c.finding_id == id_))
            connection.execute(TRIAGE.insert().values(finding_id=id_, **asdict(triage)))
    return found


def _known(connection: Connection, finding_id: str) -> str:
    id_ = current_id(connection, finding_id)
    if id_ is None:
        raise UsageError(
            f"no finding has the id {finding_id}",
            remedy="To list the ids: podhawk search '| from datamodel:Findings.All_Findings | table finding_id title'.",
        )
    return id_


def _triage(row: Any) -> Triage:
    return Triage(row.status, row.disposition, row.assignee, row.changed, row.note)


def triage_of(connection: Connection) -> dict[str, Triage]:
    """The triage of all findings, by id."""
    return {row.finding_id: _triage(row) for row in connection.execute(sql.select(TRIAGE))}


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
