"""podhawk status: what a state holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from podhawk.cli.options import declared

if TYPE_CHECKING:
    from podhawk.api import Cell

EPILOG = """\b
Examples:
  podhawk status --state /var/lib/podhawk
  podhawk status -o json --state postgresql://podhawk@db/podhawk
"""


@click.command("status", epilog=EPILOG)
@declared("status")
def COMMAND(**given: Any) -> int:  # noqa: N802 - looked up by this name
    """Show what a state holds: kept events and the times that they cover, findings, incidents and how far work on them
    has come, and which detections began after the state had read events. Nothing is changed, and a running evaluation
    is not waited for."""
    from podhawk.cli import output
    from podhawk.cli.triage import state_of
    from podhawk.settings.resolve import resolve
    from podhawk.store.holdings import holdings

    settings = resolve("status", given)
    rows: list[dict[str, Cell]] = [
        {"what": name, "value": value} for name, value in holdings(state_of(settings)).items()
    ]
    with output.writer(settings["output_file"]) as out:
        kind = output.format_of(settings["output"], settings["output_file"])
        output.print_rows(kind, rows, ("what", "value"), out)
    return 0
