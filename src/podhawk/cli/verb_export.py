"""podhawk export: content in other systems' form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from podhawk.cli.options import declared
from podhawk.errors import UsageError

EPILOG = """\b
Examples:
  podhawk export splunk --output-dir build/
  podhawk export splunk --content detections/ --exceptions exceptions/ --output-dir build/
"""


@click.command("export", epilog=EPILOG)
@click.argument("what", metavar="splunk")
@declared("export")
def COMMAND(what: str, **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Write the content as an app that Splunk takes: saved searches, macros, lookups, analytic stories."""
    from podhawk import api
    from podhawk.authoring.export.app import export
    from podhawk.authoring.export.exceptions import with_filters
    from podhawk.authoring.export.settings import app_settings
    from podhawk.content.load import shipped_pack
    from podhawk.content.selection import select
    from podhawk.detect.rank.exceptions import load_exceptions
    from podhawk.settings.resolve import resolve

    if what != "splunk":
        raise UsageError(f"podhawk cannot export to {what!r}", remedy="podhawk export splunk is what there is.")
    settings = resolve("export", given)
    if not settings["output_dir"]:
        raise UsageError("export needs a folder to write to", remedy="Add --output-dir DIR.")
    content = api.content_of(settings.values, settings.macros)
    chosen = select(content, settings["only"], settings["exclude"])
    content, told = with_filters(content, chosen, load_exceptions(settings["exceptions"] or ()))
    made = export(content, chosen, app_settings(settings["content"] or [shipped_pack()]), Path(settings["output_dir"]))
    if not settings["quiet"]:
        for line in told:
            click.echo(line, err=True)
        click.echo(
            f"{made.folder}: {made.detections} saved searches, {made.macros} macros, {made.lookups} lookups", err=True
        )
    return 0
