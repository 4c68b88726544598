"""`/api/v1/findings`: pages of findings, one finding, and triage."""

from __future__ import annotations

import binascii
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, Final, Literal

import sqlalchemy as sql
from litestar import Request, get, patch
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.engine import Connection

from podhawk.errors import UsageError
from podhawk.serve.api.access import allowed
from podhawk.serve.changes import put_triage
from podhawk.serve.failure import answers
from podhawk.serve.shadow import SHADOW_OWNER, is_shadow
from podhawk.serve.tokens import Token, TokenStore
from podhawk.serve.trail import Doer, Trail, detail_of
from podhawk.store.database import Waiting, reading
from podhawk.store.intact import finding_record
from podhawk.store.schema import FINDINGS, TRIAGE
from podhawk.store.triage import Triage, TriageConflictError, change_triage, current_id

MOST: Final = 500
_WAIT: Final = 5.0
"""Seconds that triage waits for the evaluator."""

Disposition = Literal["true_positive", "benign_positive", "false_positive", "duplicate", "undetermined"]
Status = Literal["new", "in_progress", "pending", "resolved", "closed"]


class StateFolder(Struct, frozen=True):
    """The state that the interface reads."""

    path: str


class FindingPage(Struct, frozen=True):
    """Findings, the newest first; `next` is the cursor of the next page, if there is one. Each has the members of
    docs/findings.md and `triage_changed`, which a PATCH may give as `seen`."""

    findings: list[dict[str, Any]]
    next: str | None = None


class TriageChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of the triage. A member that is left out stays. With `seen`, nothing is changed if somebody else
    has changed the triage since."""

    status: Status | UnsetType = UNSET
    disposition: Disposition | UnsetType | None = UNSET
    assignee: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET
    note: Annotated[str, Meta(max_length=10000)] | UnsetType | None = UNSET
    seen: float | UnsetType = UNSET


@get(
    "/api/v1/findings",
    sync_to_thread=True,
    tags=["findings"],
    summary="List findings",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 503),
)
def list_findings(
    request: Request[Any, Any, Any],
    tokens: TokenStore,
    kept: StateFolder,
    limit: Annotated[int, Parameter(ge=1, le=MOST, description="how many findings a page has")] = 100,
    cursor: Annotated[str | None, Parameter(max_length=400, description="`next` of the page before")] = None,
    kind: Annotated[Literal["intermediate", "finding", "incident"] | None, Parameter()] = None,
    visible: Annotated[bool | None, Parameter(description="only visible findings, or only hidden ones")] = None,
    shadow: Annotated[bool | None, Parameter(description="only findings of detections in shadow, or none")] = None,
    detection: Annotated[str | None, Parameter(max_length=255, description="id of a detection")] = None,
    cluster: Annotated[str | None, Parameter(max_length=255)] = None,
    status: Annotated[Status | None, Parameter()] = None,
    min_priority: Annotated[int, Parameter(ge=0, le=100)] = 0,
) -> FindingPage:
    """Findings, the newest first, a page at a time. A page is not moved by findings that come in meanwhile."""
    token = allowed(request, tokens, "read")
    query = _query(token)
    for column, value in (
        (FINDINGS.c.kind, kind),
        (FINDINGS.c.visible, visible),
        (FINDINGS.c.detection_id, detection),
        (FINDINGS.c.cluster, cluster),
    ):
        if value is not None:
            query = query.where(column == value)
    if shadow is not None:
        owner = sql.func.coalesce(sql.func.json_extract(FINDINGS.c.record, "$.suppressed_by.owner"), "")
        query = query.where(owner == SHADOW_OWNER if shadow else owner != SHADOW_OWNER)
    if status is not None:
        query = query.where(sql.func.coalesce(TRIAGE.c.status, "new") == status)
    if min_priority:
        query = query.where(FINDINGS.c.priority >= min_priority)
    if cursor is not None:
        query = query.where(sql.tuple_(FINDINGS.c.first_time, FINDINGS.c.finding_id) < sql.tuple_(*_place(cursor)))
    query = query.order_by(FINDINGS.c.first_time.desc(), FINDINGS.c.finding_id.desc()).limit(limit + 1)
    with reading(kept.path) as connection:
        rows = list(connection.execute(query)) if connection is not None else []
    page = rows[:limit]
    following = _cursor(page[-1].first_time, page[-1].finding_id) if len(rows) > limit else None
    return FindingPage([_record(row) for row in page], following)


@get(
    "/api/v1/findings/{finding_id:str}",
    sync_to_thread=True,
    tags=["findings"],
    summary="Show one finding",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 404, 503),
)
def show_finding(
    finding_id: str, request: Request[Any, Any, Any], tokens: TokenStore, kept: StateFolder
) -> dict[str, Any]:
    """A finding by its id, by an id that it had, or by the beginning of one (eight characters or more)."""
    token = allowed(request, tokens, "read")
    with reading(kept.path) as connection:
        return one_record(connection, finding_id, token)


@patch(
    "/api/v1/findings/{finding_id:str}",
    sync_to_thread=True,
    tags=["findings"],
    summary="Change the triage of a finding",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 404, 409, 503),
)
def change_finding(
    finding_id: str,
    data: TriageChange,
    request: Request[Any, Any, Any],
    tokens: TokenStore,
    kept: StateFolder,
    trail: Trail,
) -> dict[str, Any]:
    """Change the status, disposition, assignee or note of a finding, and show it. 409 if it was changed after
    `seen`."""
    token = allowed(request, tokens, "triage")
    with reading(kept.path) as connection:
        found = one_record(connection, finding_id, token)["finding_id"]
    given = {name: getattr(data, name) for name in ("status", "disposition", "assignee", "note")}
    changes = {name: value for name, value in given.items() if value is not UNSET}
    seen = None if data.seen is UNSET else data.seen
    now = time.time()
    doer = Doer(f"token:{token.name}", "token", request.client.host if request.client else "unknown")
    detail = detail_of({name: [value] for name, value in changes.items()})
    try:
        with trail.doing(doer, "triage", found, detail, now):
            change_triage(kept.path, [found], Waiting(_WAIT), seen, **changes, changed=now)
    except TriageConflictError as error:
        raise HTTPException(detail=f"{error.message}. {error.remedy}", status_code=409) from None
    with reading(kept.path) as connection:
        record = one_record(connection, found, token)
    put_triage(kept.path, found, record["cluster"], record["status"])
    return record


def _query(token: Token) -> Any:
    joined = FINDINGS.outerjoin(TRIAGE, TRIAGE.c.finding_id == FINDINGS.c.finding_id)
    columns = (FINDINGS.c.finding_id, FINDINGS.c.first_time, FINDINGS.c.record, *list(TRIAGE.columns)[1:])
    query = sql.select(*columns).select_from(joined)
    return query if "*" in token.clusters else query.where(FINDINGS.c.cluster.in_(token.clusters))


def one_record(connection: Connection | None, finding_id: str, token: Token) -> dict[str, Any]:
    """A finding of the clusters of a token. Raises HTTPException with status 404 if there is none."""
    try:
        known = current_id(connection, finding_id) if connection is not None else None
    except UsageError:
        raise HTTPException(detail="several findings have ids that begin so", status_code=400) from None
    row = None
    if connection is not None and known is not None:
        row = connection.execute(_query(token).where(FINDINGS.c.finding_id == known)).first()
    if row is None:
        raise HTTPException(detail="there is no such finding", status_code=404)
    return _record(row)


def _record(row: Any) -> dict[str, Any]:
    record = finding_record(row.finding_id, row.record)
    triage = (
        Triage() if row.status is None else Triage(row.status, row.disposition, row.assignee, row.changed, row.note)
    )
    return {
        **record,
        **({"shadow": True} if is_shadow(record) else {}),
        "status": triage.status,
        "disposition": triage.disposition,
        "assignee": triage.assignee,
        "note": triage.note,
        "triage_changed": triage.changed,
    }


def _cursor(time: float, finding_id: str) -> str:
    return urlsafe_b64encode(json.dumps([time, finding_id]).encode()).decode()


def _place(cursor: str) -> tuple[Any, Any]:
    """The place that a cursor stands for. Raises HTTPException with status 400."""
    try:
        time, finding_id = json.loads(urlsafe_b64decode(cursor.encode()))
        return sql.literal(float(time)), sql.literal(str(finding_id))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise HTTPException(detail="the cursor is not one that podhawk gave", status_code=400) from None
