"""podhawk demo: the main job, on shipped data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from podhawk.cli.options import declared

if TYPE_CHECKING:
    from podhawk.api import DetectionResult, RowsResult

EPILOG = """\b
Examples:
  podhawk demo
  podhawk demo -o jsonl
"""
COLUMNS = ["severity", "risk", "technique", "detection", "rows", "who", "what"]


@click.command("demo", epilog=EPILOG)
@declared("demo")
def COMMAND(**given: Any) -> int:  # noqa: N802 - looked up by this name
    """Run the shipped detections on shipped audit logs of a real API server under attack."""
    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.rows_output import print_results
    from podhawk.cli.summary import print_input, print_run
    from podhawk.cli.tables import note, print_table
    from podhawk.content.load import shipped_pack
    from podhawk.content.selection import select
    from podhawk.settings.resolve import resolve

    settings = resolve("demo", given)
    around = api.surroundings(settings.values)
    content = api.content_of(settings.values, settings.macros)
    data = shipped_pack() / "datasets" / "demo.log.gz"
    result = api.rows(content, data, detections=select(content, (), ()), settings=around)
    kind = settings["output"] or "table"
    with output.writer(settings["output_file"]) as out:
        if kind == "table":
            print_table(overview(result), COLUMNS, out, title=f"podhawk: {result.report.events:,} audit events of a "
                        "real API server, amid ordinary work somebody attacks")
        else:
            print_results(kind, result, out)
    if not settings["quiet"]:
        sys.stdout.flush()
        print_input(result.report)
        if kind == "table":
            for one in result.detections:
                if one.cannot and not (one.result and len(one.result)):
                    note(f"cannot fire here: {one.detection.name}: {one.cannot}")
            note("next: podhawk run YOUR-AUDIT.log    the rows behind a line: podhawk demo -o jsonl")
        else:
            print_run(result)
    return 0


def overview(result: RowsResult) -> list[dict[str, Any]]:
    """One row per detection that fired: how bad, how often, by whom, on what."""
    fired = [one for one in result.detections if one.result is not None and len(one.result)]
    fired.sort(key=lambda one: (-one.detection.risk_score, one.detection.name))
    return [_line(one) for one in fired]


def _line(one: DetectionResult) -> dict[str, Any]:
    rows = list(one.result or ())
    about = one.detection
    return {"severity": about.severity, "risk": str(about.risk_score), "technique": ", ".join(about.mitre_attack_id),
            "detection": about.name, "rows": str(len(rows)), "who": _few(rows, ("user",)),
            "what": _few(rows, ("resource", "object", "target", "image", "requestURI"))}


def _few(rows: list[dict[str, Any]], names: tuple[str, ...], most: int = 3) -> str:
    """The first few distinct values of the first field that the rows have, and how many more there are."""
    for name in names:
        values: dict[str, None] = {}
        for row in rows:
            cell = row.get(name)
            for text in cell if isinstance(cell, list) else [cell]:
                if text:
                    values[str(text)] = None
        if values:
            shown = [text if len(text) <= 44 else text[:41] + "…" for text in list(values)[:most]]
            more = len(values) - len(shown)
            return ", ".join(shown) + (f" and {more} more" if more else "")
    return ""
