"""podhawk ack: findings are taken into work."""

from __future__ import annotations

from typing import Any

import click

from podhawk.cli.options import declared

EPILOG = """\b
Examples:
  podhawk ack deff7ab5 --assignee alice --state /var/lib/podhawk
"""


@click.command("ack", epilog=EPILOG)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@declared("ack")
def COMMAND(ids: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Set the status of findings to in_progress.

    ID is the id of a finding, an earlier id of it, or the first 8 or more characters of one.
    """
    from podhawk.cli.triage import change
    from podhawk.settings.resolve import resolve

    settings = resolve("ack", given)
    return change(ids, settings, status="in_progress")
