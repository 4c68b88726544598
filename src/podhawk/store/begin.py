"""The detections of a state, and what a run evaluates again because they, or what the site decides, are others now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sql
from sqlalchemy.engine import Connection

from podhawk.detect.increment.kept import SeriesRow
from podhawk.detect.increment.state import Begun, Evaluated, Retired
from podhawk.store.database import reading
from podhawk.store.kept_findings import Detections
from podhawk.store.keys import chunks, column_text
from podhawk.store.rows import upsert
from podhawk.store.schema import CELLS, DETECTIONS, EVENTS, FINDINGS, SERIES, WANTED, WINDOWS

_POLICIES: Final = ""
"""The key under which the digest of the policies is kept."""


def begin(
    connection: Connection,
    evaluated: Sequence[Evaluated],
    policies: str,
    backfill: bool,
    content: Collection[str] | None,
) -> tuple[Begun, Detections, set[str], Callable[[Connection], None]]:
    """See `DetectionState.begin`. Returns also the detections of the state, the columns of those that changed, and what
    writes this to the state."""
    kept = {row.detection_id: row for row in connection.execute(sql.select(DETECTIONS))}
    before = kept.pop(_POLICIES, None)
    digests = {column_text(one.detection.key, 255): one for one in evaluated}
    changed = {key for key, one in digests.items() if key in kept and kept[key].digest != one.digest}
    judged = {
        key
        for key, one in digests.items()
        if key in kept and (kept[key].exceptions != one.exceptions or kept[key].retired)
    }
    newest = connection.execute(sql.select(sql.func.max(EVENTS.c.time))).scalar() if kept and not backfill else None
    new = {key for key, one in digests.items() if _selects_more(kept.get(key), one)} if newest else set()
    rows = [
        {
            "detection_id": key,
            "digest": one.digest,
            "exceptions": one.exceptions,
            "search": one.search,
            "retired": False,
            "since": 0.0 if backfill else newest if key in new else kept[key].since if key in kept else 0.0,
            "data": msgspec.msgpack.encode(one.detection),
        }
        for key, one in digests.items()
        if key not in kept or key in changed | judged or (backfill and kept[key].since)
    ]
    everything = before is not None and before.digest != policies
    if before is None or everything:
        nothing = {"exceptions": "", "search": "", "retired": False, "since": 0.0, "data": b""}
        rows.append({"detection_id": _POLICIES, "digest": policies, **nothing})
    known = {one.detection.key: one.detection for one in evaluated}
    detections = Detections(known, {key: row.data for key, row in kept.items()})
    again = _to_evaluate(connection, changed | judged, everything)

    def keys(columns: Collection[str]) -> frozenset[str]:
        return frozenset(digests[column].detection.key for column in columns)

    others = {key: kept[key] for key in kept.keys() - digests.keys()}
    leaving, retired = _retired(connection, detections, others, content)

    def write(connection: Connection) -> None:
        upsert(connection, DETECTIONS, rows)
        _forget_sums(connection, changed, everything)
        for chunk in chunks(sorted(changed)):
            connection.execute(WANTED.delete().where(WANTED.c.detection_id.in_(chunk)))
        for chunk in chunks(leaving):
            connection.execute(DETECTIONS.update().where(DETECTIONS.c.detection_id.in_(chunk)).values(retired=True))
        for chunk in chunks(retired.findings):
            own = SERIES.c.finding_id.in_(chunk) & SERIES.c.series.in_(("charge", "owner"))
            connection.execute(SERIES.delete().where(own))

    begun = Begun(frozenset(again), keys(changed | judged), everything, keys(new), retired)
    return begun, detections, changed, write


def policies_of(state: str) -> str | None:
    """The digest of the policies by which a state was last written; None if it was not written yet."""
    with reading(state) as connection:
        if connection is None or not sql.inspect(connection).has_table(DETECTIONS.name):
            return None
        query = sql.select(DETECTIONS.c.digest).where(DETECTIONS.c.detection_id == _POLICIES)
        found: str | None = connection.execute(query).scalar()
        return found


def _selects_more(known: Any, one: Evaluated) -> bool:
    """Whether a detection may select events that it did not select before. What an older podhawk kept does not tell its
    search."""
    return known is None or known.retired or bool(known.search and known.search != one.search)


def _retired(
    connection: Connection, detections: Detections, others: Mapping[str, Any], content: Collection[str] | None
) -> tuple[list[str], Retired]:
    """The detections that have left the content, among those that a run does not evaluate; first the columns of those
    that leave now."""
    named = {column_text(key, 255) for key in content or ()}
    leaving = [] if content is None else [key for key, row in others.items() if not row.retired and key not in named]
    findings: list[str] = []
    charges: list[SeriesRow] = []
    for chunk in chunks(sorted(leaving)):
        query = sql.select(FINDINGS.c.finding_id).where(FINDINGS.c.kind != "incident")
        findings += connection.execute(query.where(FINDINGS.c.detection_id.in_(chunk))).scalars()
    for chunk in chunks(sorted(findings)):
        columns = (SERIES.c.key, SERIES.c.time, SERIES.c.finding_id, SERIES.c.value)
        query = sql.select(*columns).where(SERIES.c.finding_id.in_(chunk), SERIES.c.series == "charge")
        charges += [SeriesRow(*row) for row in connection.execute(query)]
    retired = {key for key, row in others.items() if row.retired} | set(leaving)
    return leaving, Retired(frozenset(detections.get_kept(key).key for key in retired), findings, charges)


def _forget_sums(connection: Connection, changed: Collection[str], everything: bool) -> None:
    """Forget what searches over risk gave before they, or the policies, changed."""
    for chunk in chunks(sorted(changed)):
        connection.execute(WINDOWS.delete().where(WINDOWS.c.detection_id.in_(chunk)))
    if everything:
        for table in (WINDOWS, CELLS):
            connection.execute(table.delete())


def _to_evaluate(connection: Connection, changed: Collection[str], everything: bool) -> set[str]:
    """The requests that findings of detections are about, and those that their aggregate plans want; or all."""
    if everything:
        return set(connection.execute(sql.select(EVENTS.c.request).distinct()).scalars())
    found: set[str] = set()
    for chunk in chunks(sorted(changed)):
        for table in (FINDINGS, WANTED):
            query = sql.select(table.c.request).where(table.c.detection_id.in_(chunk)).distinct()
            found.update(connection.execute(query).scalars())
    return found - {""}
