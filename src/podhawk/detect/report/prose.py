"""A finding explained: what happened, why it fired, what its priority and risk are made of, what to look at next."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from podhawk.commands.context import Context
from podhawk.detect.finding import Finding
from podhawk.detect.match import Match
from podhawk.detect.report.brief_search import brief
from podhawk.detect.report.evidence import evidence_of
from podhawk.detect.report.next_steps import next_steps
from podhawk.detect.report.sentences import utc_minute, what_happened
from podhawk.detect.risk_event import RiskEvent
from podhawk.visible import visible_line
from podhawk.wording import counted

_WIDTH: Final = 100
_KINDS: Final = {"intermediate": "intermediate finding"}
"""Kinds of findings whose name is not a noun."""
_INDENT: Final = "  "
_MOST: Final = 20
_LONGEST: Final = 1000
"""Characters of a value."""
_LEAST: Final = 30
"""Characters of the narrowest column of wrapped text."""


def explained(
    match: Match,
    matches: Sequence[Match],
    risk: Sequence[RiskEvent],
    context: Context,
    bar: int,
    paths: Sequence[str],
    width: int = _WIDTH,
) -> Iterator[str]:
    """The explanation, in lines; sentences are wrapped at `width`, or at 100 where that is less. `matches` and `risk`
    are those of the run; `bar` is the priority from which on intermediate findings are visible."""
    width = min(width, _WIDTH) - len(_INDENT)
    finding = match.finding
    yield _cut(visible_line(finding.title))
    detection = finding.detection
    file = f" ({os.path.basename(detection.file)})" if detection.file else ""
    yield visible_line(f"{_KINDS.get(finding.kind, finding.kind)} {finding.finding_id} of {detection.name}{file}")
    yield from _titled("What happened", _wrapped(what_happened(finding), width))
    if finding.findings:
        yield from _titled("What it is made of", _parts(finding, matches))
    yield from _titled("Why it fired", _evidence(match, context, width))
    yield from _titled(f"Priority {finding.priority} of 100", _priority(finding, bar))
    yield from _titled("Risk", _risk(finding, risk))
    if match.requests or finding.requests:
        yield from _titled("Requests", _requests(finding))
    yield from _titled("What to look at next", _steps(finding, paths))
    yield from _titled(
        "Known false positives", _wrapped(detection.known_false_positives or "none are documented", width)
    )
    yield ""
    yield "The events: the same command with -o jsonl prints them as they stand in the log."


def _cut(text: str) -> str:
    """A value that is as long as anybody chose. The events have all of it."""
    more = len(text) - _LONGEST
    return text if more <= 0 else f"{text[:_LONGEST]}… ({more:,} more characters)"


def _titled(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield ""
    yield title
    for line in lines:
        yield f"{_INDENT}{line}"


def _wrapped(text: str, width: int) -> Iterator[str]:
    yield from textwrap.wrap(visible_line(" ".join(text.split())), width, break_on_hyphens=False) or [""]


def _hanging(lead: str, text: str, width: int) -> Iterator[str]:
    """A text behind a lead, the lines after the first one indented as far."""
    first, *further = textwrap.wrap(
        visible_line(text), max(width - len(lead), _LEAST), break_on_hyphens=False, break_long_words=False
    ) or [""]
    yield visible_line(f"{lead}{first}")
    yield from (f"{'':<{len(lead)}}{line}" for line in further)


def _parts(finding: Finding, matches: Sequence[Match]) -> Iterator[str]:
    by_id = {one.finding.finding_id: one.finding for one in matches}
    for number, name in enumerate(finding.findings):
        if number == _MOST:
            yield f"and {counted(len(finding.findings) - _MOST, 'more finding')}"
            return
        one = by_id.get(name)
        if one is None:
            yield f"{name} (of an earlier run)"
        else:
            yield visible_line(f"{utc_minute(one.first_time)}  {name}  {one.title}")


def _row(row: Mapping[str, Any], width: int) -> Iterator[str]:
    """A row, a line for each field; a long list of values is wrapped."""
    yield "  row:"
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        text = f"{name}: {', '.join('(none)' if one is None else str(one) for one in values)}"
        first, *further = _wrapped(text, width - 8)
        yield f"    {first}"
        yield from (f"        {line}" for line in further)


def _evidence(match: Match, context: Context, width: int) -> Iterator[str]:
    found = evidence_of(match, context)
    if found is None:
        rows = counted(match.finding.row_count, "row")
        behind = "It is made of findings." if match.finding.findings else "The events behind it are not in the input."
        yield f"Its search gave {rows}. {behind}"
        for row in match.finding.rows[:3]:
            yield from _row(row, width)
        return
    yield visible_line(f"The event at {found.origin} meets every condition of the search:")
    texts = [brief(one.text) for one in found.conditions]
    column = max((len(text) for text in texts if len(text) <= width // 2), default=0)
    for text, one in zip(texts, found.conditions, strict=True):
        values = "; ".join(
            f"{name} is {'absent' if value is None else value or '(empty)'}" for name, value in one.values
        )
        if len(text) <= column:
            yield from _hanging(f"  {text:<{column}}   ", values, width)
        else:
            yield from _hanging("  ", text, width)
            fits = max(map(len, values.split("; "))) <= width - column - 5
            yield from _hanging(f"  {'':<{column if fits else 3}}   ", values, width)
    if found.steps:
        yield "and passes its later steps:"
    for step in found.steps:
        yield from _hanging("  | ", brief(step), width)
    if match.finding.row_count and not match.matched:
        for row in match.finding.rows[:3]:
            yield from _row(row, width)


def _priority(finding: Finding, bar: int) -> Iterator[str]:
    for one in finding.priority_reasons:
        yield visible_line(f"{one.points:+4d}  {one.reason}")
    total = sum(one.points for one in finding.priority_reasons)
    if total != finding.priority and finding.priority_reasons:
        yield f"{total:4d}  in total, limited to the range from 0 to 100"
    yield visibility(finding, bar)


def visibility(finding: Finding, bar: int) -> str:
    """Whether people see a finding, and why, in a sentence."""
    if finding.visible:
        above = f"; its priority reaches the bar of {bar}" if finding.kind == "intermediate" else ""
        return f"It is visible: {_article(finding.kind)}{above}."
    if finding.suppressed_by is not None:
        one = finding.suppressed_by
        return visible_line(f"It is hidden by exception {one.name} ({one.file}): {one.reason}")
    hiding = [hit.noise_class for hit in finding.noise if hit.action == "hide"]
    if hiding:
        return f"It is hidden by noise class {', '.join(hiding)}."
    if finding.throttled:
        return "It is hidden by throttling: an equal finding came shortly before it."
    return f"It is hidden: an intermediate finding is visible from priority {bar} on."


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {_KINDS.get(kind, kind)}"


def _risk(finding: Finding, risk: Sequence[RiskEvent]) -> Iterator[str]:
    own = [one for one in risk if one.finding_id == finding.finding_id]
    if finding.kind == "incident":
        yield "An incident adds no risk: it is made of the risk of its findings."
        return
    for one in own:
        notes = list(one.notes)
        if one.applied != one.score:
            notes.insert(0, f"score {one.score}")
        why = f" ({'; '.join(notes)})" if notes else ""
        yield visible_line(f"{one.applied:+6g}  {one.object_type} {one.object}{why}")
    if not own:
        yield "It adds no risk."


def _requests(finding: Finding) -> Iterator[str]:
    for one in finding.requests[:_MOST]:
        code = f" → {one.code}" if one.code is not None else ""
        uri = _cut(visible_line(one.uri))
        yield visible_line(f"{one.received}  {one.verb} {uri}{code}  {one.source}  auditID {one.audit_id}")
    if finding.request_count > _MOST:
        yield f"and {counted(finding.request_count - _MOST, 'more request')}"


def _steps(finding: Finding, paths: Sequence[str]) -> Iterator[str]:
    steps = next_steps(finding, paths)
    for one in steps:
        yield visible_line(f"# {one.question}")
        yield visible_line(one.command)
    if not steps:
        yield "nothing: the finding names no object and no user"
