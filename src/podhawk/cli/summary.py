"""The summary on standard error: what was read, what fired, what could not."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from podhawk.api import DetectionResult, FindingsResult, Inputs, RowsResult
from podhawk.cli.tables import note
from podhawk.commands.declare import Stage
from podhawk.engine.plan.runnable import Broken, Unsupported
from podhawk.engine.search.stats import SearchStats
from podhawk.events.gaps import Gap
from podhawk.events.read import InputReport
from podhawk.wording import counted

MOST_GAPS = 20
"""Files that are warned of one by one."""
_WARNINGS = {
    "regex-limit": "a regular expression reached its match limit and was skipped",
    "no-geo-database": "iplocation added no fields: no geolocation database (add --geo FILE.mmdb)",
}
_HIDING = {
    "noise": "noise class {}",
    "exception": "exception {}",
    "throttling": "throttling of {}",
    "priority": "priority {}",
}


def print_input(report: InputReport) -> None:
    """What the input held: events by stage, rejects by reason with the first place of each."""
    for line in report.summary_lines():
        note(line)


@contextlib.contextmanager
def reading(paths: Sequence[str], *, keep: bool = False) -> Iterator[Inputs]:
    """The files of paths. However the block ends, a warning names each file that was not read, or not to its end."""
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
        note(f"warning: {counted(len(gaps) - MOST_GAPS, 'more file')} could not be read, or not to the end")


def print_slips(stages: Iterable[Stage]) -> None:
    """Hints about what is valid in a search and most likely meant otherwise."""
    for stage in stages:
        for slip in stage.command.slips(stage.node):
            where = f"{stage.source.place(slip.at)[0]}: " if stage.source is not None else ""
            note(f"hint: {where}{slip.message}")


def print_warnings(observed: SearchStats) -> None:
    """Each kind of warning once, with how often and the first detail."""
    for kind, count in sorted(observed.warnings.items()):
        detail = observed.details.get(kind, "")
        text = _WARNINGS.get(kind, kind.replace("-", " "))
        note(f"warning: {text}" + (f": {detail}" if detail else "") + (f" ({count} times)" if count > 1 else ""))
    if observed.not_evaluable:
        note(
            f"not evaluable: {counted(observed.not_evaluable, 'event')} without fields that this search "
            f"needs, cut or never logged by the carrier (first: {observed.first_blind})"
        )


def print_run(result: RowsResult | FindingsResult, *, everything: bool = False) -> None:
    """The state of each detection; for findings also how many are hidden, and why. `everything` says that hidden
    findings were printed too."""
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
        print_hidden(result, everything)
    for problem in result.content.problems:
        note(f"  content   {problem}")


def _line(one: DetectionResult, count: int, noun: str) -> str:
    name = one.detection.name
    if isinstance(one.runnability, Broken):
        return f"  broken    {name}: {one.runnability}"
    if isinstance(one.runnability, Unsupported) and one.runnability.code in ("command", "data-model"):
        return f"  refused   {name}: {one.runnability}"
    if one.result is None or (one.cannot and not count):
        return f"  cannot    {name}: {one.cannot or one.runnability}"
    blind = one.result.observed.not_evaluable
    lost = (
        (
            f"not evaluable on {counted(blind, 'event')} without the fields it needs (first: "
            f"{one.result.observed.first_blind})"
        )
        if blind
        else ""
    )
    if count:
        return f"  fired     {name}: {counted(count, noun)}" + (f"; {lost}" if lost else "")
    return f"  unknown   {name}: no {noun}s, but {lost}" if lost else f"  silent    {name}"


def print_hidden(result: FindingsResult, everything: bool) -> None:
    """How many findings are visible, and what hides the others."""
    total, visible = counted(len(result), "finding"), len(result.found.visible)
    hidden = len(result) - visible
    if not hidden:
        shown = f"{total} shown"
    elif everything:
        shown = f"{total} shown, {hidden:,} of them hidden by default"
    else:
        shown = f"{visible:,} of {total} shown. --all adds the {counted(hidden, 'hidden one')}"
    note(f"{shown}; --rows prints raw search results.")
    for what, name, count in result.found.hidden():
        note(f"  hidden    by {_HIDING[what].format(name)}: {counted(count, 'finding')}")
    tags = [f"{name} {count:,}" for (name, action), count in sorted(result.found.noise().items()) if action != "hide"]
    if tags:
        note(f"  tagged    {', '.join(tags)}")
    for one in result.expired():
        note(f"  expired   exception {one.name} ({one.file}) expired on {one.expires} and has no effect")
    for one in result.aimless():
        note(f"  unused    exception {one.name} ({one.file}): no detection is named {one.detection!r}")
