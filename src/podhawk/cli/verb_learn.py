"""podhawk learn: a baseline from a reference period, for a person to review and commit."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared, input_paths
from podhawk.wording import counted
from podhawk.writing import write_text

if TYPE_CHECKING:
    from podhawk.api import Cell
    from podhawk.detect.report.baseline_files import Learned

EPILOG = """\b
Examples:
  podhawk learn logs/
  podhawk learn -o jsonl logs/
  podhawk learn --output-dir baseline logs/
  podhawk run --overrides baseline audit.log
"""
_COLUMNS: Final = ("hides", "count", "priority", "severity", "identity", "detection", "on", "address", "refused")
_RECORD: Final = (
    "kind", "identity", "user", "detection", "verb", "resource", "subresource", "namespace", "name", "outcome",
    "powers", "effective_user", "address", "repository", "registry", "count", "first_time", "last_time", "hides",
    "highest_priority", "severity", "example", "cluster", "refused",
)  # fmt: skip


@click.command("learn", epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("learn")
def COMMAND(paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Propose a baseline from the logs of a reference period: what is normal here, each entry with its evidence and
    with what it would have hidden.

    --output-dir writes lookup tables and macros for a person to review and commit, in baseline/ of a content root or
    for --overrides. Entries that would hide findings of high severity or of priority 80 and more are refused, and
    listed. Only habits hide findings.
    """
    from msgspec.structs import replace

    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.summary import print_input, print_policies, reading, waits
    from podhawk.detect.report.baseline_files import files
    from podhawk.settings.resolve import resolve

    settings = with_content(resolve("learn", given))
    session = replace(api.session_of(settings.values), tell=waits)
    content = api.content_of(settings.values, settings.macros)
    policies = api.policies_of(settings)
    with reading(input_paths(paths), session, keep=True) as inputs:
        learned, result = api.learn(content, session=session, policies=policies, inputs=inputs)
    kind = output.format_of(settings["output"], settings["output_file"])
    folder = settings["output_dir"]
    with output.writer(settings["output_file"], paged=kind == "table" and not settings["no_pager"]) as out:
        if kind in ("jsonl", "json"):
            (output.jsonl if kind == "jsonl" else output.as_json)(learned.records(), out)
        elif kind == "table":
            print_learned(learned, out, settings["limit"])
        else:
            rows = [{name: _cell(one.get(name)) for name in _RECORD} for one in learned.records()]
            output.print_rows(kind, rows, _RECORD, out)
    if folder is not None:
        for name, text in files(learned).items():
            write_text(Path(folder, name), text, parents=True)
    if not settings["quiet"]:
        sys.stdout.flush()
        print_policies(policies)
        print_input(result.report)
        _print_summary(learned, folder)
    return 0


def _cell(value: Any) -> Cell:
    return None if value is None else str(value)


def print_learned(learned: Learned, out: TextIO, limit: int | None) -> None:
    """The habits for people: those that would hide most first, refused ones last; and the length of the lists."""
    from podhawk.cli.tables import print_clipped

    habits = sorted(learned.habits, key=lambda one: (bool(one.refused), -one.hides, one.habit))
    rows = [_row(one.record()) for one in habits]
    print_clipped(rows, _COLUMNS, out, fixed=_COLUMNS[:4], limit=limit, noun="habit", title="Habits")
    out.write("\n" if rows else "")
    for name, own in learned.lists.items():
        out.write(f"{counted(len(own), name.rstrip('s'))}\n")


def _row(record: dict[str, Any]) -> dict[str, Cell]:
    target = "/".join(part for part in (record["resource"], record["name"], record["subresource"]) if part)
    where = f" -n {record['namespace']}" if record["namespace"] else ""
    return {
        "hides": str(record["hides"]),
        "count": str(record["count"]),
        "priority": str(record["highest_priority"]),
        "severity": record["severity"],
        "identity": record["identity"],
        "detection": record["detection"],
        "on": f"{record['verb']} {target}{where}",
        "address": record["address"],
        "refused": record["refused"],
    }


def _print_summary(learned: Learned, folder: str | None) -> None:
    from podhawk.cli.tables import note
    from podhawk.visible import visible_line

    accepted = [one for one in learned.habits if not one.refused]
    hides = sum(one.hides for one in accepted)
    note(f"{counted(len(accepted), 'habit')} proposed, which would have hidden {counted(hides, 'visible finding')}.")
    reasons = Counter(one.refused.partition(":")[0] for one in learned.habits if one.refused)
    for reason, number in reasons.most_common():
        note(f"  refused   {counted(number, 'habit')}: {reason}")
    for name, rows in learned.lists.items():
        left_out = sum(bool(row["refused"]) for row in rows)
        if left_out:
            note(f"  refused   {left_out:,} of {len(rows):,} {name}")
    if folder is not None:
        where = visible_line(folder)
        note(f"Written to {where}. Review it, commit it, and use it with --overrides {where}.")
