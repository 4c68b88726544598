"""Detections over an input: from gathered events to matches.

One scan gathers the events that any detection selects. They are grouped by request, and each detection is evaluated:
request plans on the events of one request, aggregate plans on windows over all the events that they select. Detections
that bring in other rows run over the whole input, as an ad-hoc search in Splunk does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.content.model import Content
from podhawk.detect.evaluate.episodes import aggregate_matches
from podhawk.detect.evaluate.evaluation import Evaluation, hunts, kind_of, request_match
from podhawk.detect.evaluate.masked_rows import with_hidden
from podhawk.detect.evaluate.plan_kind import PlanKind, plan_kind
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.evaluate.recall import Recalled, recall
from podhawk.detect.evaluate.related_events import (
    OWNER_WRITES,
    POD_DELETIONS,
    TOKENS_ISSUED,
    clause_of,
    ends_of,
    gathering,
    naming,
    served_by_controllers,
    tokens_used,
    unfinished,
    visible_part,
)
from podhawk.detect.evaluate.whole_input import whole_matches
from podhawk.detect.evaluate.windows import Schedule, schedule_of
from podhawk.detect.increment.evidence import KeptEvidence, request_hash
from podhawk.detect.increment.state import Looked
from podhawk.detect.match import Match
from podhawk.detect.requests.collected import CollectedRequest, collect, join
from podhawk.detect.requests.components import credentials
from podhawk.detect.requests.facts import RequestFacts
from podhawk.detect.requests.owner_writes import write_of
from podhawk.detect.requests.owners import Owners
from podhawk.detect.requests.request import Request, RequestKey
from podhawk.engine.profile import timed
from podhawk.engine.run.batch import Runner
from podhawk.engine.search.collectors import wanted_by
from podhawk.engine.search.stats import SearchStats
from podhawk.events.collected import CollectedEvent, EventDecoder
from podhawk.events.options import ReadOptions
from podhawk.spl.clause import Clause


class Source(Protocol):
    """An input: the options with which gathered lines are read again."""

    options: ReadOptions


class Scanned(Struct):
    """What the scan of an input found, before it is evaluated: the requests that searches select, and the searches.

    With a state, `requests` has everything that shows who is behind others, because a later increment may need it, and
    `ends` the ends of requests of which the state may know the start.
    """

    evaluations: Sequence[Evaluation]
    schedules: Mapping[int, Schedule]
    """Those of the aggregate plans, by the number of the search."""
    requests: dict[RequestKey, CollectedRequest]
    ends: dict[RequestKey, CollectedRequest]
    wholes: list[Match]
    """The findings of searches that run over the whole input."""
    kinds: Mapping[str, PlanKind]
    hunted: Mapping[str, int]
    decoder: EventDecoder


class Detected(Struct):
    """What a run found, how each detection was evaluated, and with a state what the evaluation has looked at."""

    matches: list[Match]
    kinds: Mapping[str, PlanKind] = field(default_factory=dict)
    requests: Mapping[RequestKey, CollectedRequest] = field(default_factory=dict)
    looked: Looked = Looked()
    hunted: Mapping[str, int] = field(default_factory=dict)
    """How many rows each hunting detection gave, by its key."""


def scan(
    prepared: Sequence[Prepared],
    content: Content,
    source: Source,
    runner: Runner,
    context: Context,
    *,
    remembers: bool,
) -> Scanned:
    """Scan the input once for all detections that can run and make findings.

    `context` is a fresh context for the searches of podhawk itself. `remembers` says that there is a state.
    """
    every = [
        Evaluation(one)
        for one in prepared
        if one.request is not None and kind_of(one.detection) is not None and not reads_risk(one)
    ]
    kinds = [plan_kind(one.plan) for one in every]
    evaluations = [one for one, kind in zip(every, kinds, strict=True) if kind != "whole"]
    whole_plans = [one for one, kind in zip(every, kinds, strict=True) if kind == "whole"]
    hunting = [one for one in map(Evaluation, _hunting(prepared)) if plan_kind(one.plan) != "whole"]
    gathered = _gather(evaluations, hunting, runner, context, ends_of(evaluations) if remembers else None)
    decoder = EventDecoder(source.options)
    # The scan judged the lines as they stand in the file: a mask must not take back what a search selected.
    requests = collect(_drained(gathered.wanted), decoder)
    owners, tokens = gathered.owners, gathered.tokens
    if not remembers:
        owners, tokens = naming(owners, served_by_controllers(requests)), naming(tokens, tokens_used(requests))
    requests = join(requests, collect([*owners, *tokens], decoder))
    ends = collect(_drained(gathered.ends), decoder)
    hunted = {one.detection.key: rows for one, rows in zip(hunting, gathered.hunted, strict=True)}
    del gathered, owners, tokens  # the events hold the texts of the lines now
    requests = _second_look(requests, evaluations, runner, decoder, context)
    wholes: list[Match] = []
    if whole_plans:
        tables = runner.run([one.request for one in whole_plans])
        judged = runner.run([replace(one.request, stats=SearchStats()) for one in whole_plans], masked=False)
        for evaluation, table, unmasked in zip(whole_plans, tables, judged, strict=True):
            wholes.extend(whole_matches(evaluation, with_hidden(table, unmasked)))
    over_all = [one for one in _hunting(prepared) if one.detection.key not in hunted]
    if over_all:
        tables = runner.run([one.request for one in over_all if one.request is not None], masked=False)
        hunted |= {one.detection.key: len(table.rows) for one, table in zip(over_all, tables, strict=True)}
    return Scanned(
        evaluations,
        {
            number: schedule_of(content.deployment_for(one.detection), one.context.env.zone)
            for number, one in enumerate(evaluations)
            if plan_kind(one.plan) == "aggregate"
        },
        requests,
        ends,
        wholes,
        {one.detection.name: kind for one, kind in zip(every, kinds, strict=True)},
        hunted,
        decoder,
    )


def detect(scanned: Scanned, evidence: KeptEvidence | None = None, again: Collection[str] = ()) -> Detected:
    """The matches of all detections, in order of time. With the `evidence` of earlier increments these are the matches
    that the new events may have changed, and those of the requests that are to be evaluated `again`."""
    evaluations, requests = scanned.evaluations, scanned.requests
    if evidence is None:
        shown = credentials(one.request for one in requests.values())
        writes = (write_of(one.request, shown) for one in requests.values())
        found = Recalled(requests, {}, Owners(write for write in writes if write is not None), shown, None)
    else:
        found = recall(evidence, requests, scanned.ends, again, evaluations, scanned.schedules, scanned.decoder)
    scanned.requests = {}  # an event that nothing wants any more goes
    shown_requests = {key: visible_part(one) for key, one in found.requests.items() if one.searches}
    matches = [*_windowed(evaluations, scanned.schedules, shown_requests, found), *scanned.wholes]
    matches.sort(key=lambda match: (match.finding.first_time, match.finding.detection.name, match.finding.finding_id))
    return Detected(
        matches,
        scanned.kinds,
        shown_requests,
        _looked(evaluations, found) if evidence is not None else Looked(),
        scanned.hunted,
    )


def _looked(evaluations: Sequence[Evaluation], found: Recalled) -> Looked:
    return Looked(
        frozenset(map(request_hash, found.requests)),
        frozenset(one.detection.key for one in evaluations if plan_kind(one.plan) == "request"),
        [
            (evaluations[number].detection.key, cluster, *span)
            for number, stretches in (found.stretches or {}).items()
            for cluster, stretch in stretches.items()
            for span in stretch.changed
        ],
    )


def _hunting(prepared: Sequence[Prepared]) -> list[Prepared]:
    """The hunting detections that can run: they give rows, and no findings."""
    return [one for one in prepared if one.request is not None and hunts(one.detection)]


def reads_risk(one: Prepared) -> bool:
    """Whether a detection is a search over risk: it makes incidents and reads no events."""
    return one.request is not None and kind_of(one.detection) == "incident" and one.request.pipeline.generates


def is_whole(one: Prepared) -> bool:
    """Whether a detection brings in other rows than those of events, so that only the whole input can be evaluated."""
    makes = one.request is not None and kind_of(one.detection) is not None and not reads_risk(one)
    return makes and plan_kind(Evaluation(one).plan) == "whole"


class _Gathered(Struct):
    """What one scan found: the events that searches select, and those that show who is behind them."""

    wanted: list[tuple[CollectedEvent, list[int]]] = field(default_factory=list)
    hunted: list[int] = field(default_factory=list)
    owners: list[tuple[CollectedEvent, list[int]]] = field(default_factory=list)
    tokens: list[tuple[CollectedEvent, list[int]]] = field(default_factory=list)
    ends: list[tuple[CollectedEvent, list[int]]] = field(default_factory=list)


def _gather(
    evaluations: Sequence[Evaluation],
    hunting: Sequence[Evaluation],
    runner: Runner,
    context: Context,
    ends: Clause | None,
) -> _Gathered:
    """Scan the input once for all searches.

    It is not known yet whether anybody stands behind a controller or a token. Keeping the events that would show it
    costs less than a second scan.
    """
    found = _Gathered()
    if not evaluations and not hunting:
        return found
    owner, token = len(evaluations), len(evaluations) + 2
    related = (OWNER_WRITES, POD_DELETIONS, TOKENS_ISSUED, *([ends] if ends is not None else ()))
    collectors, found.hunted = runner.gather_and_count(
        [*(one.request for one in evaluations), *(gathering(clause, context) for clause in related)],
        [one.request for one in hunting],
    )
    sets: dict[tuple[int, ...], list[int]] = {}
    for kept, numbers in _drained(wanted_by(collectors)):
        searches = [number for number in numbers if number < owner]
        searches = sets.setdefault(tuple(searches), searches)
        if searches:
            found.wanted.append((kept, searches))
        elif owner in numbers or owner + 1 in numbers:
            found.owners.append((kept, searches))
        elif token in numbers:
            found.tokens.append((kept, searches))
        else:
            found.ends.append((kept, searches))
    return found


def _drained(items: list[tuple[CollectedEvent, list[int]]]) -> Iterator[tuple[CollectedEvent, list[int]]]:
    """The items of a list, which has none left afterwards: events are large, and what is made of one takes its
    place."""
    items.reverse()
    while items:
        yield items.pop()


def _second_look(
    requests: dict[RequestKey, CollectedRequest],
    evaluations: Sequence[Evaluation],
    runner: Runner,
    decoder: EventDecoder,
    context: Context,
) -> dict[RequestKey, CollectedRequest]:
    """The requests with their ends. Scans the input again if it may hold an end that no search selected."""
    open_ones = unfinished(requests, evaluations)
    if not open_ones:
        return requests
    found = collect(
        ((kept, ()) for kept, _ in wanted_by(runner.gather([gathering(clause_of(open_ones), context)]))), decoder
    )
    return join(requests, {key: one for key, one in found.items() if key in requests})


def _windowed(
    evaluations: Sequence[Evaluation],
    schedules: Mapping[int, Schedule],
    requests: Mapping[RequestKey, CollectedRequest],
    found: Recalled,
) -> Iterator[Match]:
    """The matches of request plans and aggregate plans."""
    known: dict[RequestKey, RequestFacts] = {}

    def facts_of(request: Request) -> RequestFacts:
        facts = known.get(request.key)
        if facts is None:
            facts = known[request.key] = RequestFacts(request, found.owners, found.credentials)
        return facts

    beside = {key: visible_part(one) for key, one in found.beside.items() if one.searches}
    by_search: list[list[CollectedRequest]] = [[] for _ in evaluations]
    for one in requests.values():
        for number in one.searches:
            by_search[number].append(one)
    for one in beside.values():
        for number in one.searches & schedules.keys():
            by_search[number].append(one)
    for number, evaluation in enumerate(evaluations):
        name = evaluation.plan.name
        if number not in schedules:
            with timed(name, "requests"):
                made = [
                    request_match(evaluation, one.request, one.events_for(number), facts_of(one.request))
                    for one in by_search[number]
                ]
            yield from (match for match in made if match is not None)
            continue
        events = [(event, one.request) for one in by_search[number] for event in one.events_for(number)]
        with timed(name, "windows"):
            stretches = found.stretches[number] if found.stretches is not None else None
            matches = list(aggregate_matches(evaluation, schedules[number], events, facts_of, stretches))
        yield from matches
