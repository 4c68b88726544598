"""One finding: what happened, who is behind it, why it fired, what its priority and risk are made of, what to do next.

Each part is made by the code of `podhawk explain --finding`; here it is only laid out.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.detect.finding import Finding
from podhawk.detect.match import Match
from podhawk.detect.report import queries
from podhawk.detect.report.drilldowns import drilldowns
from podhawk.detect.report.evidence import FindingEvidence, evidence_of
from podhawk.detect.report.next_steps import NextStep, next_steps
from podhawk.detect.report.prose import visibility
from podhawk.detect.report.sentences import object_text, what_happened
from podhawk.detect.risk_event import RiskEvent
from podhawk.errors import PodhawkError
from podhawk.serve.api.findings import one_record
from podhawk.serve.console.loaded_content import LoadedSite, loaded_site
from podhawk.serve.console.marked_json import JsonLine, marked_lines
from podhawk.serve.console.page import Page, Visit, nothing_here
from podhawk.serve.console.queue_index import QUEUE, refresh_all
from podhawk.serve.console.queue_rows import QueueFinding, finding_of
from podhawk.serve.console.triage import DISPOSITIONS
from podhawk.spl.text import quote
from podhawk.store.behind import known_matches, known_risk
from podhawk.store.database import reading
from podhawk.store.triage import STATUSES

_NEIGHBOURS: Final = 5
_MOST_EVENTS: Final = 10
_MOST_PARTS: Final = 50
_HOUR: Final = 3600.0


class ShownEvent(Struct, frozen=True):
    """An event behind the finding."""

    stage: str
    time: str
    lines: list[JsonLine]


class HuntLink(Struct, frozen=True):
    """A search that leads on, and where it runs."""

    name: str
    search: str
    link: str


def view(visit: Visit) -> Mapping[str, Any]:
    """What the page of a finding shows."""
    state = visit.console.kept.path
    refresh_all(state)
    read = time.time()
    with reading(state) as connection:
        if connection is None:
            raise nothing_here("finding")
        record = one_record(connection, visit.path["finding_id"], visit.token)
        neighbours = _neighbours(connection, visit, record["finding_id"])
    matches = known_matches(state, record["finding_id"], _MOST_PARTS)
    if not matches:
        raise nothing_here("finding")
    site, problem = _site(visit)
    named = matches[0]
    evidence: FindingEvidence | None = None
    if site is not None:
        try:
            named = queries.with_search(named, site.content, site.session)
            evidence = evidence_of(named, site.session.context(site.content))
        except PodhawkError as error:
            problem = error.message
    finding = named.finding
    risk = [one for one in known_risk(state, [finding]) if one.finding_id == finding.finding_id]
    bar = site.policies.priority.bar if site is not None else 50
    return {
        "title": finding.title[:120],
        "finding": finding,
        "record": record,
        "read": read,
        "told": what_happened(finding),
        "object": object_text(finding),
        "visibility": visibility(finding, bar),
        "total": sum(one.points for one in finding.priority_reasons),
        "risk": risk,
        "risk_line": risk_line,
        "risk_total": sum(one.applied for one in risk),
        "evidence": evidence,
        "problem": problem,
        "events": _events(named, evidence),
        "parts": _parts(visit, finding, matches),
        "before": neighbours[0],
        "after": neighbours[1],
        "hunts": hunts_of(finding),
        "kubectl": kubectl_of(finding),
        "statuses": STATUSES,
        "dispositions": DISPOSITIONS,
        "may_change": visit.account.may("analyst"),
        "history": visit.console.trail.rows(20, None, finding.finding_id),
    }


def _site(visit: Visit) -> tuple[LoadedSite | None, str]:
    try:
        return loaded_site(visit.console), ""
    except PodhawkError as error:
        return None, error.message


def _events(match: Match, evidence: FindingEvidence | None) -> list[ShownEvent]:
    fields = {name for one in evidence.conditions for name, _ in one.values} if evidence is not None else set()
    found: list[ShownEvent] = []
    for request in match.requests:
        for event in request.events:
            if len(found) < _MOST_EVENTS:
                data = event.view.data
                lines = marked_lines(event.view.raw, fields)
                found.append(ShownEvent(str(data.get("stage", "")), str(data.get("stageTimestamp", "")), lines))
    return found


def _parts(visit: Visit, finding: Finding, matches: Sequence[Match]) -> list[Finding]:
    """The findings that an incident is made of, as far as the person sees their clusters."""
    return [
        match.finding
        for match in matches[1:][:_MOST_PARTS]
        if finding.findings and visit.token.covers(match.finding.cluster)
    ]


def _neighbours(connection: Connection, visit: Visit, finding_id: str) -> tuple[list[QueueFinding], list[QueueFinding]]:
    """The findings of the same identity that came just before and after."""
    own = connection.execute(sql.select(QUEUE).where(QUEUE.c.finding_id == finding_id)).first()
    if own is None:
        return [], []
    place = sql.tuple_(sql.literal(own.first_time), sql.literal(own.finding_id))
    at = sql.tuple_(QUEUE.c.first_time, QUEUE.c.finding_id)
    query = sql.select(QUEUE).where(QUEUE.c.identity_key == own.identity_key, QUEUE.c.cluster == own.cluster)
    sooner = query.where(at < place).order_by(QUEUE.c.first_time.desc(), QUEUE.c.finding_id.desc())
    later = query.where(at > place).order_by(QUEUE.c.first_time, QUEUE.c.finding_id)
    since = visit.session.since
    before = [finding_of(row, since) for row in connection.execute(sooner.limit(_NEIGHBOURS))]
    return before[::-1], [finding_of(row, since) for row in connection.execute(later.limit(_NEIGHBOURS))]


def hunts_of(finding: Finding) -> list[HuntLink]:
    """The drilldowns of the content, and what else the actor did: searches with the values of the finding, quoted."""
    found = [
        _hunt(one.name or "drilldown", " ".join(one.search.split()), one.earliest, one.latest)
        for one in drilldowns(finding)
    ]
    user = finding.actor.user
    around = finding.first_time - _HOUR, finding.last_time + _HOUR
    if user:
        by_user = f"user.username={quote(user)}"
        counts = f"{by_user} | stats count by verb objectRef.resource objectRef.namespace responseStatus.code"
        found.append(_hunt("What else the actor did within an hour", counts, *around))
        found.append(_hunt("The actor's requests within an hour", by_user, *around))
    if finding.actor.source_ip:
        search = f"sourceIPs{{}}={quote(finding.actor.source_ip)} | stats count by user.username verb"
        found.append(_hunt("Who else came from this address within an hour", search, *around))
    if finding.target.name and finding.target.resource:
        object_ = f"objectRef.resource={quote(finding.target.resource)} objectRef.name={quote(finding.target.name)}"
        if finding.target.namespace:
            object_ += f" objectRef.namespace={quote(finding.target.namespace)}"
        found.append(_hunt("Everything that was done to this object within an hour", object_, *around))
    return found


def _hunt(name: str, search: str, earliest: float | None, latest: float | None) -> HuntLink:
    times = {key: f"{time:.3f}" for key, time in (("earliest", earliest), ("latest", latest)) if time is not None}
    return HuntLink(name, search, f"/hunt?{urlencode({'q': search, **times})}")


def kubectl_of(finding: Finding) -> list[NextStep]:
    """The commands of kubectl, which only read."""
    return [one for one in next_steps(finding, ()) if one.command.startswith("kubectl ")]


def risk_line(one: RiskEvent) -> str:
    """Why less or more than the score counts."""
    notes = list(one.notes)
    return "; ".join([f"score {one.score}", *notes] if one.applied != one.score else notes)


FINDING: Final = Page(
    "/findings/{finding_id:str}", "Finding", "viewer", "finding.html", view, place="Queue", listed=False
)
