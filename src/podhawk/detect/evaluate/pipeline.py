"""Detections over an input: from gathered events to matches.

One scan gathers the events that any detection selects. They are grouped by request, and each detection is evaluated:
request plans on the events of one request, aggregate plans on windows over all the events that they select. Detections
that bring in other rows run over the whole input, as an ad-hoc search in Splunk does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from podhawk.detect.evaluate.related_events import (
    OWNER_WRITES,
    POD_DELETIONS,
    TOKENS_ISSUED,
    clause_of,
    gathering,
    naming,
    served_by_controllers,
    tokens_used,
    unfinished,
    visible_part,
)
from podhawk.detect.evaluate.whole_input import whole_matches
from podhawk.detect.evaluate.windows import schedule_of
from podhawk.detect.increment.state import DetectionState
from podhawk.detect.match import Match
from podhawk.detect.requests.collected import CollectedRequest, collect, join
from podhawk.detect.requests.components import Credentials, credentials
from podhawk.detect.requests.facts import RequestFacts
from podhawk.detect.requests.owner_writes import write_of
from podhawk.detect.requests.owners import Owners
from podhawk.detect.requests.request import Request, RequestKey
from podhawk.engine.profile import timed
from podhawk.engine.run.batch import Runner
from podhawk.engine.search.collectors import wanted_by
from podhawk.engine.search.stats import SearchStats
from podhawk.events.collected import CollectedEvent, EventDecoder
from podhawk.events.event import AuditEvent
from podhawk.events.options import ReadOptions


class Source(Protocol):
    """An input: the options with which gathered lines are read again."""

    options: ReadOptions


class Detected(Struct):
    """What a run found, and how each detection was evaluated. `evaluated` is as in `DetectionState`."""

    matches: list[Match]
    kinds: Mapping[str, PlanKind] = field(default_factory=dict)
    requests: Mapping[RequestKey, CollectedRequest] = field(default_factory=dict)
    evaluated: frozenset[str] = frozenset()
    hunted: Mapping[str, int] = field(default_factory=dict)
    """How many rows each hunting detection gave, by its key."""


def detect(
    prepared: Sequence[Prepared],
    content: Content,
    source: Source,
    runner: Runner,
    context: Context,
    state: DetectionState | None = None,
) -> Detected:
    """The matches of all detections that can run and make findings, in order of time.

    `context` is a fresh context for the searches of podhawk itself. A `state` must be locked.
    """
    evaluations = [
        Evaluation(one)
        for one in prepared
        if one.request is not None and kind_of(one.detection) is not None and not reads_risk(one)
    ]
    kinds = [plan_kind(one.plan) for one in evaluations]
    windowed = [one for one, kind in zip(evaluations, kinds, strict=True) if kind != "whole"]
    whole_plans = [one for one, kind in zip(evaluations, kinds, strict=True) if kind == "whole"]
    hunting = [one for one in map(Evaluation, _hunting(prepared)) if plan_kind(one.plan) != "whole"]
    gathered = _gather(windowed, hunting, runner, context)
    decoder = EventDecoder(source.options)
    # The scan judged the lines as they stand in the file: a mask must not take back what a search selected.
    requests = collect(gathered.wanted, decoder)
    if state is not None:
        kept = [(event, numbers_of(windowed, decoder.event(event))) for event in state.events()]
        requests = join(requests, collect(kept, decoder))
        # A later run may need any of them.
        requests = join(requests, collect([*gathered.owners, *gathered.tokens], decoder))
    else:
        requests = join(
            requests,
            collect(
                [
                    *naming(gathered.owners, served_by_controllers(requests)),
                    *naming(gathered.tokens, tokens_used(requests)),
                ],
                decoder,
            ),
        )
    hunted = {one.detection.key: rows for one, rows in zip(hunting, gathered.hunted, strict=True)}
    del gathered  # the events hold the texts of the lines now
    requests = _second_look(requests, windowed, runner, decoder, context)
    if state is not None:
        state.keep(event for one in requests.values() for event in one.request.events)
    shown = credentials(one.request for one in requests.values())
    writes = (write_of(one.request, shown) for one in requests.values())
    owners = Owners(write for write in writes if write is not None)
    requests = {key: visible_part(one) for key, one in requests.items() if one.searches}
    matches = list(_windowed(windowed, content, requests, owners, shown))
    if whole_plans:
        tables = runner.run([one.request for one in whole_plans])
        judged = runner.run([replace(one.request, stats=SearchStats()) for one in whole_plans], masked=False)
        for evaluation, table, unmasked in zip(whole_plans, tables, judged, strict=True):
            matches.extend(whole_matches(evaluation, with_hidden(table, unmasked)))
    over_all = [one for one in _hunting(prepared) if one.detection.key not in hunted]
    if over_all:
        tables = runner.run([one.request for one in over_all if one.request is not None], masked=False)
        hunted |= {one.detection.key: len(table.rows) for one, table in zip(over_all, tables, strict=True)}
    matches.sort(key=lambda match: (match.finding.first_time, match.finding.detection.name, match.finding.finding_id))
    return Detected(
        matches,
        {one.detection.name: kind for one, kind in zip(evaluations, kinds, strict=True)},
        requests,
        frozenset(one.detection.key for one in windowed),
        hunted,
    )


def _hunting(prepared: Sequence[Prepared]) -> list[Prepared]:
    """The hunting detections that can run: they give rows, and no findings."""
    return [one for one in prepared if one.request is not None and hunts(one.detection)]


def reads_risk(one: Prepared) -> bool:
    """Whether a detection is a search over risk: it makes incidents and reads no events."""
    return one.request is not None and kind_of(one.detection) == "incident" and one.request.pipeline.generates


class _Gathered(Struct):
    """What one scan found: the events that searches select, and those that show who is behind them."""

    wanted: list[tuple[CollectedEvent, list[int]]] = field(default_factory=list)
    hunted: list[int] = field(default_factory=list)
    owners: list[tuple[CollectedEvent, list[int]]] = field(default_factory=list)
    tokens: list[tuple[CollectedEvent, list[int]]] = field(default_factory=list)


def _gather(
    evaluations: Sequence[Evaluation], hunting: Sequence[Evaluation], runner: Runner, context: Context
) -> _Gathered:
    """Scan the input once for all searches.

    It is not known yet whether anybody stands behind a controller or a token. Keeping the events that would show it
    costs less than a second scan.
    """
    found = _Gathered()
    if not evaluations and not hunting:
        return found
    owner, token = len(evaluations), len(evaluations) + 2
    related = (OWNER_WRITES, POD_DELETIONS, TOKENS_ISSUED)
    collectors, found.hunted = runner.gather_and_count(
        [*(one.request for one in evaluations), *(gathering(clause, context) for clause in related)],
        [one.request for one in hunting],
    )
    for kept, numbers in wanted_by(collectors):
        searches = [number for number in numbers if number < owner]
        if searches:
            found.wanted.append((kept, searches))
        elif owner in numbers or owner + 1 in numbers:
            found.owners.append((kept, searches))
        elif token in numbers:
            found.tokens.append((kept, searches))
    return found


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


def numbers_of(evaluations: Sequence[Evaluation], event: AuditEvent) -> list[int]:
    """The numbers of the searches that select a kept event."""
    return [number for number, one in enumerate(evaluations) if one.wants(event)]


def _windowed(
    evaluations: Sequence[Evaluation],
    content: Content,
    requests: Mapping[RequestKey, CollectedRequest],
    owners: Owners,
    shown: Credentials,
) -> Iterator[Match]:
    """The matches of request plans and aggregate plans."""
    known: dict[RequestKey, RequestFacts] = {}

    def facts_of(request: Request) -> RequestFacts:
        found = known.get(request.key)
        if found is None:
            found = known[request.key] = RequestFacts(request, owners, shown)
        return found

    by_search: list[list[CollectedRequest]] = [[] for _ in evaluations]
    for one in requests.values():
        for number in one.searches:
            by_search[number].append(one)
    for number, evaluation in enumerate(evaluations):
        name = evaluation.plan.name
        if plan_kind(evaluation.plan) == "request":
            with timed(name, "requests"):
                made = [
                    request_match(evaluation, one.request, one.events_for(number), facts_of(one.request))
                    for one in by_search[number]
                ]
            yield from (match for match in made if match is not None)
        else:
            schedule = schedule_of(content.deployment_for(evaluation.detection), evaluation.context.env.zone)
            events = [(event, one.request) for one in by_search[number] for event in one.events_for(number)]
            with timed(name, "windows"):
                found = list(aggregate_matches(evaluation, schedule, events, facts_of))
            yield from found
