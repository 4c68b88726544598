"""podhawk timeline: findings in order of time, with what surrounds them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared, input_paths

if TYPE_CHECKING:
    from podhawk.api import Cell
    from podhawk.detect.activity.timeline import TimelineEntry

EPILOG = """\b
Examples:
  podhawk timeline audit.log
  podhawk timeline --group-by actor --around 15 logs/
  podhawk timeline --all -o jsonl audit.log
"""
_COLUMNS: Final = ("group", "time", "last_time", "kind", "severity", "priority", "finding_id", "actor", "count", "text")
_SHOWN: Final = ("time", "pri", "severity", "id", "by", "what")


@click.command("timeline", epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("timeline")
def COMMAND(paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """List findings in order of time, with what their actors did around them: requests of the same kind in one line.

    The log is read a second time for the requests of these actors; --around 0 leaves them out. Visible findings are
    shown; --all adds the others.
    """
    from msgspec.structs import replace

    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.summary import print_input, reading, waits
    from podhawk.detect.activity.digests import nearby_digest
    from podhawk.detect.activity.timeline import timeline_of
    from podhawk.settings.resolve import resolve

    settings = with_content(resolve("timeline", given))
    session = replace(api.session_of(settings.values), tell=waits)
    content = api.content_of(settings.values, settings.macros)
    around = _minutes(settings["around"]) * 60.0
    with reading(input_paths(paths), session, keep=True) as inputs:
        result = api.run(content, session=session, policies=api.policies_of(settings), inputs=inputs)
        findings = result.found.findings if settings["all"] else result.found.visible
        report = result.report
        del result  # the requests behind all findings: the second reading needs none of them
        nearby = nearby_digest(findings, around, content, inputs, session) if around else None
    entries = timeline_of(findings, nearby, settings["group_by"] or "none")
    kind = output.format_of(settings["output"], settings["output_file"])
    with output.writer(settings["output_file"], paged=kind == "table" and not settings["no_pager"]) as out:
        if kind in ("jsonl", "json"):
            (output.jsonl if kind == "jsonl" else output.as_json)((one.record() for one in entries), out)
        elif kind == "table":
            print_timeline(entries, out, settings["limit"])
        else:
            rows = [{name: _cell(one.record().get(name)) for name in _COLUMNS} for one in entries]
            output.print_rows(kind, rows, _COLUMNS, out)
    if not settings["quiet"]:
        sys.stdout.flush()
        print_input(report)
    return 0


def _minutes(text: str) -> int:
    from podhawk.errors import UsageError

    if not text.isdecimal():
        raise UsageError(f"--around must be a whole number of minutes, not {text!r}")
    return int(text)


def _cell(value: Any) -> Cell:
    return None if value is None else str(value)


def print_timeline(entries: Sequence[TimelineEntry], out: TextIO, limit: int | None) -> None:
    """The entries for people, a table for each group."""
    from podhawk.cli.findings_output import severity_style, short_times
    from podhawk.cli.tables import NARROW, print_clipped, table_width

    width = table_width(out)
    narrow = width < NARROW
    for number, (group, own) in enumerate(groupby(entries, key=lambda one: one.group)):
        if number:
            out.write("\n")
        rows = short_times([_row(one, naming=narrow and one.actor != group) for one in own], width)
        columns = [name for name in _SHOWN if name != "by" or (not narrow and any(row["by"] != group for row in rows))]
        print_clipped(rows, columns, out, fixed=_SHOWN[:4], limit=limit, noun="line", title=group, style=severity_style)


def _row(one: TimelineEntry, *, naming: bool) -> dict[str, Cell]:
    """A line; `naming` says that what an actor did names the actor, as findings do, because no column does."""
    from podhawk.cli.findings_output import severity_text
    from podhawk.detect.report.sentences import utc_minute

    found = one.finding
    number = f"{one.count:,} × " if one.count > 1 else ""
    row: dict[str, Cell] = {"time": utc_minute(one.time)[5:], "by": one.actor}
    if found is None:
        who = f"{one.actor.rpartition(':')[2]}: " if naming else ""
        return {**row, "pri": "", "severity": "", "id": "", "what": f"· {who}{number}{one.text}"}
    title = ("INCIDENT " if found.kind == "incident" else "") + one.text
    shown = {"pri": str(found.priority), "severity": severity_text(found.severity), "id": found.finding_id[:8]}
    return {**row, **shown, "what": title if found.visible else f"({title})"}
