"""Changing the triage of findings, one or many, from any page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qs

import sqlalchemy as sql

from podhawk.errors import UsageError
from podhawk.serve.changes import LoggedChange, put
from podhawk.serve.console import filters as queue_filters
from podhawk.serve.console.page import Action, Console, Done, Visit, nothing_here
from podhawk.serve.console.queue_index import CLOSED, QUEUE, refresh_all
from podhawk.serve.console.queue_rows import ids_of
from podhawk.serve.console.sign_in import safe_path
from podhawk.store.database import Waiting, open_engine, reading, transaction
from podhawk.store.schema import FINDINGS
from podhawk.store.triage import STATUSES, TriageConflictError, change_triage, current_id
from podhawk.wording import counted

DISPOSITIONS: Final = ("true_positive", "benign_positive", "false_positive", "duplicate", "undetermined")
MOST: Final = 5000
"""Findings that one action changes: more would make the evaluator wait."""
_WAIT: Final = 5.0
_AGAIN: Final = "Reload the page, and try again."


def changes_of(visit: Visit) -> dict[str, Any]:
    """What a form changes. Raises UsageError for what cannot be."""
    changes: dict[str, Any] = {}
    status, disposition = visit.given("status"), visit.given("disposition")
    if status:
        if status not in STATUSES:
            raise UsageError(f"unknown status {status!r}", remedy=f"Known statuses: {', '.join(STATUSES)}.")
        changes["status"] = status
        if status in CLOSED and not disposition:
            raise UsageError("a finding is closed with a disposition", remedy="Say what it was.")
        if status not in CLOSED:
            changes["disposition"] = None
    if disposition:
        if disposition not in DISPOSITIONS:
            raise UsageError(f"unknown disposition {disposition!r}", remedy=f"Known: {', '.join(DISPOSITIONS)}.")
        changes["disposition"] = disposition
    assignee = visit.given("assignee").strip()
    if assignee:
        changes["assignee"] = None if assignee == "-" else assignee[:255]
    note = visit.given("note").strip()
    if note:
        changes["note"] = note[:10_000]
    if not changes:
        raise UsageError("nothing was chosen", remedy="Choose a status, an assignee, or write a note.")
    return changes


def apply(console: Console, ids: Sequence[str], changes: dict[str, Any], seen: float | None = None) -> None:
    """Change the triage of findings, and tell who listens. Raises TriageConflictError."""
    state = console.kept.path
    now = time.time()
    found = change_triage(state, ids, Waiting(_WAIT), seen, **changes, changed=now)
    with transaction(open_engine(state), waiting=Waiting(_WAIT)) as connection:
        query = sql.select(FINDINGS.c.finding_id, FINDINGS.c.cluster)
        clusters = {
            id_: cluster
            for start in range(0, len(found), 500)
            for id_, cluster in connection.execute(query.where(FINDINGS.c.finding_id.in_(found[start : start + 500])))
        }
        status = changes.get("status", "")
        told = [LoggedChange("triage", id_, now, clusters.get(id_, ""), status=status) for id_ in found]
        put(connection, told)
    refresh_all(state)


def visible_ids(visit: Visit, given: Sequence[str]) -> list[str]:
    """The current ids of findings, if the person sees their clusters. Raises HTTPException for any other."""
    found = []
    with reading(visit.console.kept.path) as connection:
        for one in given:
            known = current_id(connection, one) if connection is not None else None
            if connection is None or known is None:
                raise nothing_here("finding")
            query = sql.select(FINDINGS.c.cluster).where(FINDINGS.c.finding_id == known)
            if not visit.token.covers(connection.execute(query).scalar() or ""):
                raise nothing_here("finding")
            found.append(known)
    return found


def _many(visit: Visit) -> Done:
    """Change the triage of what was selected in the queue, as far as the page knew it."""
    changes = changes_of(visit)
    back = visit.given("back", "/queue")
    if safe_path(back) != back or not back.startswith("/queue"):
        # Its filters say what is selected, so nothing may take its place.
        raise UsageError("the page that was selected from is not known", remedy="Open the queue with fewer filters.")
    filters = queue_filters.chosen(parse_qs(back.partition("?")[2]), visit.token.clusters, visit.now)
    upto = visit.given("upto")
    identities, ids = visit.all_given("identity"), visit.all_given("finding")
    if not identities and not ids:
        raise UsageError("nothing is selected", remedy="Select rows, then choose what to do with them.")
    with reading(visit.console.kept.path) as connection:
        if connection is None or not upto.isdecimal() or len(upto) > 18:
            raise UsageError("the page does not say what it knew", remedy=_AGAIN)
        found, later = ids_of(connection, filters, identities[:500], ids[:500], int(upto), MOST)
    if len(found) + later > MOST:
        raise UsageError(f"more than {counted(MOST, 'finding')} are selected", remedy="Select fewer, or set a filter.")
    if found:
        apply(visit.console, found, changes)
    left = f" {counted(later, 'finding')} came or changed meanwhile and stay as they are." if later else ""
    return Done(back, f"{counted(len(found), 'finding')} changed.{left}")


def _one(visit: Visit) -> Done:
    """Change the triage of one finding, unless somebody else changed it after it was read."""
    (found,) = visible_ids(visit, [visit.path["finding_id"]])
    changes = changes_of(visit)
    if changes.get("status") in CLOSED and visit.given("read"):
        _check_rose(visit.console.kept.path, found, _seen(visit.given("read")))
    apply(visit.console, [found], changes, _seen(visit.given("seen") or "0"))
    return Done(f"/findings/{found}", "Changed.")


def _check_rose(state: str, finding_id: str, read: float) -> None:
    """Raise TriageConflictError if a finding has called for attention since its page was read: nobody closes what they
    have not seen."""
    refresh_all(state)
    with reading(state) as connection:
        query = sql.select(QUEUE.c.rose).where(QUEUE.c.finding_id == finding_id)
        rose = connection.execute(query).scalar() if connection is not None else None
    if rose is not None and rose > read:
        raise TriageConflictError("the finding rose after this page was read", remedy="Read it again, and decide anew.")


def _seen(text: str) -> float:
    """A time that a page gives back: when it was read, or what it knew. Raises UsageError."""
    try:
        return float(text)
    except ValueError:
        raise UsageError("the page does not say what it knew", remedy=_AGAIN) from None


def selected(visit: Visit) -> str:
    """What was selected, for the audit trail."""
    return " ".join([*visit.all_given("identity"), *visit.all_given("finding")])


TRIAGE_MANY: Final = Action("/queue/triage", "triage", "analyst", _many, selected)
TRIAGE_ONE: Final = Action(
    "/findings/{finding_id:str}/triage", "triage", "analyst", _one, lambda visit: visit.path["finding_id"]
)
