"""The summary on standard error: what was read, what fired, what could not."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from podhawk.api import DetectionResult, FindingsResult, Inputs, RowsResult, Session, inputs_for
from podhawk.cli.progress import reading_bar
from podhawk.cli.tables import note
from podhawk.commands.declare import Stage
from podhawk.detect.passes.settle import Policies
from podhawk.engine.search.judgement import Judgement
from podhawk.engine.search.stats import SearchStats
from podhawk.events.gaps import Gap
from podhawk.events.read import InputReport
from podhawk.wording import counted

MOST_SILENT = 5
"""Silent detections that are named on a terminal."""
MOST_GAPS = 20
"""Files that are warned of one by one."""
_WARNINGS = {
    "eval-limit": "eval left out a value that is too large",
    "regex-limit": "a regular expression reached its match limit and was skipped",
    "no-geo-database": "iplocation added no fields: no geolocation database (add --geo FILE.mmdb)",
}
_HIDING = {
    "noise": "noise class {}",
    "exception": "exception {}",
    "throttling": "throttling of {}",
    "priority": "priority {}",
}


def waits(message: str) -> None:
    """Say what a run waits for. Also with --quiet: somebody may be looking at a run that does not go on."""
    note(f"podhawk: {message}")


def print_policies(policies: Policies) -> None:
    """A warning for each setting of the site that can have no effect."""
    for line in policies.risk.remarks():
        note(f"warning: {line}")


def print_input(report: InputReport) -> None:
    """What the input held: events by stage, rejects by reason with the first place of each."""
    for line in report.summary_lines():
        note(line)


@contextlib.contextmanager
def reading(paths: Sequence[str], session: Session, *, keep: bool = False) -> Iterator[Inputs]:
    """The files of paths. However the block ends, a warning names each file that was not read, or not to its end."""
    with inputs_for(paths, session, keep=keep) as inputs:
        try:
            with reading_bar(lambda: inputs.size):
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


def print_run(
    result: RowsResult | FindingsResult, *, everything: bool = False, on_terminal: bool | None = None
) -> None:
    """The state of each detection; for findings also how many are hidden, and why. `everything` says that hidden
    findings were printed too. On a terminal, many silent detections are a number: their names would push the findings
    off the screen."""
    noun = "finding" if isinstance(result, FindingsResult) else "row"
    names = Counter(one.detection.name for one in result.detections)
    told = sorted(result.detections, key=lambda item: not item.judgement.count)
    quiet = [one for one in told if one.judgement.word == "silent" and not one.judgement.reason]
    if (sys.stderr.isatty() if on_terminal is None else on_terminal) and len(quiet) > MOST_SILENT:
        told = [one for one in told if one not in quiet]
    else:
        quiet = []
    for one in told:
        note(_line(one, noun, twin=names[one.detection.name] > 1))
        if one.result is not None:
            for kind, count in sorted(one.result.observed.warnings.items()):
                detail = one.result.observed.details.get(kind, "")
                note(f"            warning: {_WARNINGS.get(kind, kind.replace('-', ' '))}: {detail} ({count})")
    if quiet:
        note(f"  silent    {len(quiet):,} detections; --judgements-only names them")
    if isinstance(result, FindingsResult):
        print_hidden(result, everything)
        print_changes(result)
    for problem in result.content.problems:
        note(f"  content   {problem}")


def _line(one: DetectionResult, noun: str, *, twin: bool) -> str:
    """A detection's line. A `twin` has the name of another detection, and is told apart by its file."""
    name = f"{one.detection.name} ({one.detection.file})" if twin else one.detection.name
    text = judgement_text(one.judgement, noun)
    return f"  {one.judgement.word:<9} {name}" + (f": {text}" if text else "")


def judgement_text(found: Judgement, noun: str) -> str:
    """What a judgement says beside its word. `noun` is what is counted: finding or row."""
    blind = found.blind_text()
    match found.word:
        case "fired":
            return counted(found.count, noun) + (f"; {blind}" if blind else "")
        case "hunting":
            return f"{counted(found.count, 'row')} (--rows prints them)" + (f"; {blind}" if blind else "")
        case "unknown":
            return f"no {noun}s, but {blind}"
        case _:
            return found.reason


def print_changes(result: FindingsResult) -> None:
    """With a state: what this run changed in it."""
    changes = result.found.changes
    if changes is None:
        return
    kinds = Counter(one.kind for one in changes.values())
    gone, known = len(result.found.gone), result.found.known
    note(
        f"{kinds['new']:,} new, {kinds['revised']:,} changed, {gone:,} gone, {known:,} known. "
        "--all-known prints everything known."
    )
    if result.found.began:
        note(
            f"{counted(len(result.found.began), 'detection')} new to this state: {', '.join(result.found.began[:5])}"
            f"{', …' if len(result.found.began) > 5 else ''}. The state does not know what they would have found in "
            "the logs that it read before. podhawk run --backfill over those logs finds it."
        )


def hidden_text(what: str, name: str) -> str:
    """What hides findings, in words."""
    return _HIDING[what].format(name)


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
        note(f"  hidden    by {hidden_text(what, name)}: {counted(count, 'finding')}")
    tags = [f"{name} {count:,}" for (name, action), count in sorted(result.found.noise().items()) if action != "hide"]
    if tags:
        note(f"  tagged    {', '.join(tags)}")
    for one in result.expired():
        note(f"  expired   exception {one.name} ({one.file}) expired on {one.expires}: it holds for older events only")
    for one in result.aimless():
        note(f"  unused    exception {one.name} ({one.file}): no detection is named {one.detection!r}")
