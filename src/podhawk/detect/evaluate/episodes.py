"""The findings of aggregate plans: episodes of a by-key.

An aggregate plan looks at windows (see `windows`). Each row of a window has a by-key: the values of the fields that the
search groups by. While windows go on to give a row of a by-key it is one *episode* and one finding; it is over when one
length of the window passes without. The finding holds the rows of the episode's first and latest window, and is named
after the earliest request in it, so that its id is a pure function of the events.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import UNSET, Struct, field, structs

from podhawk.commands.properties import Effect
from podhawk.detect.evaluate.by_key import Apart, ByKey, Key, stored_by
from podhawk.detect.evaluate.entities import risk_objects, threat_objects
from podhawk.detect.evaluate.evaluation import TRUNCATED, Evaluation, kind_of, shown
from podhawk.detect.evaluate.finding_id import finding_id
from podhawk.detect.evaluate.group_bound import GROUPS, bounded
from podhawk.detect.evaluate.masked_rows import without_secrets
from podhawk.detect.evaluate.titles import title_of, with_outcome
from podhawk.detect.evaluate.windows import EVER, Schedule, Window
from podhawk.detect.finding import MOST_ROWS, Actor, Finding, FindingKind, Outcome, Target
from podhawk.detect.increment.evidence import STREAMED, Notes, NotesOf, Stretch, no_notes
from podhawk.detect.match import Match
from podhawk.detect.requests.facts import RequestFacts
from podhawk.detect.requests.request import Request
from podhawk.events.event import AuditEvent
from podhawk.functions.declare import Volatility
from podhawk.rows import Row, Table


class Seen(Struct, frozen=True):
    """An event that an aggregate plan wants: when it was written, its request, its place among events of its time, its
    rows, the by-keys that it is of, and what it is part of that the plan looks at by itself.

    The rows are those that reach the grouping, made once and not for each window, if no stage before that depends on
    the time of the window; else `rows` is the row of the event as the first clause selects it.
    """

    time: float
    event: AuditEvent
    request: Request
    place: tuple[int | str, ...]
    rows: tuple[Row, ...]
    keys: frozenset[Key]
    parts: frozenset[Key]


_Noted = tuple[tuple[int | str, ...], tuple[Row, ...], frozenset[Key], frozenset[Key]]


class Episode(Struct):
    """The windows, one after the other, in which a by-key had rows."""

    key: Key
    first: Window
    latest: Window
    tables: list[Table] = field(default_factory=list)


def aggregate_matches(
    evaluation: Evaluation,
    schedule: Schedule,
    events: Sequence[tuple[AuditEvent, Request]],
    facts_of: Callable[[Request], RequestFacts],
    stretches: Mapping[str, Mapping[str, Stretch]] | None = None,
    notes_of: NotesOf = no_notes,
) -> Iterator[Match]:
    """The findings of an aggregate plan over all events that it wants, those of each cluster by themselves. With
    `stretches`, by cluster and by-key, those that may have changed. `notes_of` gives what is remembered of an event."""
    kind = kind_of(evaluation.detection)
    if kind is None:
        return
    by = ByKey(evaluation.plan)
    apart = Apart(evaluation.plan, schedule, by)
    clusters: defaultdict[str, list[tuple[AuditEvent, Request]]] = defaultdict(list)
    for event, request in events:
        clusters[request.key.cluster].append((event, request))
    for cluster, own in clusters.items():
        spans = stretches.get(cluster, {}) if stretches is not None else None
        if spans is not None and not any(stretch.whole for stretch in spans.values()):
            continue  # no window has a row
        seen = sorted(
            _seen(evaluation, by, apart, own, notes_of),
            key=lambda one: (one.time, one.event.time or 0.0, one.place),
        )
        for stored, episode, stretch in _episodes(evaluation, schedule, by, apart, seen, spans):
            if stretch is None or stretch.touches(episode.first.end, episode.latest.end):
                yield _match(evaluation, by, kind, episode, seen, facts_of, stored)


def _seen(
    evaluation: Evaluation, by: ByKey, apart: Apart, events: Sequence[tuple[AuditEvent, Request]], notes_of: NotesOf
) -> Iterator[Seen]:
    at_once = Counter((event.time, event.stage_time) for event, _ in events)
    for event, request in events:
        alone = at_once[event.time, event.stage_time] == 1
        notes, name = notes_of(event), ("row", evaluation.detection.key, alone)
        known: _Noted | None = notes.get(name) if notes is not None else None
        if known is None:
            known = _row_and_keys(evaluation, by, apart, event, alone, notes)
            if notes is not None:
                notes[name] = known
        yield Seen(_written(event), event, request, *known)


def _row_and_keys(
    evaluation: Evaluation, by: ByKey, apart: Apart, event: AuditEvent, alone: bool, notes: Notes | None
) -> _Noted:
    timeless = evaluation.streams_the_same
    known: tuple[Row, ...] | None = None
    if notes is not None and alone and timeless:
        known = notes.get((STREAMED, evaluation.detection.key))
    row = evaluation.row(event, alone=alone) if known is None else None
    if row is not None and not by.kept and not timeless:
        return row.order.place, (row,), frozenset({()}), frozenset({()})
    evaluation.context.env.now = _written(event)
    rows = known if row is None else tuple(evaluation.search.stream([row.copy()]))
    assert rows is not None
    keys = by.of_event_rows(rows) if by.kept else frozenset({()})
    parts = keys if apart.of == by.kept else apart.of_rows(rows)
    return () if row is None else row.order.place, rows if row is None or timeless else (row,), keys, parts


def _written(event: AuditEvent) -> float:
    return event.stage_time or event.time or 0.0


def _episodes(
    evaluation: Evaluation,
    schedule: Schedule,
    by: ByKey,
    apart: Apart,
    seen: Sequence[Seen],
    spans: Mapping[str, Stretch] | None,
) -> Iterator[tuple[str, Episode, Stretch | None]]:
    """Episodes, each with what a state knows its part by and with the stretch that it was looked for in."""

    def looked_at(part: Sequence[Seen], stretch: Stretch | None) -> Iterator[Window]:
        times = [one.time for one in part]
        windows = schedule.sliding(times) if apart.monotone else schedule.positions(times)
        return (one for one in windows if stretch is None or stretch.looks_at(one.end))

    if not apart.of:
        stretch = None if spans is None else spans.get("")
        if (spans is not None and stretch is None) or not _firing(evaluation, by, apart, {(): seen}):
            return
        for episode in episodes_over(looked_at(seen, stretch), schedule.length, by, _tables(evaluation, seen)):
            yield "", episode, stretch
        return
    # Each part by itself: a minute that brought nothing for it cannot change its rows.
    parts: defaultdict[Key, list[Seen]] = defaultdict(list)
    for one in seen:
        for key in one.parts:
            parts[key].append(one)
    stored = {key: stored_by(evaluation, apart, key, part[0].event) for key, part in parts.items()}
    if spans is not None:
        parts = defaultdict(
            list, {key: part for key, part in parts.items() if stored[key] in spans and spans[stored[key]].whole}
        )
    firing = _firing(evaluation, by, apart, parts)
    for key in [key for key in parts if key in firing]:
        stretch = None if spans is None else spans[stored[key]]
        windows = looked_at(parts[key], stretch)
        for episode in episodes_over(windows, schedule.length, by, _tables(evaluation, parts[key])):
            if apart.of_key(episode.key) == key:
                yield stored[key], episode, stretch


def _firing(evaluation: Evaluation, by: ByKey, apart: Apart, parts: Mapping[Key, Sequence[Seen]]) -> set[Key]:
    """The parts that may have a row in some window: of a monotone plan, those with a row over all events."""
    if not apart.needs and not apart.of:
        return set(parts)
    if not apart.monotone:
        return {
            key
            for key, part in parts.items()
            if apart.needs.are_met(apart.needs.facts(row for one in part for row in evaluation.streamed(one.rows)))
        }
    seen = list({id(one): one for part in parts.values() for one in part}.values())
    seen.sort(key=lambda one: (one.time, one.event.time or 0.0, one.place))
    return {by.of_row(row) for row in _tables(evaluation, seen)(EVER).rows} if seen else set()


def _tables(evaluation: Evaluation, seen: Sequence[Seen]) -> Callable[[Window], Table]:
    """What the search gives for a window. Windows that follow one another often hold the same events."""
    times = [one.time for one in seen]
    timeless = all(one.command.volatility(one.node) is Volatility.IMMUTABLE for one in evaluation.plan.pipeline.stages)
    known: dict[tuple[int, int], Table] = {}

    def table(window: Window) -> Table:
        inside = bisect.bisect_left(times, window.start), bisect.bisect_left(times, window.end)
        if inside in known:
            return known[inside]
        evaluation.context.env.now = window.at
        state = evaluation.start()
        every = seen[slice(*inside)]
        some = every if window is EVER else bounded(every)
        rows = (row for one in some for row in one.rows)
        evaluation.search.reducer.add(state, evaluation.streamed(rows))
        found = evaluation.finish(state)
        if some is not every:
            for row in found.rows:
                row[TRUNCATED] = GROUPS
        if timeless:
            known.clear()
            known[inside] = found
        return found

    return table


def episodes_over(
    windows: Iterable[Window], length: float, by: ByKey, table_of: Callable[[Window], Table]
) -> Iterator[Episode]:
    """The episodes of windows that follow one another, each of `length` seconds."""
    open_ones: dict[Key, Episode] = {}
    for window in windows:
        table = table_of(window)
        rows: defaultdict[Key, list[Row]] = defaultdict(list)
        for row in table.rows:
            rows[by.of_row(row)].append(row)
        for key, own in rows.items():
            part = Table(own, table.columns)
            known = open_ones.get(key)
            if known is not None and window.end - known.latest.end <= length:
                known.latest = window
                known.tables[1:] = [part]
            else:
                if known is not None:
                    yield known
                open_ones[key] = Episode(key, window, window, [part])
    yield from open_ones.values()


def _match(
    evaluation: Evaluation,
    by: ByKey,
    kind: FindingKind,
    episode: Episode,
    seen: Sequence[Seen],
    facts_of: Callable[[Request], RequestFacts],
    stored: str,
) -> Match:
    first, last = (
        bisect.bisect_left(seen, time, key=lambda one: one.time) for time in (episode.first.start, episode.latest.end)
    )
    between = seen[first:last]
    # Where a by-field became columns or ranges (timechart, chart), rows do not tell which events they count.
    inside = [one for one in between if not by.kept or episode.key in one.keys] or list(between)
    requests = list(
        {
            one.request.key: one.request
            for one in sorted(inside, key=lambda one: (one.event.time or one.time, one.time, one.place))
        }.values()
    )
    detection = evaluation.detection
    tables = [without_secrets(table, [one.event for one in inside]) for table in episode.tables]
    if any(stage.groups is not None and stage.effect is Effect.KEEPS for stage in evaluation.plan.pipeline.stages):
        tables = [_without_those_of_others(table, between, by.last) for table in tables]
    rows = [row for table in tables for row in table.rows]
    fields = evaluation.fields(rows, [one.event for one in inside[:MOST_ROWS]])
    facts = [facts_of(request) for request in requests]
    outcome = common_outcome(Counter(one.outcome for one in facts))
    return Match(
        Finding(
            finding_id=finding_id(detection, requests[0].key, episode.key),
            detection=detection,
            kind=kind,
            first_time=min(one.event.time or one.time for one in inside),
            last_time=inside[-1].time,
            title=with_outcome(title_of(detection, fields), outcome),
            severity=detection.severity,
            risk_score=detection.risk_score,
            cluster=requests[0].key.cluster,
            actor=common_actor([one.actor for one in facts]),
            target=common_target([one.target for one in facts]),
            outcome=outcome,
            risk_objects=risk_objects(detection, fields),
            threat_objects=threat_objects(detection, fields),
            evaluable=not any(one.event.missing for one in inside),
            request_count=len(requests),
            requests=tuple(one.info for one in facts[:MOST_ROWS]),
            row_count=len(rows),
            rows=tuple(shown(row, table) for table in tables for row in table.rows)[:MOST_ROWS],
        ),
        tuple(requests[:MOST_ROWS]),
        search=evaluation.plan.pipeline,
        windows=(episode.first.end, episode.latest.end),
        by_key=stored,
    )


def _without_those_of_others(table: Table, between: Sequence[Seen], own: Sequence[str]) -> Table:
    """The rows without secrets of events that are not of their by-key, which the results of `eventstats` may hold. The
    by-key stays, so that nobody who writes the name of another one into a Secret takes that out of the risk."""
    secret = [one.event for one in between if one.event.unmasked is not None]
    if without_secrets(table, secret).rows == table.rows:
        return table
    found = without_secrets(table, [one.event for one in between])
    for row, before in zip(found.rows, table.rows, strict=True):
        row.update((name, before[name]) for name in own if name in before)
    return found


def common_actor(actors: Sequence[Actor]) -> Actor:
    """The actor of all requests; where they are several, what these have in common."""
    if not actors:
        return Actor()
    latest = next((one for one in reversed(actors) if one.borrowed), actors[-1])
    ips = tuple(dict.fromkeys(ip for one in actors for ip in one.source_ips))[:MOST_ROWS]
    if len({one.user for one in actors}) == 1:
        same = len({one.identity for one in actors}) == 1
        return structs.replace(latest, source_ips=ips, person=latest.person if same else UNSET)
    one_ip = len({one.source_ip for one in actors}) == 1
    one_kind = len({one.kind for one in actors}) == 1
    return Actor(
        kind=latest.kind if one_kind else "unknown", source_ip=latest.source_ip if one_ip else "", source_ips=ips
    )


def common_target(targets: Sequence[Target]) -> Target:
    """What the targets of all requests agree on."""

    def same(name: str) -> str:
        values = {getattr(target, name) for target in targets}
        return str(values.pop()) if len(values) == 1 else ""

    return Target(
        same("resource"),
        same("subresource"),
        same("api_group"),
        same("namespace"),
        same("name"),
        tuple(dict.fromkeys(image for target in targets for image in target.images))[:MOST_ROWS],
    )


def common_outcome(counts: Counter[Outcome]) -> Outcome:
    """Success if anything succeeded, else what most came to."""
    return "success" if counts["success"] else max(sorted(counts), key=lambda one: counts[one], default="unknown")
