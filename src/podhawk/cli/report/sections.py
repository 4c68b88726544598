"""The other sections of a report: the timeline, what could not be seen, what is hidden."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, Final

from podhawk.api import DetectionResult, FindingsResult
from podhawk.cli.report.facts import HiddenCount, TimelineLine, Unseen
from podhawk.cli.summary import hidden_text, judgement_text
from podhawk.detect.activity.identity_rows import urgency
from podhawk.detect.activity.timeline import TimelineEntry
from podhawk.detect.finding import Finding
from podhawk.detect.report.sentences import utc_minute

MOST_TIMED: Final = 300
"""Findings in the timeline."""
MOST_PRINTED: Final = 60
"""Lines of the timeline that are printed."""
AROUND: Final = 300.0
"""Seconds around findings in which the other requests of their actors are listed."""


def for_timeline(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of the timeline: the most urgent, if there are very many."""
    return sorted(findings, key=urgency)[:MOST_TIMED]


def timeline_lines(entries: Sequence[TimelineEntry]) -> tuple[TimelineLine, ...]:
    """The lines of the timeline, in order of time. Findings by the same detection about the same actor with the same
    outcome are one line, as long as no more than five minutes lie between them."""
    runs: list[list[TimelineEntry]] = []
    latest: dict[Any, list[TimelineEntry]] = {}
    for entry in entries:
        found = entry.finding
        if found is None:
            runs.append([entry])
            continue
        key = found.detection.key, entry.actor, found.outcome, found.visible, found.severity
        run = latest.get(key)
        if run is not None and entry.time - run[-1].time <= AROUND:
            run.append(entry)
        else:
            runs.append([entry])
            latest[key] = runs[-1]
    urgent = sorted((one for run in runs if (one := _told(run)) is not None), key=urgency)[:MOST_PRINTED]
    printed = {one.finding_id for one in urgent}
    return tuple(_timeline_line(run, printed) for run in runs)


def _told(run: Sequence[TimelineEntry]) -> Finding | None:
    """The finding that a line tells; None if it is about requests around findings."""
    return min((one.finding for one in run if one.finding is not None), key=urgency, default=None)


def _timeline_line(run: Sequence[TimelineEntry], printed: Container[str]) -> TimelineLine:
    told = _told(run)
    return TimelineLine(
        first=utc_minute(run[0].time),
        last=utc_minute(max(one.last for one in run)),
        severity=told.severity if told is not None else "",
        actor=run[0].actor,
        text=told.title if told is not None else run[0].text,
        count=len(run) if told is not None else run[0].count,
        incident=told is not None and told.kind == "incident",
        hidden=told is not None and not told.visible,
        printed=told is not None and told.finding_id in printed,
    )


def unseen_of(detections: Sequence[DetectionResult]) -> tuple[tuple[Unseen, ...], tuple[str, ...]]:
    """The detections that could not be judged, or not on all events; and the names of those that were silent."""
    found = [
        Unseen(
            one.judgement.word,
            one.detection.name,
            one.detection.file,
            judgement_text(one.judgement, "finding"),
        )
        for one in detections
        if one.judgement.undecided or one.judgement.word not in ("fired", "hunting", "silent")
    ]
    order = ("broken", "refused", "cannot", "unknown")
    ranked = sorted(found, key=lambda one: order.index(one.word) if one.word in order else len(order))
    return tuple(ranked), tuple(sorted(one.detection.name for one in detections if one.judgement.word == "silent"))


def hiding_of(result: FindingsResult) -> tuple[HiddenCount, ...]:
    """How many findings are hidden, by what hides them."""
    notes = {
        one.name: f"{one.reason} (owner {one.owner}, until {one.expires.isoformat()})" for one in result.exceptions
    }
    return tuple(
        HiddenCount(count, hidden_text(what, name), notes.get(name, "") if what == "exception" else "")
        for what, name, count in result.found.hidden()
    )
