"""podhawk run: detections over audit logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from podhawk.cli.options import declared, input_paths

if TYPE_CHECKING:
    from podhawk.api import RunResult

SEVERITIES = ("informational", "low", "medium", "high", "critical")

EPILOG = """\b
Examples:
  podhawk run audit.log
  podhawk run --content detections/ --only 'story=Kubernetes Security' logs/
  podhawk run --rows -o jsonl --splunk-exact --content security_content/ --only T1204 audit.log.gz
  podhawk run --fail-on high audit.log
"""


@click.command("run", epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("run")
def COMMAND(paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Run detections over audit logs and print each detection's rows, as Splunk would show them.

    PATH is a file, a folder, a glob, or - for standard input; .gz and .zst are read as they are.
    """
    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.summary import print_input, print_run
    from podhawk.content.selection import select
    from podhawk.errors import ContentError
    from podhawk.settings.resolve import resolve

    settings = resolve("run", given)
    around = api.surroundings(settings.values)
    content = api.content_of(settings.values, settings.macros)
    chosen = select(content, settings["only"], settings["exclude"])
    sources = input_paths(paths)
    result = api.run(content, *sources, detections=chosen, settings=around)
    kind = output.format_of(settings["output"], settings["output_file"])
    with output.writer(settings["output_file"]) as out:
        print_results(kind, result, out)
    if not settings["quiet"]:
        sys.stdout.flush()
        print_input(result.report)
        print_run(result)
    broken = [one for one in result.detections if one.broken is not None]
    if result.detections and all(one.result is None and not one.cannot for one in result.detections):
        first = result.detections[0]
        raise ContentError("none of the chosen detections can run" if len(result.detections) > 1 else
                           f"{first.detection.name} cannot run: {first.refused or first.broken}")
    if broken or any(problem.severity == "error" for problem in content.problems):
        return 3
    return 5 if settings["fail_on"] and _fires(result, settings["fail_on"]) else 0


def _fires(result: RunResult, severity: str) -> bool:
    bar = SEVERITIES.index(severity)
    return any(one.result is not None and one.result.table.rows and SEVERITIES.index(one.detection.severity) >= bar
               for one in result.detections)


def records(result: RunResult) -> Iterator[dict[str, Any]]:
    """Rows with the detection each belongs to."""
    for one in result.detections:
        about = {"name": one.detection.name, "id": one.detection.id, "version": one.detection.version,
                 "file": one.detection.file}
        for row in one.result or ():
            yield {"detection": about, "row": row}


def print_results(kind: str, result: RunResult, out: Any) -> None:
    """All rows in one of the formats."""
    from podhawk.cli import output
    from podhawk.cli.tables import print_table

    if kind == "jsonl":
        output.jsonl(records(result), out)
    elif kind == "json":
        output.as_json(records(result), out)
    elif kind == "csv":
        columns = list(dict.fromkeys(name for one in result.detections if one.result for name in one.result.columns))
        rows = [{"detection": record["detection"]["name"], **record["row"]} for record in records(result)]
        output.as_csv(rows, ["detection", *columns], out)
    else:
        for one in result.detections:
            if one.result is None or not len(one.result):
                continue
            if kind == "md":
                out.write(f"\n## {one.detection.name}\n\n")
                output.markdown(list(one.result), one.result.columns, out)
            else:
                print_table(list(one.result), one.result.columns, out, title=one.detection.name)
