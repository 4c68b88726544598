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
from podhawk.detect.evaluate.by_key import layout_of
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
from podhawk.detect.evaluate.selection import SearchSelection
from podhawk.detect.evaluate.spending import Spending
from podhawk.detect.evaluate.whole_input import whole_matches
from podhawk.detect.evaluate.windows import Schedule, schedule_of
from podhawk.detect.increment.evidence import KeptEvidence, no_notes, request_hash
from podhawk.detect.increment.state import NOTHING_CHANGED, Begun, Looked
from podhawk.detect.match import Match
from podhawk.detect.requests.collected import CollectedRequest, collect, join
from podhawk.detect.requests.components import credentials
from podhawk.detect.requests.facts import RequestFacts
from podhawk.detect.requests.owner_writes import write_of
from podhawk.detect.requests.owners import Owners
from podhawk.detect.requests.request import Request, RequestKey
from podhawk.engine.profile import timed
from podhawk.engine.run.batch import Runner, SearchJob
from podhawk.engine.search.collectors import wanted_by
from podhawk.engine.search.stats import SearchStats
from podhawk.events.collected import CollectedEvent, EventDecoder
from podhawk.events.options import ReadOptions


class Source(Protocol):
    """An input: the options with which gathered lines are read again."""

    options: ReadOptions


class SearchSet(Struct, frozen=True):
    """The detections of a run as searches. They are made once and may be run over one input after another.

    `hunting` gather rows along with `evaluations`; `whole_plans` and `whole_hunting` run over the whole input.
    `related` select the events that show who is behind others, and with a state the ends of requests.
    """

    evaluations: Sequence[Evaluation]
    whole_plans: Sequence[Evaluation]
    hunting: Sequence[Evaluation]
    whole_hunting: Sequence[Prepared]
    schedules: Mapping[int, Schedule]
    """Those of the aggregate plans, by the number of the search."""
    kinds: Mapping[str, PlanKind]
    related: Sequence[SearchJob]
    selection: SearchSelection
    remembers: bool
    deferred: frozenset[int] = frozenset()
    """The numbers of searches whose events are kept, to be evaluated later."""
    spent: Spending = field(default_factory=Spending)
    """What evaluations took."""
    digests: dict[int, tuple[Prepared, str, str]] = field(default_factory=dict)
    """The digests of detections, kept for the next increment."""

    @property
    def layouts(self) -> Mapping[str, str]:
        """How a state keeps what aggregate plans want, by the key of the detection; see `layout_of`."""
        return {
            self.evaluations[number].detection.key: layout_of(self.evaluations[number].plan, schedule)
            for number, schedule in self.schedules.items()
        }

    @property
    def jobs(self) -> Iterator[SearchJob]:
        """The searches that scan each input, to be compiled once."""
        yield from (one.request for one in (*self.evaluations, *self.hunting))
        yield from self.related


def searches_of(prepared: Sequence[Prepared], content: Content, context: Context, *, remembers: bool) -> SearchSet:
    """The detections that can run and make findings, or hunt, as searches. `context` is a fresh context for the
    searches of podhawk itself. `remembers` says that there is a state."""
    every = [
        Evaluation(one)
        for one in prepared
        if one.request is not None and kind_of(one.detection) is not None and not reads_risk(one)
    ]
    kinds = [plan_kind(one.plan) for one in every]
    evaluations = [one for one, kind in zip(every, kinds, strict=True) if kind != "whole"]
    gathered = [kind for kind in kinds if kind != "whole"]
    hunting = [(one, Evaluation(one)) for one in _hunting(prepared)]
    alone = {one.detection.key for one, made in hunting if plan_kind(made.plan) == "whole"}
    ends = ends_of(evaluations) if remembers else None
    related = (OWNER_WRITES, POD_DELETIONS, TOKENS_ISSUED, *([ends] if ends is not None else ()))
    return SearchSet(
        evaluations,
        [one for one, kind in zip(every, kinds, strict=True) if kind == "whole"],
        [made for one, made in hunting if one.detection.key not in alone],
        [one for one, _ in hunting if one.detection.key in alone],
        {
            number: schedule_of(content.deployment_for(one.detection), one.context.env.zone)
            for number, (one, kind) in enumerate(zip(evaluations, gathered, strict=True))
            if kind == "aggregate"
        },
        {one.detection.name: kind for one, kind in zip(every, kinds, strict=True)},
        [gathering(clause, context) for clause in related],
        SearchSelection(evaluations if remembers else ()),
        remembers,
    )


