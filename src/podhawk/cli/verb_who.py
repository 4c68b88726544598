"""podhawk who: everything that one user, address, pod or node did in a log."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared, input_paths

if TYPE_CHECKING:
    from podhawk.api import Cell
    from podhawk.detect.activity.profile import EntityProfile, FacetValue

EPILOG = """\b
Examples:
  podhawk who mallory audit.log
  podhawk who system:serviceaccount:team-a:builder --since 2026-11-25T00:00:00Z logs/
  podhawk who 203.0.113.9 -o jsonl 'logs/*.gz'
"""
_COLUMNS: Final = ("facet", "value", "count", "first_time", "last_time", "new")
_LINES: Final = 10
"""Values that are shown of each facet, without --limit."""


@click.command("who", epilog=EPILOG)
@click.argument("name", metavar="IDENTITY|IP|POD|NODE")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("who")
def COMMAND(name: str, paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Show what one user, service account, address, pod or node did: first and last seen, addresses, clients, requests
    by resource and namespace, tokens it asked for, impersonations, pods that it caused, findings, and what is new.

    The name is compared exactly with users and the names of pods and nodes, and as an address with source addresses,
    however they are spelled (IPv6, IPv4 mapped into IPv6; a zone counts only if it is given). Lines without it are
    passed over; if it changed what owns pods, or is not a user, the log is read once more.
    """
    from msgspec.structs import replace

    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.summary import print_input, reading, waits
    from podhawk.cli.tables import note
    from podhawk.detect.activity.digests import entity_scan, near_names
    from podhawk.detect.activity.profile import profile_of
    from podhawk.settings.resolve import resolve

    _check_name(name, paths)
    settings = with_content(resolve("who", given))
    session = replace(api.session_of(settings.values), tell=waits)
    since = api.session_of({"now": settings["since"]}).now if settings["since"] else None
    content = api.content_of(settings.values, settings.macros)
    with reading(input_paths(paths), session, keep=True) as inputs:
        near = near_names(name, inputs, session)
        scan, digest = entity_scan(name, content, session, near.parts)
        policies = api.policies_of(settings)
        result = api.run(content, session=replace(session, along=scan), policies=policies, inputs=inputs)
        profile = profile_of(digest(inputs), result.found.findings, since)
        others = [] if profile.events.count else near.meant(scan.beside[0] if scan.beside else None)
    kind = output.format_of(settings["output"], settings["output_file"])
    with output.writer(settings["output_file"], paged=kind == "table" and not settings["no_pager"]) as out:
        if kind in ("jsonl", "json"):
            (output.jsonl if kind == "jsonl" else output.as_json)(profile.records(), out)
        elif kind == "table":
            print_profile(profile, out, settings["limit"] or _LINES)
        else:
            rows = [{key: _text(one.get(key)) for key in _COLUMNS} for one in profile.records()]
            output.print_rows(kind, rows, _COLUMNS, out)
    if not settings["quiet"]:
        sys.stdout.flush()
        if not profile.events.count:
            meant = f"did you mean {' or '.join(map(repr, others))}?" if others else ""
            hint = meant or "podhawk fields lists frequent values"
            note(f"no event names {name!r} as a user, address, pod or node; {hint}")
        print_input(result.report)
    return 0


def _check_name(name: str, paths: tuple[str, ...]) -> None:
    """Raise UsageError for what cannot be a name."""
    from podhawk.detect.activity.addresses import is_network
    from podhawk.errors import UsageError

    if not name.strip():
        raise UsageError("the name of an identity, address, pod or node must not be empty")
    if not paths and os.path.exists(name):
        raise UsageError(
            f"{name!r} is a file or folder, not a name", remedy=f"Give the name first: podhawk who NAME {name}"
        )
    if is_network(name):
        raise UsageError(
            f"{name!r} is a network, not an address",
            remedy="podhawk search 'sourceIPs{}=10.0.0.* | stats count by sourceIPs{}' lists addresses in it.",
        )


def _text(value: Any) -> Cell:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def print_profile(profile: EntityProfile, out: TextIO, limit: int) -> None:
    """The profile for people: a heading, then a table for each facet."""
    from podhawk.cli.findings_output import print_clipped_findings
    from podhawk.cli.tables import print_clipped
    from podhawk.detect.activity.profile import FACETS_SHOWN
    from podhawk.visible import visible_line
    from podhawk.wording import counted

    events = profile.events
    out.write(visible_line(profile.name) + "\n")
    if not events.count:
        return
    out.write(f"first seen {_utc(events.first)}, last seen {_utc(events.last)} (UTC)\n")
    out.write(f"{counted(profile.requests.count, 'request')} in {counted(events.count, 'event')}\n")
    if profile.since is not None:
        out.write(f"new: not seen before {_utc(profile.since)}\n")
    else:
        out.write("new: cannot be told, because there is nothing of it from before\n")
    for facet in FACETS_SHOWN:
        found = profile.of(facet)
        if found:
            out.write("\n")
            title = f"{facet} (a selection)" if facet in profile.partial else facet
            print_clipped(
                [_row(one) for one in found],
                ["count", "first", "last", *(["new"] if profile.since is not None else []), "value"],
                out,
                fixed=("count", "first", "last", "new"),
                limit=limit,
                noun="value",
                title=title.capitalize(),
            )
    if profile.findings:
        out.write("\n")
        by_priority = sorted(profile.findings, key=lambda one: (-one.priority, one.first_time, one.finding_id))
        print_clipped_findings(by_priority, out, limit=limit, title="Findings")


def _row(one: FacetValue) -> dict[str, Cell]:
    found = one.occurrence
    return {
        "count": f"{found.count:,}",
        "first": _utc(found.first),
        "last": _utc(found.last),
        "new": "new" if one.new else "",
        "value": one.value,
    }


def _utc(time: float | None) -> str:
    from podhawk.detect.report.sentences import utc_minute

    return utc_minute(time) if time is not None else ""
