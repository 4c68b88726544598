"""podhawk test: run the tests that content brings."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.echo import echo
from podhawk.cli.options import declared
from podhawk.errors import UsageError
from podhawk.wording import counted

if TYPE_CHECKING:
    from podhawk.authoring.testing.datasets import Places
    from podhawk.authoring.testing.run import Case, CaseOutcome
    from podhawk.content.model import Content
    from podhawk.session import Session

EPILOG = """\b
Examples:
  podhawk test
  podhawk test detections/ -o junit --output-file results.xml
  podhawk test --attack-data ../attack_data security_content/detections/cloud/kubernetes_cron_job_creation.yml
  podhawk test --update detections/my_detection.yml
  podhawk test --golden from_splunk.csv detections/my_detection.yml
  podhawk test --mutate detections/
"""
COLUMNS = ("test", "detection", "name", "rows", "message")


@click.command("test", epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("test")
def COMMAND(paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Run the tests of detections on their datasets.

    PATH is a content file or folder. Default: the content of the working folder.

    A test passes if its datasets give the expected number of rows, the rows equal the golden rows (if the test has
    them), and each risk object and threat object of the detection has a value in some row.
    """
    from podhawk import api
    from podhawk.authoring.changed import changed_here
    from podhawk.authoring.testing.datasets import Places
    from podhawk.authoring.testing.parallel import mapped
    from podhawk.authoring.testing.run import cases_of, run_case
    from podhawk.cli import output
    from podhawk.cli.progress import tracked
    from podhawk.content.root import load_around
    from podhawk.content.selection import select
    from podhawk.settings.resolve import resolve

    settings = resolve("test", given)
    settings = with_content(settings, paths, own=True)
    content, named = load_around(settings["content"], settings["overrides"], settings.macros)
    wanted = select(content, settings["only"], settings["exclude"])
    chosen = [one for one in named if one in wanted]
    if settings["changed"]:
        chosen = changed_here(content, chosen, settings["changed"], settings["content"])
    session = api.session_of({**settings.values, "jobs": 1})
    places = Places(_folder(settings["attack_data"]), _cache(settings["cache"], settings["fetch"]), settings["fetch"])
    cases = cases_of(chosen)
    jobs = settings["jobs"] or api.session_of({}).jobs
    if settings["golden"]:
        return _compare(cases, content, session, places, settings["golden"])
    if settings["mutate"]:
        tested, why = _mutate(cases, content, session, places, jobs, quiet=settings["quiet"])
        return 0 if tested or settings["allow_skipped"] else _nothing_tested(why)
    work = partial(run_case, content=content, session=session, places=places)
    outcomes = list(tracked(mapped(work, cases, jobs), len(cases), "testing", quiet=settings["quiet"]))
    if settings["update"]:
        failed = _update(outcomes, yes=settings["yes"])
        if failed or any(one.verdict != "skipped" for one in outcomes) or settings["allow_skipped"]:
            return 6 if failed else 0
        return _nothing_tested(_main_reason(outcomes))
    kind = output.format_of(settings["output"], settings["output_file"])
    with output.writer(settings["output_file"]) as out:
        print_outcomes(kind, outcomes, out)
    if not settings["quiet"]:
        _summary(outcomes)
    if any(one.verdict == "failed" for one in outcomes):
        return 6
    if any(one.verdict == "passed" for one in outcomes) or (settings["changed"] and not outcomes):
        return 0
    return 0 if settings["allow_skipped"] else _nothing_tested(_main_reason(outcomes))


def _main_reason(outcomes: Sequence[CaseOutcome]) -> str:
    """Why the first test did not run, and how many others did not. That a detection has no test is a reason only where
    none has one."""
    skipped = sorted((one for one in outcomes if one.verdict == "skipped"), key=lambda one: not one.case.test.name)
    if not skipped:
        return ""
    others = len(skipped) - 1
    return skipped[0].message + (f" ({counted(others, 'other')} skipped too)" if others else "")


def _nothing_tested(why: str) -> int:
    """Say why no test ran. This is an error: nothing is known of the detections."""
    echo(f"podhawk: nothing was tested: {why or 'there is no test'}", err=True)
    echo("  --fetch downloads datasets that tests name by URL; --allow-skipped accepts this.", err=True)
    return 6