class Scanned(Struct):
    """What the scan of an input found, before it is evaluated: the requests that searches select, and the searches.

    With a state, `requests` has everything that shows who is behind others, because a later increment may need it, and
    `ends` the ends of requests of which the state may know the start.
    """

    searches: SearchSet
    requests: dict[RequestKey, CollectedRequest]
    ends: dict[RequestKey, CollectedRequest]
    wholes: list[Match]
    """The findings of searches that run over the whole input."""
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
    postponed: Collection[str] = ()
    """The requests that deferred searches are still to be evaluated on."""


def scan(searches: SearchSet, source: Source, runner: Runner, context: Context) -> Scanned:
    """Scan the input once for all searches. `context` is a fresh context for the searches of podhawk itself."""
    gathered = _gather(searches, runner)
    decoder = EventDecoder(source.options)
    # The scan judged the lines as they stand in the file: a mask must not take back what a search selected.
    requests = collect(_drained(gathered.wanted), decoder)
    owners, tokens = gathered.owners, gathered.tokens
    if not searches.remembers:
        owners, tokens = naming(owners, served_by_controllers(requests)), naming(tokens, tokens_used(requests))
    requests = join(requests, collect([*owners, *tokens], decoder))
    ends = collect(_drained(gathered.ends), decoder)
    hunted = {one.detection.key: rows for one, rows in zip(searches.hunting, gathered.hunted, strict=True)}
    del gathered, owners, tokens  # the events hold the texts of the lines now
    requests = _second_look(requests, searches.evaluations, runner, decoder, context)
    wholes: list[Match] = []
    if searches.whole_plans:
        tables = runner.run([one.request for one in searches.whole_plans])
        judged = runner.run([replace(one.request, stats=SearchStats()) for one in searches.whole_plans], masked=False)
        for evaluation, table, unmasked in zip(searches.whole_plans, tables, judged, strict=True):
            wholes.extend(whole_matches(evaluation, with_hidden(table, unmasked)))
    over_all = searches.whole_hunting
    if over_all:
        tables = runner.run([one.request for one in over_all if one.request is not None], masked=False)
        hunted |= {one.detection.key: len(table.rows) for one, table in zip(over_all, tables, strict=True)}
    return Scanned(searches, requests, ends, wholes, hunted, decoder)


def detect(
    scanned: Scanned,
    evidence: KeptEvidence | None = None,
    begun: Begun = NOTHING_CHANGED,
    again: Collection[str] = (),
    windows: Collection[str] = (),
) -> Detected:
    """The matches of all detections, in order of time. With the `evidence` of earlier increments these are the matches
    that the new events may have changed, and those that are to be evaluated again: what `begun` names, and the requests
    `again`, by their hashes; `windows` are those that only aggregate plans are to be evaluated on."""
    searches, requests = scanned.searches, scanned.requests
    if begun.changed and searches.deferred:
        # What a changed detection found before has to be looked at now: its new search may want none of it.
        evaluations = searches.evaluations
        waiting = (number for number in searches.deferred if evaluations[number].detection.key not in begun.changed)
        searches = replace(searches, deferred=frozenset(waiting))
    if evidence is None:
        shown = credentials(one.request for one in requests.values())
        writes = (write_of(one.request, shown) for one in requests.values())
        found = Recalled(requests, {}, Owners(write for write in writes if write is not None), shown)
    else:
        found = recall(
            evidence,
            requests,
            scanned.ends,
            begun,
            again,
            windows,
            searches.evaluations,
            searches.schedules,
            searches.selection,
            searches.deferred,
            scanned.decoder,
        )
    if evidence is None:
        scanned.requests = {}  # an event that nothing wants any more goes; an increment may be evaluated again
    shown_requests = {key: visible_part(one) for key, one in found.requests.items() if one.searches}
    matches = [*_windowed(searches, shown_requests, found, evidence), *scanned.wholes]
    matches.sort(key=lambda match: (match.finding.first_time, match.finding.detection.name, match.finding.finding_id))
    return Detected(
        matches,
        searches.kinds,
        shown_requests,
        _looked(searches, found) if evidence is not None else Looked(),
        scanned.hunted,
        found.postponed,
    )


