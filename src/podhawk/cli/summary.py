"""The summary on standard error: what was read, what fired, what could not."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from podhawk.api import DetectionResult, FindingsResult, Inputs, RowsResult
from podhawk.cli.tables import note
from podhawk.engine.search.compiled import Observed
from podhawk.events.gaps import Gap
from podhawk.events.read import InputReport

MOST_GAPS = 20
"""Files that are warned of one by one."""
_WARNINGS = {
    "regex-limit": "a regular expression reached its match limit and was given up",
    "no-geo-database": "iplocation added nothing: no geo database (give one with --geo FILE.mmdb)",
}


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 row", "2 rows"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def print_input(report: InputReport) -> None:
    """What the input held: events by stage, rejects by reason with the first place of each."""
    for line in report.summary_lines():
        note(line)


@contextlib.contextmanager
def reading(paths: Sequence[str], *, keep: bool = False) -> Iterator[Inputs]:
    """The files of paths. However the block ends, a warning tells of each file that was not read, or not to its end."""
    with Inputs(paths, keep=keep) as inputs:
        try:
            yield inputs
        finally:
            sys.stdout.flush()
            print_gaps(inputs.gaps)


def print_gaps(gaps: Mapping[str, Gap]) -> None:
    """A warning for each file that was not read, or not to its end."""
    for path, gap in list(gaps.items())[:MOST_GAPS]:
        note(f"warning: {gap.text(path)}")
    if len(gaps) > MOST_GAPS:
        note(f"warning: {len(gaps) - MOST_GAPS:,} more were not read, or not to their end")


def print_warnings(observed: Observed) -> None:
    """Each kind of warning once, with how often and the first detail."""
    for kind, count in sorted(observed.warnings.items()):
        detail = observed.details.get(kind, "")
        text = _WARNINGS.get(kind, kind.replace("-", " "))
        note(f"warning: {text}" + (f": {detail}" if detail else "") + (f" ({count} times)" if count > 1 else ""))
    if observed.not_evaluable:
        note(
            f"not evaluable: {counted(observed.not_evaluable, 'event')} without what this search needs, lost or never "
            f"given by the carrier (first: {observed.first_blind})"
        )


def print_run(result: RowsResult | FindingsResult) -> None:
    """Per detection: fired, silent, or why it cannot; of findings also what is out of sight, and why."""
    fired = Counter(one.detection.name for one in result) if isinstance(result, FindingsResult) else None

    def yields(one: DetectionResult) -> int:
        if fired is not None:
            return fired[one.detection.name]
        return len(one.result.table.rows) if one.result is not None else 0

    for one in sorted(result.detections, key=lambda item: not yields(item)):
        note(_line(one, yields(one), "row" if fired is None else "finding"))
        if one.result is not None:
            for kind, count in sorted(one.result.observed.warnings.items()):
                detail = one.result.observed.details.get(kind, "")
                note(f"            warning: {_WARNINGS.get(kind, kind.replace('-', ' '))}: {detail} ({count})")
    if isinstance(result, FindingsResult):
        print_hidden(result)
    for problem in result.content.problems:
        note(f"  content   {problem}")


def _line(one: DetectionResult, count: int, noun: str) -> str:
    name = one.detection.name
    if one.broken is not None:
        return f"  broken    {name}: {one.broken}"
    if one.refused:
        return f"  refused   {name}: {one.refused}"
    if one.result is None or (one.cannot and not count):
        return f"  cannot    {name}: cannot fire here: {one.cannot}"
    blind = one.result.observed.not_evaluable
    lost = (
        (
            f"not evaluable on {counted(blind, 'event')} that lack what it needs "
            f"(first: {one.result.observed.first_blind})"
        )
        if blind
        else ""
    )
    if count:
        return f"  fired     {name}: {counted(count, noun)}" + (f"; {lost}" if lost else "")
    return f"  unknown   {name}: no {noun}s, but {lost}" if lost else f"  silent    {name}"


def print_hidden(result: FindingsResult) -> None:
    """How many findings are to be seen, and what keeps the others out of sight."""
    visible = len(result.found.visible)
    note(f"{counted(visible, 'finding')} to look at of {len(result):,}; --all shows the others, --rows the rows")
    for what, name, count in result.found.hidden():
        note(f"  hidden    by {what} {name}: {counted(count, 'finding')}")
    tags = [f"{name} {count:,}" for (name, action), count in sorted(result.found.noise().items()) if action != "hide"]
    if tags:
        note(f"  noted     {', '.join(tags)}")
    for one in result.expired():
        note(f"  expired   exception {one.name} ({one.file}) ended on {one.expires} and does nothing")
    for one in result.aimless():
        note(f"  aimless   exception {one.name} ({one.file}) is about {one.detection!r}: no detection is so called")
