"""`podhawk run -o html`: what a run found, gathered and written as one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from podhawk.api import FindingsResult, Inputs
from podhawk.cli.report.facts import ReportFacts
from podhawk.cli.report.identities import explaining, identities_of
from podhawk.cli.report.page import report_page
from podhawk.cli.report.sections import AROUND, for_timeline, hiding_of, timeline_lines, unseen_of
from podhawk.content.load import shipped_pack
from podhawk.detect.activity.digests import nearby_digest
from podhawk.detect.activity.timeline import timeline_of
from podhawk.detect.finding import Finding
from podhawk.detect.report.sentences import utc_minute
from podhawk.events.read import InputReport
from podhawk.session import Session
from podhawk.settings.resolve import Settings
from podhawk.wording import counted

_MOST: Final = 20
"""Logs, clusters, gaps and faults of content that are named."""
PRINTED_IDENTITIES: Final = 50
PRINTED_LINES: Final = 8
"""Findings of a group. A printed report is read from the beginning; the file has the rest."""


def print_report(
    result: FindingsResult,
    told: Sequence[Finding],
    out: TextIO,
    *,
    session: Session,
    settings: Settings,
    inputs: Inputs,
    paths: Sequence[str],
) -> None:
    """The report of a run. `told` are the findings to report on; `paths` are the logs as they were named. The input is
    read a second time for what the actors did around their findings."""
    everything = bool(settings["all"])
    shown = [one for one in told if everything or one.visible]
    timed = for_timeline(shown)
    # A cluster reads the input in places that this machine may not reach.
    nearby = nearby_digest(timed, AROUND, result.content, inputs, session) if session.cluster is None else None
    context = session.context(result.content)
    known = explaining(result, context, paths)
    identities, more = identities_of(shown, known)
    unseen, silent = unseen_of(result.detections)
    facts = ReportFacts(
        clusters=_first(sorted({one.cluster for one in shown}) or [session.reading.cluster or "default"]),
        paths=_first(list(paths)),
        content=tuple("the shipped pack" if one == str(shipped_pack()) else one for one in settings["content"]),
        made=utc_minute(session.now),
        read=tuple(result.report.summary_lines()),
        shown=len(shown),
        total=len(result),
        incidents=sum(one.kind == "incident" for one in shown),
        hidden=sum(not one.visible for one in result),
        with_hidden=everything,
        identities=identities,
        more_identities=more,
        detections=tuple(known.detections.values()),
        timeline=timeline_lines(timeline_of(timed, nearby, "none")),
        untimed=len(shown) - len(timed),
        around=nearby is not None and bool(nearby.actions),
        unseen=unseen,
        silent=silent,
        gaps=_first([*_lost(result.report), *(gap.text(path) for path, gap in inputs.gaps.items())]),
        problems=_first(list(map(str, result.content.problems))),
        hiding=hiding_of(result),
        printed_identities=PRINTED_IDENTITIES,
        printed_lines=PRINTED_LINES,
        printed_detections=frozenset(
            group.first.detection.key for one in identities for group in one.groups if group.full
        ),
    )
    out.write(report_page(facts))


def _first(texts: list[str]) -> tuple[str, ...]:
    """The first of many texts, and how many more there are."""
    return (*texts[:_MOST], *([f"and {len(texts) - _MOST:,} more"] if texts[_MOST:] else ()))


def _lost(report: InputReport) -> Iterator[str]:
    """What is not in the events: records that were rejected, and parts that were cut off."""
    for line in report.rejections():
        yield f"rejected: {line}"
    if report.truncated:
        yield f"{counted(report.truncated, 'event')} arrived truncated: fields after the cut are missing"