def print_outcomes(kind: str, outcomes: Sequence[CaseOutcome], out: TextIO) -> None:
    """The outcomes in one of the formats."""
    from podhawk.cli import output

    if kind == "junit":
        from podhawk.authoring.testing.junit import junit

        out.write(junit(outcomes))
        return
    rows: list[dict[str, Any]] = [
        {
            "test": one.verdict,
            "detection": one.case.detection.name,
            "name": one.case.test.name,
            "rows": str(len(one.rows)),
            "message": "" if one.verdict == "passed" else one.message,
        }
        for one in outcomes
    ]
    if kind in ("jsonl", "json"):
        records = [
            {
                "detection": {
                    "name": one.case.detection.name,
                    "id": one.case.detection.id,
                    "file": one.case.detection.file,
                },
                "test": one.case.test.name,
                "outcome": one.verdict,
                "rows": len(one.rows),
                "message": one.message,
                "weak": one.weak,
                "details": list(one.details),
                "seconds": round(one.seconds, 3),
            }
            for one in outcomes
        ]
        (output.jsonl if kind == "jsonl" else output.as_json)(records, out)
        return
    output.print_rows(kind, rows, COLUMNS, out)


def _summary(outcomes: Sequence[CaseOutcome]) -> None:
    from podhawk.cli.tables import note

    sys.stdout.flush()
    counts = Counter(one.verdict for one in outcomes)
    for one in outcomes:
        if one.verdict == "failed":
            note(f"  failed  {one.case.detection.name}, {one.case.test.name}: {one.message}")
            for line in one.details:
                note(f"          {line}")
        elif one.weak:
            note(f"  weak    {one.case.detection.name}, {one.case.test.name}: {one.weak}; --update writes them")
    note(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")


def _update(outcomes: Sequence[CaseOutcome], *, yes: bool) -> bool:
    """Write golden rows, each file after its difference was shown and approved. Says which tests gave no rows to write;
    True if one of them failed."""
    from podhawk.authoring.testing.rows import differences, read_golden, write_golden

    failed = False
    for one in outcomes:
        about = f"{one.case.detection.name}, {one.case.test.name or 'no test'}"
        if one.verdict == "skipped" or not one.rows:
            echo(f"  no rows  {about}: {one.verdict}, {one.message}", err=True)
            failed = failed or one.verdict == "failed"
            continue
        target = one.case.golden
        before = read_golden(target) if target.is_file() else []
        lines = differences(before, one.rows)
        if not lines:
            echo(f"  same     {about}: {target}", err=True)
            continue
        echo(f"{target}: {about}")
        for line in lines:
            echo(f"  {line}")
        if yes or click.confirm("Write these rows?", default=False):
            write_golden(target, one.rows)
    return failed


def _compare(cases: Sequence[Case], content: Content, session: Session, places: Places, path: str) -> int:
    """Compare the rows of one test with those that Splunk exported."""
    from podhawk.authoring.testing.rows import differences, read_results_csv
    from podhawk.authoring.testing.run import run_case

    columns, expected = read_results_csv(path)
    if len(cases) != 1:
        raise UsageError(
            f"--golden compares one test, and {len(cases)} are selected", remedy="Select one detection with one test."
        )
    outcome = run_case(cases[0], content, session, places)
    if outcome.verdict == "skipped":
        raise UsageError(outcome.message)
    lines = differences(expected, outcome.rows, columns)
    for line in lines:
        echo(line)
    echo(
        f"{counted(len(outcome.rows), 'row')} here, {len(expected):,} in {path}: "
        + ("identical" if not lines else counted(len(lines), "difference"))
    )
    return 6 if lines else 0


def _mutate(
    cases: Sequence[Case], content: Content, session: Session, places: Places, jobs: int, *, quiet: bool
) -> tuple[bool, str]:
    """Mutate each detection, and say which mutants survive. Tells whether any detection was tested, and why the first
    that was not was not."""
    from podhawk.authoring.testing.mutate import score
    from podhawk.authoring.testing.parallel import mapped
    from podhawk.cli.progress import tracked

    tested = [one for one in cases if one.test.attack_data]
    groups = [list(own) for _, own in groupby(tested, key=lambda one: one.detection.name)]
    work = partial(score, content=content, session=session, places=places)
    total = killed = 0
    ran, why = False, ""
    for own, found in zip(
        groups, tracked(mapped(work, groups, jobs), len(groups), "mutating", quiet=quiet), strict=True
    ):
        if found.untested:
            echo(f"{own[0].detection.name}: not tested: {found.untested}", err=True)
            why = why or found.untested
            continue
        ran = True
        total += found.mutants
        killed += found.killed
        echo(f"{own[0].detection.name}: {found.killed:,} of {counted(found.mutants, 'mutant')} killed")
        for survivor in found.survivors:
            echo(f"    survives: {survivor.change}")
    echo(f"{killed:,} of {counted(total, 'mutant')} killed" + (f" ({killed / total:.0%})" if total else ""))
    return ran, why


def _cache(text: str | None, fetch: bool) -> Path | None:
    """The cache folder; with --fetch it is made when it is needed."""
    return Path(text) if text is not None and fetch else _folder(text)


def _folder(text: str | None) -> Path | None:
    if text is None:
        return None
    path = Path(text)
    if not path.is_dir():
        raise UsageError(f"no such folder: {text}")
    return path
