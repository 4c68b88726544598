"""podhawk fields: which fields the events of a log have."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from podhawk.cli.options import declared, input_paths

if TYPE_CHECKING:
    from podhawk.api import Cell
    from podhawk.detect.activity.fields import FieldDigest, FieldOverview

EPILOG = """\b
Examples:
  podhawk fields audit.log
  podhawk fields audit.log | grep sourceIPs
  podhawk fields --limit 30 -o md logs/
"""
_COLUMNS: Final = ("field", "events", "share", "kinds", "values", "most frequent")
_TOP: Final = 3
_TOP_OF_RECORDS: Final = 10


@click.command("fields", epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("fields")
def COMMAND(paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """List the fields of audit logs: the share of events that have them, the kinds of their values, and the most
    frequent values.

    The names are those that searches use. Secrets in values are masked. PATH is a file, a folder, a glob, or - for
    standard input.
    """
    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.summary import print_input, reading
    from podhawk.cli.tables import NARROW, note, print_clipped, table_width
    from podhawk.detect.activity.digests import field_digest
    from podhawk.settings.resolve import resolve

    settings = resolve("fields", given)
    session = api.session_of(settings.values)
    with reading(input_paths(paths), session) as inputs:
        digest, report = field_digest(inputs, session)
    kind = output.format_of(settings["output"], settings["output_file"])
    with output.writer(settings["output_file"], paged=kind == "table" and not settings["no_pager"]) as out:
        if kind in ("jsonl", "json"):
            records = (_record(one) for one in digest.summary(_TOP_OF_RECORDS))
            (output.jsonl if kind == "jsonl" else output.as_json)(records, out)
        else:
            rows = [_row(one) for one in digest.summary(_TOP)]
            if kind == "table":
                columns = [name for name in _COLUMNS if name != "kinds" or table_width(out) >= NARROW]
                print_clipped(
                    rows, columns, out, fixed=columns[1:3], limit=settings["limit"], noun="field", middle=("field",)
                )
            else:
                output.print_rows(kind, rows, _COLUMNS, out)
    if not settings["quiet"]:
        sys.stdout.flush()
        _note_bounds(digest, note)
        print_input(report)
    return 0


def _note_bounds(digest: FieldDigest, note: Any) -> None:
    if not digest.complete:
        note(f"the log has more than {len(digest.fields):,} fields; a fixed selection of them is shown")


def _record(one: FieldOverview) -> dict[str, Any]:
    return {
        "field": one.name,
        "events": one.events,
        "share": round(one.share, 6),
        "kinds": dict(one.kinds),
        "values": one.distinct,
        "complete": one.complete,
        "top": [{"value": value, "count": count} for value, count in one.top],
    }


def _row(one: FieldOverview) -> dict[str, Cell]:
    return {
        "field": one.name,
        "events": f"{one.events:,}",
        "share": share_text(one.share),
        "kinds": ", ".join(name for name, _ in one.kinds),
        "values": f"{one.distinct:,}" if one.complete else f"over {one.distinct:,}",
        "most frequent": _top_text(one.top) if one.complete else f"such as {one.top[0][0]}",
    }


def _top_text(top: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{value or '(empty)'} ({count:,})" for value, count in top)


def share_text(share: float) -> str:
    """A share in percent. 100% and 0% stand only for all and nothing."""
    percent = share if share in (0, 1) else min(max(share, 0.001), 0.999)
    return f"{percent:.0%}" if share in (0, 1) else f"{percent:.1%}"
