"""Searches over the risk of users and systems, of the type Correlation: what makes incidents.

They are detections like others, only that they read the data model Risk in place of events. Each is looked at over its
own window, which slides over the minutes that brought risk: a minute whose events all score nothing moves no window. An
episode of its by-key (see `podhawk.detect.evaluate.episodes`) is a reason for an incident. A search sees one cluster at
a time, unless it names the field `cluster`.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar, cast, get_args

from msgspec.structs import replace

from podhawk.content.model import Content, Detection, Severity
from podhawk.detect.evaluate.entities import risk_objects
from podhawk.detect.evaluate.episodes import ByKey, Episode, episodes_over
from podhawk.detect.evaluate.evaluation import shown
from podhawk.detect.evaluate.message_tokens import MessageFields, NamesBefore
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.evaluate.titles import title_of
from podhawk.detect.evaluate.windows import Window, schedule_of
from podhawk.detect.finding import ScoredEntity
from podhawk.detect.match import Match
from podhawk.detect.risk.dataset import RiskDataset, row_of
from podhawk.detect.risk.incident import Reason, incident_of, joined
from podhawk.detect.risk_event import RiskEvent
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.plan.stages import compile_stages, run_stages
from podhawk.rows import Row, Table, texts
from podhawk.rows.values import as_number

_OBJECT: Final = ("risk_object", "normalized_risk_object")
Item = TypeVar("Item")
_CLUSTER: Final = re.compile(r"\bcluster\b")


def incident_matches(
    prepared: Iterable[Prepared],
    content: Content,
    events: Sequence[RiskEvent],
    findings: Callable[[Collection[str]], Mapping[str, Match]],
) -> list[Match]:
    """The incidents that searches over risk find in the risk events; `findings` gives by their ids what these come
    from."""
    reasons = [reason for one in prepared if events for reason in _reasons(one, content, events)]
    behind = findings({event.finding_id for one in reasons for event in one.events})
    return [incident_of(some, behind) for some in joined(reasons)]


def is_wide(one: Prepared) -> bool:
    """Whether a search over risk sees more than one risk object of one cluster at a time."""
    assert one.request is not None
    context = replace(one.request.context, env=replace(one.request.context.env))
    by = ByKey(make_plan(one.request.pipeline, context))
    return _across(one.detection) or not any(_plain(name) in _OBJECT for name in by.first)


def _across(detection: Detection) -> bool:
    """Whether a search sees all clusters at once."""
    return _CLUSTER.search(detection.search) is not None


def _reasons(one: Prepared, content: Content, events: Sequence[RiskEvent]) -> Iterator[Reason]:
    assert one.request is not None
    context = replace(one.request.context, env=replace(one.request.context.env))
    context.run_stages = lambda stages, table: run_stages(stages, table, context)
    plan = make_plan(one.request.pipeline, context)
    by = ByKey(plan)
    schedule = schedule_of(content.deployment_for(one.detection), context.env.zone)
    names = NamesBefore(plan.pipeline.stages)
    search = compile_stages(plan.pipeline.stages, context)

    def tables(times: Sequence[float], rows: Sequence[Row]) -> Callable[[Window], Table]:
        def table(window: Window) -> Table:
            context.env.now = window.at
            context.datasets = RiskDataset(_inside(rows, times, window.start, window.end)[::-1])
            return search(Table())

        return table

    apart = not _across(one.detection)
    for entity, part in _parts(by, events, apart=apart):
        if not any(event.applied > 0 for event in part):
            continue  # nothing moves a window
        times = [event.time for event in part]
        rows = [row_of(event, -number) for number, event in enumerate(part)]
        windows = schedule.sliding([event.time for event in part if event.applied > 0])
        for episode in episodes_over(windows, schedule.length, by, tables(times, rows)):
            start, end = episode.first.start, episode.latest.end
            pairs = zip(_inside(part, times, start, end), _inside(rows, times, start, end), strict=True)
            behind = _behind(list(pairs), by, episode.key)
            yield _reason(one.detection, episode, behind, names, schedule.length, entity if apart else None)


def _reason(
    detection: Detection,
    episode: Episode,
    events: Sequence[RiskEvent],
    names: NamesBefore,
    length: float,
    entity: tuple[str, str] | None,
) -> Reason:
    latest = episode.tables[-1].rows[-1]
    fields = MessageFields([latest], names, lambda name: ())
    score = round(as_number(latest.get("risk_score")) or detection.risk_score)
    gained = {(event.object_type, event.object) for event in events}
    return Reason(
        detection=detection,
        key=episode.key,
        entity=entity,
        start=episode.first.end,
        end=episode.latest.end,
        length=length,
        events=tuple(events),
        title=title_of(detection, fields),
        severity=_severity(detection.severity, latest),
        score=score,
        risk_objects=tuple(ScoredEntity("risk_object", *each, score) for each in gained)
        if len(gained) == 1
        else risk_objects(detection, fields),
        rows=tuple(shown(row, table) for table in episode.tables for row in table.rows),
    )


def _inside(items: Sequence[Item], times: Sequence[float], start: float, end: float) -> Sequence[Item]:
    """The items whose time is from `start` on and before `end`."""
    return items[bisect.bisect_left(times, start) : bisect.bisect_left(times, end)]


def _parts(
    by: ByKey, events: Sequence[RiskEvent], *, apart: bool
) -> Iterator[tuple[tuple[str, str] | None, Sequence[RiskEvent]]]:
    """The risk events that a search sees together, in order of time: those of one object where it groups by that, with
    this object; those of one cluster where these are to stay `apart`."""
    single = any(_plain(name) in _OBJECT for name in by.first)
    parts: defaultdict[tuple[str, ...], list[RiskEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.time, event.detection.name, event.finding_id, event.object)):
        key = (event.object_type, event.object) if single else ()
        parts[(*key, event.cluster) if apart else key].append(event)
    for part in parts.values():
        yield (part[0].object_type, part[0].object) if single else None, part


def _plain(name: str) -> str:
    """A field's name without that of its dataset."""
    return name.removeprefix("All_Risk.")


def _behind(pairs: Sequence[tuple[RiskEvent, Row]], by: ByKey, key: Sequence[str]) -> list[RiskEvent]:
    """The risk events that a by-key counts: those that score, or would but for the daily cap, where any does."""

    def counts(row: Row) -> bool:
        return all(
            value in texts(row[name]) for name, value in zip(map(_plain, by.kept), key, strict=True) if name in row
        )

    own = [event for event, row in pairs if counts(row)] or [event for event, _ in pairs]
    return [event for event in own if event.applied or event.capped] or own


def _severity(content: Severity, row: Row) -> Severity:
    """The severity that a row states, else the content's."""
    stated = row.get("severity")
    return cast(Severity, stated) if stated in get_args(Severity) else content
