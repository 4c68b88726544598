"""podhawk assign: findings are assigned to somebody."""

from __future__ import annotations

from typing import Any

import click

from podhawk.cli.options import declared
from podhawk.errors import UsageError

EPILOG = """\b
Examples:
  podhawk assign deff7ab5 4368f686 --assignee alice --state /var/lib/podhawk
"""


@click.command("assign", epilog=EPILOG)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@declared("assign")
def COMMAND(ids: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Set who works on findings. Their status stays.

    ID is the id of a finding, an earlier id of it, or the first 8 or more characters of one.
    """
    from podhawk.cli.triage import change
    from podhawk.settings.resolve import resolve

    settings = resolve("assign", given)
    if not settings["assignee"]:
        raise UsageError("missing --assignee NAME", remedy="Say who works on the findings.")
    return change(ids, settings)
