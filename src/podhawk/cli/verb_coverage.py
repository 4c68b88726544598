"""podhawk coverage: the ATT&CK matrix for Containers, from content and from its tests."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared
from podhawk.visible import json_escaped, visible

EPILOG = """\b
Examples:
  podhawk coverage
  podhawk coverage --content detections/ --tested results.xml -o html --output-file coverage.html
  podhawk coverage -o navigator --output-file layer.json
"""


@click.command("coverage", epilog=EPILOG)
@declared("coverage")
def COMMAND(**given: Any) -> int:  # noqa: N802 - looked up by this name
    """Show the ATT&CK matrix for Containers: techniques that detections claim, techniques that tests prove, and gaps.

    With -o navigator, the output is a layer file for the ATT&CK Navigator.
    """
    from podhawk import api
    from podhawk.authoring import coverage as life
    from podhawk.authoring.pages import read_results
    from podhawk.cli import output
    from podhawk.cli.tables import note
    from podhawk.content.selection import select
    from podhawk.settings.resolve import resolve

    settings = with_content(resolve("coverage", given))
    content = api.content_of(settings.values, settings.macros)
    results = read_results(settings["tested"]) if settings["tested"] else None
    found = life.cover(select(content, settings["only"], settings["exclude"]), results, content)
    kind = output.format_of(settings["output"], settings["output_file"])
    with output.writer(settings["output_file"]) as out:
        if kind == "navigator":
            out.write(json_escaped(json.dumps(life.layer(found), indent=2, ensure_ascii=False)) + "\n")
        elif kind == "html":
            out.write(visible(life.html(found)))
        else:
            made = life.table(found) if kind == "table" else life.rows(found)
            output.print_rows(kind, made, life.COLUMNS, out)
    if not settings["quiet"]:
        sys.stdout.flush()
        for problem in content.problems:
            note(f"{problem.severity}: {problem}" + (f". {problem.remedy}" if problem.remedy else ""))
        for line in life.summary(found):
            note(line)
    return 3 if any(problem.severity == "error" for problem in content.problems) else 0
