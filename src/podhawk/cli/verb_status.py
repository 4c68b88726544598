"""podhawk status: what a state holds."""

from __future__ import annotations

from collections.abc import Iterator
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
    has come, and which detections began after the state had read events; of podhawk serve also what its lake
    holds, and what became of the events of each sender. Nothing is changed, and a running evaluation is not waited
    for."""
    from podhawk.cli import output
    from podhawk.cli.triage import state_of
    from podhawk.settings.resolve import resolve
    from podhawk.store.database import is_url
    from podhawk.store.holdings import holdings
    from podhawk.store.lake import lake_holdings

    settings = resolve("status", given)
    state = state_of(settings)
    found = list(holdings(state).items())
    if not is_url(state):
        found += [*lake_holdings(state).items(), *_ledger(state)]
    rows: list[dict[str, Cell]] = [{"what": name, "value": value} for name, value in found]
    with output.writer(settings["output_file"]) as out:
        kind = output.format_of(settings["output"], settings["output_file"])
        output.print_rows(kind, rows, ("what", "value"), out)
    return 0


def _ledger(state: str) -> Iterator[tuple[str, str]]:
    """What senders sent to podhawk serve, and what became of it."""
    from podhawk.serve.ledger import kept_accounts

    for one in kept_accounts(state):
        counts = {"received": one.received, "evaluated": one.evaluated, "waiting": one.waiting}
        counts |= {f"rejected ({reason})": count for reason, count in one.rejected.items()}
        counts |= {"dead-lettered": one.dead_lettered, "repeated": one.repeated}
        yield from ((f"{one.sender} {what}", str(count)) for what, count in counts.items())