def _looked(searches: SearchSet, found: Recalled) -> Looked:
    evaluations = searches.evaluations
    plans = set(range(len(evaluations))) - searches.schedules.keys() - searches.deferred

    def keys(numbers: Collection[int]) -> frozenset[str]:
        return frozenset(evaluations[number].detection.key for number in numbers)

    return Looked(
        [
            (frozenset(request_hash(key) for key in found.requests if key not in found.again), keys(plans)),
            (frozenset(map(request_hash, found.again)), keys(plans & found.plans)),
        ],
        {
            (evaluations[number].detection.key, cluster): {name: one.changed for name, one in some.items()}
            for number, clusters in (found.stretches or {}).items()
            for cluster, some in clusters.items()
        },
        keys(found.plans),
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


def _gather(searches: SearchSet, runner: Runner) -> _Gathered:
    """Scan the input once for all searches.

    It is not known yet whether anybody stands behind a controller or a token. Keeping the events that would show it
    costs less than a second scan.
    """
    found = _Gathered()
    if not searches.evaluations and not searches.hunting:
        return found
    owner, token = len(searches.evaluations), len(searches.evaluations) + 2
    collectors, found.hunted = runner.gather_and_count(
        [*(one.request for one in searches.evaluations), *searches.related],
        [one.request for one in searches.hunting],
    )
    sets: dict[tuple[int, ...], list[int]] = {}
    for kept, numbers in _drained(wanted_by(collectors)):
        wanting = [number for number in numbers if number < owner]
        wanting = sets.setdefault(tuple(wanting), wanting)
        if wanting:
            found.wanted.append((kept, wanting))
        elif owner in numbers or owner + 1 in numbers:
            found.owners.append((kept, wanting))
        elif token in numbers:
            found.tokens.append((kept, wanting))
        else:
            found.ends.append((kept, wanting))
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
    searches: SearchSet,
    requests: Mapping[RequestKey, CollectedRequest],
    found: Recalled,
    evidence: KeptEvidence | None,
) -> Iterator[Match]:
    """The matches of request plans and aggregate plans."""
    evaluations, schedules = searches.evaluations, searches.schedules
    known: dict[RequestKey, RequestFacts] = {}
    notes_of = evidence.notes_of if evidence is not None else no_notes

    def facts_of(request: Request) -> RequestFacts:
        facts = known.get(request.key)
        if facts is None:
            facts = known[request.key] = RequestFacts(request, found.owners, found.credentials)
        return facts

    beside = {key: visible_part(one) for key, one in found.beside.items() if one.searches}
    by_search: list[list[CollectedRequest]] = [[] for _ in evaluations]
    # What is looked at again for some searches may also stand in a window that another plan looks at.
    looking = {number for number, some in (found.stretches or {}).items() if some}
    for key, one in requests.items():
        for number in one.searches if key not in found.again else one.searches & (found.plans | looking):
            by_search[number].append(one)
    for one in beside.values():
        for number in one.searches & schedules.keys():
            by_search[number].append(one)
    for number, evaluation in enumerate(evaluations):
        if number in searches.deferred or not by_search[number]:
            continue
        name, detection = evaluation.plan.name, evaluation.detection.name
        if number not in schedules:
            with timed(name, "requests"), searches.spent.of(detection, len(by_search[number])):
                made = [
                    request_match(evaluation, one.request, one.events_for(number), facts_of(one.request))
                    for one in by_search[number]
                ]
            yield from (match for match in made if match is not None)
            continue
        events = [(event, one.request) for one in by_search[number] for event in one.events_for(number)]
        with timed(name, "windows"), searches.spent.of(detection, len(events)):
            stretches = found.stretches[number] if found.stretches is not None else None
            matches = list(aggregate_matches(evaluation, schedules[number], events, facts_of, stretches, notes_of))
        yield from matches
