"""The summary on standard error: what was read, what fired, what could not."""

from __future__ import annotations

from podhawk.api import RunResult
from podhawk.cli.tables import note
from podhawk.engine.job import Observed
from podhawk.events.read import InputReport

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


def print_warnings(observed: Observed) -> None:
    """Each kind of warning once, with how often and the first detail."""
    for kind, count in sorted(observed.warnings.items()):
        detail = observed.details.get(kind, "")
        text = _WARNINGS.get(kind, kind.replace("-", " "))
        note(f"warning: {text}" + (f": {detail}" if detail else "") + (f" ({count} times)" if count > 1 else ""))
    if observed.not_evaluable:
        note(f"not evaluable: {counted(observed.not_evaluable, 'event')} without what this search needs, lost or never "
             f"given by the carrier (first: {observed.first_blind})")


def print_run(result: RunResult) -> None:
    """Per detection: fired, silent, or why it cannot."""
    for one in sorted(result.detections, key=lambda item: (item.result is None or not item.result.table.rows)):
        name = one.detection.name
        if one.broken is not None:
            note(f"  broken    {name}: {one.broken}")
        elif one.refused:
            note(f"  refused   {name}: {one.refused}")
        elif one.result is None or (one.cannot and not one.result.table.rows):
            note(f"  cannot    {name}: cannot fire here: {one.cannot}")
        else:
            rows = len(one.result.table.rows)
            blind = one.result.observed.not_evaluable
            lost = (f"not evaluable on {counted(blind, 'event')} that lack what it needs "
                    f"(first: {one.result.observed.first_blind})") if blind else ""
            if rows:
                note(f"  fired     {name}: {counted(rows, 'row')}" + (f"; {lost}" if lost else ""))
            else:
                note(f"  unknown   {name}: no rows, but {lost}" if lost else f"  silent    {name}")
        if one.result is not None:
            for kind, count in sorted(one.result.observed.warnings.items()):
                detail = one.result.observed.details.get(kind, "")
                note(f"            warning: {_WARNINGS.get(kind, kind.replace('-', ' '))}: {detail} ({count})")
    for problem in result.content.problems:
        note(f"  content   {problem}")
