"""podhawk demo: the main job, on shipped data."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

from podhawk.cli.options import declared
from podhawk.wording import counted

if TYPE_CHECKING:
    from podhawk.api import FindingsResult
    from podhawk.detect.finding import Finding

EPILOG = """\b
Examples:
  podhawk demo
  podhawk demo -o jsonl
"""
COLUMNS = ("priority", "severity", "technique", "detection", "findings", "who", "what")


@click.command("demo", epilog=EPILOG)
@declared("demo")
def COMMAND(**given: Any) -> int:  # noqa: N802 - looked up by this name
    """Run the shipped detections over shipped audit logs of a real API server under attack."""
    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.findings_output import print_findings
    from podhawk.cli.summary import print_input, print_run
    from podhawk.cli.tables import note
    from podhawk.content.load import shipped_pack
    from podhawk.content.selection import select
    from podhawk.settings.resolve import resolve

    settings = resolve("demo", given)  # the shipped pack, wherever it is called
    session = api.session_of(settings.values)
    policies = api.policies_of(settings)
    content = api.content_of(settings.values, settings.macros)
    data = shipped_pack() / "datasets" / "demo.log.gz"
    result = api.run(content, data, detections=select(content, (), ()), session=session, policies=policies)
    kind = settings["output"] or "table"
    overview = kind == "table" and not settings["all"]
    with output.writer(settings["output_file"]) as out:
        if overview:
            print_overview(result, out)
        else:
            print_findings(kind, result, out, everything=settings["all"])
    if not settings["quiet"]:
        sys.stdout.flush()
        if overview:
            hidden = len(result) - len(result.found.visible)
            note(f"{counted(hidden, 'finding')} hidden (noise, low priority); podhawk demo --all shows them")
            note("next: podhawk run YOUR-AUDIT.log")
        else:
            print_input(result.report)
            print_run(result)
    return 0


def print_overview(result: FindingsResult, out: TextIO) -> None:
    """Incidents, then a line for each detection that has visible findings, then the risk."""
    from podhawk.cli.findings_output import risk_columns, risk_rows
    from podhawk.cli.tables import print_table

    lines = overview(result.found.visible)
    print_table(
        lines,
        COLUMNS,
        out,
        title=f"podhawk: {counted(result.report.lines, 'audit event')} of a real API server: routine work "
        "with attacks mixed in",
    )
    out.write("\n")
    risk = risk_rows(result)
    print_table(risk, risk_columns(risk), out, title="Risk")


def overview(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """One row for each detection: how urgent, how often, by whom, on what."""
    groups: dict[str, list[Finding]] = {}
    for one in findings:
        groups.setdefault(one.detection.name, []).append(one)
    rows = [_line(own) for own in groups.values()]
    return sorted(rows, key=lambda row: (-int(row["priority"]), row["detection"]))


def _line(own: Sequence[Finding]) -> dict[str, Any]:
    from podhawk.cli.findings_output import actor_text, target_text

    first = own[0]
    incident = first.kind == "incident"
    severity = max((one.severity for one in own), key=("informational", "low", "medium", "high", "critical").index)
    return {
        "priority": str(max(one.priority for one in own)),
        "severity": severity,
        "technique": ", ".join(first.detection.mitre_attack_id),
        "detection": ("INCIDENT " if incident else "") + first.detection.name,
        "findings": str(len(own)),
        "who": _few(actor_text(one.actor) for one in own),
        "what": _few(target_text(one) for one in own),
    }


def _few(texts: Iterable[str], most: int = 3) -> str:
    """The first few distinct texts, and how many more there are."""
    values = list(dict.fromkeys(text for text in texts if text))
    shown = [text if len(text) <= 44 else text[:41] + "…" for text in values[:most]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
