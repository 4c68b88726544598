"""The events behind a known finding."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from podhawk.detect.finding import Finding
from podhawk.detect.increment.evidence import request_hash
from podhawk.detect.match import Match
from podhawk.detect.requests.collected import collect
from podhawk.detect.requests.request import RequestKey
from podhawk.detect.risk.dataset import event_of
from podhawk.detect.risk_event import RiskEvent
from podhawk.events.collected import EventDecoder
from podhawk.events.options import ReadOptions
from podhawk.store.database import reading
from podhawk.store.intact import intact, risk_record
from podhawk.store.kept_events import SqlEvidence
from podhawk.store.keys import chunks
from podhawk.store.read_findings import read_findings
from podhawk.store.schema import FINDINGS, RISK
from podhawk.store.triage import current_id


def known_matches(state: str, finding_id: str, most: int | None = None) -> list[Match]:
    """A finding of a state, named as in `current_id`, with its requests as far as their events are kept; then, of an
    incident, the findings that it is made of, at most `most` and of these the most urgent. An unknown id gives nothing.
    Raises StoreError."""
    with reading(state) as connection:
        id_ = current_id(connection, finding_id) if connection is not None else None
        if connection is None or id_ is None:
            return []
        (finding,) = _findings(connection, [id_])
        behind = finding.findings if most is None else _most_urgent(connection, finding.findings, most)
        return [_match(connection, one) for one in (finding, *_findings(connection, behind))]


def _most_urgent(connection: Connection, ids: Sequence[str], most: int) -> list[str]:
    """The ids of the findings with the highest priority, in the given order."""
    priorities: dict[str, int] = {}
    query = sql.select(FINDINGS.c.finding_id, FINDINGS.c.priority)
    for chunk in chunks(ids if len(ids) > most else ()):
        priorities |= {
            row.finding_id: row.priority for row in connection.execute(query.where(FINDINGS.c.finding_id.in_(chunk)))
        }
    chosen = set(sorted(ids, key=lambda one: -priorities.get(one, 0))[:most])
    return [one for one in ids if one in chosen]


def known_risk(state: str, findings: Sequence[Finding]) -> list[RiskEvent]:
    """The risk events of findings of a state, in order of time. Raises StoreError."""
    by_id = {one.finding_id: one for one in findings}
    query = sql.select(RISK.c.finding_id, RISK.c.record).order_by(RISK.c.time, RISK.c.finding_id, RISK.c.object)
    found = []
    with reading(state) as connection:
        for chunk in chunks(sorted(by_id)) if connection is not None else ():
            assert connection is not None
            for id_, text in connection.execute(query.where(RISK.c.finding_id.in_(chunk))):
                with intact(f"a risk event of finding {id_}"):
                    found.append(event_of(risk_record(id_, text), by_id[id_]))
    return found


def _findings(connection: Connection, ids: Sequence[str]) -> list[Finding]:
    found = {
        one.finding_id: one
        for chunk in chunks(ids)
        for one in read_findings(connection, FINDINGS.c.finding_id.in_(chunk))
    }
    return [found[id_] for id_ in ids if id_ in found]


def _match(connection: Connection, finding: Finding) -> Match:
    if finding.kind == "incident":
        return Match(finding, ())
    keys = [RequestKey(finding.cluster, one.audit_id, one.received, one.user, one.uri) for one in finding.requests]
    with intact(f"the events of finding {finding.finding_id}"):
        events = SqlEvidence(connection, None).events_of([request_hash(key) for key in keys])
    found = collect(((event, ()) for _, event in events), EventDecoder(ReadOptions()))
    return Match(finding, tuple(found[key].request for key in keys if key in found))
