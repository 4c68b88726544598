"""podhawk close: findings are closed."""

from __future__ import annotations

from typing import Any

import click

from podhawk.cli.options import declared
from podhawk.errors import UsageError

EPILOG = """\b
Examples:
  podhawk close deff7ab5 --disposition benign_positive --note 'planned migration' --state /var/lib/podhawk
"""


@click.command("close", epilog=EPILOG)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@declared("close")
def COMMAND(ids: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Set the status of findings to resolved, with a disposition.

    ID is the id of a finding, an earlier id of it, or the first 8 or more characters of one.
    """
    from podhawk.cli.triage import change
    from podhawk.settings.resolve import resolve

    settings = resolve("close", given)
    if not settings["disposition"]:
        raise UsageError(
            "missing --disposition",
            remedy="Say what the findings turned out to be; podhawk close --help lists the words.",
        )
    return change(ids, settings, status="resolved", disposition=settings["disposition"])
