"""podhawk search: one search, its rows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared, input_paths, search_text
from podhawk.wording import counted

if TYPE_CHECKING:
    from podhawk.settings.resolve import Settings

EPILOG = """\b
Examples:
  podhawk search 'verb=delete | stats count by user.username objectRef.resource' audit.log
  podhawk search 'objectRef.resource=secrets verb=list | head 5' logs/ -o jsonl
  podhawk search '* | timechart span=5m count by verb' audit.log --plot
  podhawk search '| makeresults | eval x=md5("a")'
  podhawk search @hunt.spl 'logs/*.gz' --earliest -24h --now 2026-11-25T00:00:00Z
"""


@click.command("search", epilog=EPILOG)
@click.argument("spl", metavar="SPL|@FILE|-")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("search")
def COMMAND(spl: str, paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Run one search over audit logs and print its rows.

    PATH is a file, a folder, a glob, - for standard input, or state:DIR for the events that podhawk serve keeps; .gz
    and .zst files are decompressed. A search that begins with a generating command such as | makeresults needs no PATH.
    """
    from podhawk.cli.profiled import profiled
    from podhawk.settings.resolve import resolve

    text, name = search_text(spl)
    settings = with_content(resolve("search", given))
    with profiled(settings):
        return _search(text, name, paths, settings)


def _search(text: str, name: str, paths: tuple[str, ...], settings: Settings) -> int:
    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.summary import print_input, print_slips, print_warnings, reading
    from podhawk.cli.tables import note
    from podhawk.detect.activity.row_fields import event_columns
    from podhawk.engine.plan.planner import read_search
    from podhawk.errors import SearchError, UsageError

    session = api.session_of(settings.values)
    content = api.content_of(settings.values, settings.macros)
    try:
        generates = read_search(text, content.macros, name).generates
        sources = list(paths) if generates and not paths else input_paths(paths)
        with reading(sources, session) as inputs:
            result = api.search(text, content=content, name=name, session=session, inputs=inputs)
    except SearchError as error:
        raise UsageError(error.message, place=error.place, remedy=error.remedy) from None
    content.keep()
    kind = output.format_of(settings["output"], settings["output_file"])
    columns = result.columns
    rows = list(result.shown() if kind == "table" else result)
    if kind == "table" and result.table.columns is None and len(columns) > 14:
        shown = event_columns(columns)
        note(f"showing {len(shown)} of {len(columns)} fields; select fields with | table …, or print all with -o jsonl")
        columns = shown
    with output.writer(settings["output_file"]) as out:
        if settings["plot"]:
            from podhawk.cli.plot import draw

            draw(result, out)
        else:
            output.print_rows(kind, rows, columns, out)
    if not settings["quiet"]:
        sys.stdout.flush()
        note(counted(len(rows), "row"))
        if sources:
            print_input(result.report)
        print_slips(result.stages)
        print_warnings(result.observed)
        for line in result.remarks:
            note(f"warning: {line}")
    return 0
