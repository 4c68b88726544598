"""Questions about one detection over an input: what becomes of the events, of one event, which are behind a finding."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import structs

from podhawk.content.model import Content, Detection
from podhawk.content.selection import select
from podhawk.detect.evaluate.evaluation import Evaluation, hunts
from podhawk.detect.evaluate.prepare import prepare
from podhawk.detect.evaluate.related_events import clause_of, gathering
from podhawk.detect.match import Match
from podhawk.detect.report.brief_search import brief, named
from podhawk.detect.report.explain import Explanation, explain, explain_event
from podhawk.engine.plan.runnable import Broken
from podhawk.engine.run.batch import SearchJob
from podhawk.engine.run.files import FileSource
from podhawk.engine.search.collectors import wanted_by
from podhawk.engine.search.judgement import Judgement, judge
from podhawk.errors import ContentError, InputError, PodhawkError, UsageError
from podhawk.events.collected import EventDecoder
from podhawk.events.event import AuditEvent
from podhawk.events.inputs import Inputs
from podhawk.session import Session

_PASSES: Final = "passes all steps"


def the_detection(name: str, content: Content) -> Detection:
    """The one detection of that name, id or file stem. Raises UsageError where it is none or several."""
    if not name:
        raise UsageError("missing DETECTION", remedy="Name a detection; podhawk content list lists them.")
    try:
        found = select(content, [name])
    except PodhawkError as error:
        if not os.path.exists(name):
            raise
        raise UsageError(
            f"{error.message}: it is a file or folder",
            remedy="Name the detection before the log; podhawk content list lists the detections.",
        ) from None
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:5])
        raise UsageError(f"{name!r} matches {len(found)} detections: {names}", remedy="Choose one of them.")
    return found[0]


def request_of(detection: Detection, content: Content, session: Session) -> SearchJob:
    """The detection's search, ready to run. Raises ContentError where it cannot."""
    made = prepare(detection, content, session, session.lookups(content))
    if isinstance(made.runnability, Broken):
        raise made.runnability.error
    if made.request is None:
        raise ContentError(f"{detection.name} cannot run: {made.runnability}")
    return made.request


def explain_detection(
    detection: Detection, content: Content, inputs: Inputs, session: Session
) -> tuple[Explanation, Judgement]:
    """What becomes of the events of an input in a detection's search, and the judgement, which counts rows."""
    source = FileSource(inputs, session.reading, keep=True)
    decoder = EventDecoder(session.redacting)
    request = request_of(detection, content, session)
    found = explain(request, decoder, session.runner(source))
    source.check(session.within)
    return found, judge(
        request.pipeline, request.stats, source.report, found.rows, source.inputs.order, hunts=hunts(detection)
    )


def explain_one_event(
    detection: Detection, content: Content, audit_id: str, inputs: Inputs, session: Session
) -> Iterator[str]:
    """For each stage of a request where the detection loses it, in a line. Raises InputError where there is none."""
    request = request_of(detection, content, session)
    for event in _events_of(audit_id, content, inputs, session):
        yield f"{_stage_of(event)}: {_fate(request, event)}"


def explain_event_for_all(content: Content, audit_id: str, inputs: Inputs, session: Session) -> Iterator[str]:
    """For each detection that is not retired what becomes of a request: at the stage that passes all steps, else at its
    last stage. Those that it passes come first. Raises InputError where there is no such request."""
    events = _events_of(audit_id, content, inputs, session)
    passed: list[str] = []
    others: list[str] = []
    for one in select(content):
        try:
            request = request_of(one, content, session)
            fates = [(event, _fate(request, event)) for event in events]
        except PodhawkError as error:
            others.append(f"{one.name}: cannot be explained: {error.message}")
            continue
        event, fate = next((each for each in fates if each[1] == _PASSES), fates[-1])
        (passed if fate == _PASSES else others).append(f"{one.name}: {_stage_of(event)}: {fate}")
    yield from passed
    yield from others


def is_detection(name: str, content: Content) -> bool:
    """Whether some detection has this name, id or file stem."""
    try:
        return bool(select(content, [name]))
    except PodhawkError:
        return False


def _events_of(audit_id: str, content: Content, inputs: Inputs, session: Session) -> list[AuditEvent]:
    source = FileSource(inputs, session.reading, keep=True)
    jobs = session.runner(source).gather([gathering(clause_of([audit_id]), session.context(content))])
    source.check(session.within)
    decoder = EventDecoder(session.redacting)
    events = [decoder.event(kept) for kept, _ in wanted_by(jobs)]
    if not events:
        raise InputError(
            f"no event has the auditID {audit_id}", remedy="podhawk search auditID=… prints the events of a request."
        )
    return events


def _stage_of(event: AuditEvent) -> str:
    return f"{event.origin} {event.view.data.get('stage', '')}"


def _fate(request: SearchJob, event: AuditEvent) -> str:
    step, miss = explain_event(request, event)
    if not step:
        return _PASSES
    dropped = f"dropped at | {named(step)}"
    return dropped if miss is None else f"{dropped}\n    fails {brief(miss.part)}: {miss.field} is {miss.value}"


SHORTEST_ID: Final = 6
"""Characters of an id that are enough where no other id begins so."""


def finding_named(finding_id: str, matches: Sequence[Match]) -> Match:
    """The finding with an id, or the one that replaces it. The beginning of an id is enough where it is the only one.
    Raises UsageError for an id that no finding has or had, and for a beginning that several have."""
    found = next((match for match in matches if match.finding.finding_id == finding_id), None) or next(
        (match for match in matches if finding_id in match.finding.replaces), None
    )
    if found is None and len(finding_id) >= SHORTEST_ID:
        begun = [match for match in matches if match.finding.finding_id.startswith(finding_id)]
        if len(begun) > 1:
            ids = ", ".join(match.finding.finding_id for match in begun[:5])
            raise UsageError(f"{len(begun)} findings have ids that begin with {finding_id}: {ids}")
        found = begun[0] if begun else None
    if found is None:
        raise UsageError(
            f"no finding has the id {finding_id}",
            remedy="podhawk run -o jsonl prints the ids of all findings, including hidden ones.",
        )
    return found


def with_search(match: Match, content: Content, session: Session) -> Match:
    """A known finding with the whole of its detection, the search, and those of its events that this selects, if the
    content has the detection and it can run."""
    key = match.finding.detection.key
    detection = next((one for one in content.detections if one.key == key), None)
    if detection is None:
        return match
    match = match.having(detection=detection)
    prepared = prepare(detection, content, session, session.lookups(content))
    if prepared.request is None or len(match.requests) != 1:
        return match
    evaluation = Evaluation(prepared)
    matched = tuple(event for event in match.requests[0].events if evaluation.wants(event))
    return structs.replace(match, matched=matched, search=prepared.request.pipeline)


def raw_events(found: Match, matches: Sequence[Match]) -> Iterator[str]:
    """The text of the events behind a finding, or behind all findings of an incident."""
    by_id = {match.finding.finding_id: match for match in matches}
    seen: set[str] = set()
    for match in (found, *(by_id[id_] for id_ in found.finding.findings if id_ in by_id)):
        for request in match.requests:
            for event in request.events:
                if event.view.raw not in seen:
                    seen.add(event.view.raw)
                    yield event.view.raw
