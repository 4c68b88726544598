"""podhawk lint: check content."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.echo import echo
from podhawk.cli.options import declared
from podhawk.visible import json_escaped
from podhawk.wording import counted
from podhawk.writing import write_text

if TYPE_CHECKING:
    from podhawk.authoring.lint.declare import Problem

EPILOG = """\b
Examples:
  podhawk lint detections/
  podhawk lint --changed origin/main -o github
  podhawk lint --baseline lint-baseline.json detections/
  podhawk lint -o sarif --output-file lint.sarif detections/
  podhawk lint --schema 3 > detection.schema.json
"""
COLUMNS = ("level", "check", "where", "message")


@click.command("lint", epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("lint")
def COMMAND(paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Check the metadata, annotations, field and macro names, and searches of detections.

    PATH is a content file or folder; podhawk finds the rest of the content from there. Default: the
    content of the working folder.
    """
    from podhawk.authoring.changed import changed_here
    from podhawk.authoring.lint.report import read_baseline, write_baseline
    from podhawk.authoring.lint.run import ignored_of, lint
    from podhawk.cli import output
    from podhawk.content.root import load_around
    from podhawk.content.selection import select
    from podhawk.settings.resolve import resolve

    settings = resolve("lint", given)
    if settings["schema"]:
        from podhawk.authoring.lint.jsonschema import schema_of

        echo(json.dumps(schema_of(settings["schema"]), indent=2))
        return 0
    settings = with_content(settings, paths, own=True)
    content, named = load_around(settings["content"], settings["overrides"], settings.macros)
    wanted = (
        select(content, settings["only"], settings["exclude"]) if settings["only"] or settings["exclude"] else named
    )
    chosen = [one for one in named if one in wanted]
    if settings["changed"]:
        chosen = changed_here(content, chosen, settings["changed"], settings["content"])
    problems = lint(content, chosen, ignored_of(settings.tables.get("lint", {})))
    if settings["fix"]:
        problems = _fix(problems)
    if settings["baseline"]:
        baseline = Path(settings["baseline"])
        if not baseline.exists():
            write_baseline(baseline, problems)
            echo(
                f"{counted(len(problems), 'problem')} written to {baseline}; with this --baseline, only new "
                "problems are reported",
                err=True,
            )
            return 0
        known = read_baseline(baseline)
        problems = [one for one in problems if one.fingerprint() not in known]
    kind = output.format_of(settings["output"], settings["output_file"])
    with output.writer(settings["output_file"]) as out:
        print_problems(kind, problems, out)
    if not settings["quiet"]:
        sys.stdout.flush()
        counts = Counter(one.level for one in problems)
        echo(
            f"{counted(len(chosen), 'detection')}: {counted(counts['error'], 'error')}, "
            f"{counted(counts['warning'], 'warning')}, {counted(counts['note'], 'note')}",
            err=True,
        )
    bad = ("error", "warning") if settings["strict"] else ("error",)
    return 3 if any(one.level in bad for one in problems) else 0


def print_problems(kind: str, problems: Sequence[Problem], out: TextIO) -> None:
    """The problems in one of the formats."""
    from podhawk.authoring.lint.report import github, record, sarif
    from podhawk.cli import output

    if kind == "sarif":
        out.write(json_escaped(json.dumps(sarif(problems, Path.cwd()), indent=1)) + "\n")
    elif kind == "github":
        out.writelines(f"{line}\n" for line in github(problems, Path.cwd()))
    elif kind in ("jsonl", "json"):
        (output.jsonl if kind == "jsonl" else output.as_json)(map(record, problems), out)
    else:
        rows: list[dict[str, Any]] = [
            {
                "level": one.level,
                "check": one.check,
                "where": _where(one),
                "message": one.message + (f"\n→ {one.remedy}" if one.remedy else ""),
            }
            for one in problems
        ]
        output.print_rows(kind, rows, COLUMNS, out)


def _where(one: Problem) -> str:
    path = Path(one.place.file)
    shown = path.resolve().relative_to(Path.cwd()) if path.resolve().is_relative_to(Path.cwd()) else path
    return f"{shown}:{one.place.line}" if one.place.line else str(shown)


def _fix(problems: Sequence[Problem]) -> list[Problem]:
    """Apply the safe fixes, one per file and call; return the remaining problems."""
    left = []
    done = set()
    for one in problems:
        if one.fix is None or one.place.file in done:
            left.append(one)
            continue
        write_text(one.place.file, one.fix)
        done.add(one.place.file)
        echo(f"fixed {one.check} in {one.place.file}", err=True)
    return left
