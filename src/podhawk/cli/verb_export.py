"""podhawk export: content in other systems' form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.echo import echo
from podhawk.cli.options import declared
from podhawk.errors import UsageError
from podhawk.wording import counted

EPILOG = """\b
Examples:
  podhawk export splunk --output-dir build/
  podhawk export splunk --content detections/ --exceptions exceptions/ --output-dir build/
"""


@click.command("export", epilog=EPILOG)
@click.argument("what", metavar="splunk")
@declared("export")
def COMMAND(what: str, **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Write content as a Splunk app: saved searches, macros, lookups and analytic stories.

    The app is written as a folder and as an archive (.tar.gz). An app of an earlier export is replaced.
    """
    from podhawk import api
    from podhawk.authoring.export.app import export
    from podhawk.authoring.export.exceptions import with_filters
    from podhawk.authoring.export.savedsearches import left_out
    from podhawk.authoring.export.settings import app_settings
    from podhawk.content.selection import select
    from podhawk.detect.rank.exceptions import load_exceptions
    from podhawk.settings.resolve import resolve

    if what != "splunk":
        raise UsageError(f"unknown export target {what!r}", remedy="The only target is splunk: podhawk export splunk.")
    settings = with_content(resolve("export", given))
    if not settings["output_dir"]:
        raise UsageError("missing --output-dir DIR", remedy="Name the folder to write the app to.")
    content = api.content_of(settings.values, settings.macros)
    chosen = select(content, settings["only"], settings["exclude"])
    content, told = with_filters(content, chosen, load_exceptions(settings["exceptions"] or ()))
    made = export(content, chosen, app_settings(settings["content"]), Path(settings["output_dir"]))
    if not settings["quiet"]:
        for line in (*told, *left_out(content, chosen)):
            echo(line, err=True)
        echo(
            f"{made.folder} and {made.archive.name}: {counted(made.detections, 'saved search', 'saved searches')}, "
            f"{counted(made.macros, 'macro')}, {counted(made.lookups, 'lookup')}",
            err=True,
        )
    return 0
