"""podhawk diff: two versions of content over the same logs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from podhawk.cli.options import declared, input_paths
from podhawk.wording import counted

EPILOG = """\b
Examples:
  podhawk diff security_content-v4/ security_content-v5/ audit.log
  git worktree add /tmp/main main && podhawk diff /tmp/main/detections detections logs/
"""
PLURAL = {"appears": "appear", "vanishes": "vanish", "changes": "change"}
COLUMNS = ("what", "detection", "time", "title", "change")


@click.command("diff", epilog=EPILOG)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("diff")
def COMMAND(old: str, new: str, paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Run two versions of content over the same logs, and show the findings that appear, vanish or change.

    OLD and NEW are content folders or files; PATH is a log.
    """
    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.summary import print_policies, reading
    from podhawk.cli.tables import note
    from podhawk.content.selection import select_in_each
    from podhawk.detect.report.compare import compare
    from podhawk.detect.report.finding_json import rfc3339
    from podhawk.settings.resolve import resolve

    settings = resolve("diff", given)
    session = api.session_of(settings.values)
    policies = api.policies_of(settings)
    sources = input_paths(paths)
    versions = [api.content_of({**settings.values, "content": [folder]}, settings.macros) for folder in (old, new)]
    selected = select_in_each(versions, settings["only"], settings["exclude"])
    # Both versions read the same files, even if these are rotated meanwhile.
    with reading(sources, keep=True) as inputs:
        results = [
            api.run(content, detections=chosen, session=session, policies=policies, inputs=inputs)
            for content, chosen in zip(versions, selected, strict=True)
        ]
    changes = compare(*(result.found.findings for result in results))
    rows: list[dict[str, api.Cell]] = [
        {
            "what": one.what,
            "detection": one.finding.detection.name,
            "time": rfc3339(one.finding.first_time)[:19],
            "title": one.finding.title,
            "change": one.about(),
            "finding_id": one.finding.finding_id,
        }
        for one in changes
    ]
    kind = output.format_of(settings["output"], settings["output_file"])
    with output.writer(settings["output_file"]) as out:
        columns = COLUMNS if kind in ("table", "md") else (*COLUMNS, "finding_id")
        output.print_rows(kind, rows, columns, out)
    faults = [problem for content in versions for problem in content.problems if problem.severity == "error"]
    if not settings["quiet"]:
        print_policies(policies)
        counts = Counter((one.finding.detection.name, one.what) for one in changes)
        for (name, what), count in sorted(counts.items()):
            note(f"  {name}: {count} {what if count == 1 else PLURAL[what]}")
        same = sum(1 for _ in results[1]) - sum(one.what != "vanishes" for one in changes)
        note(f"{counted(same, 'finding')} unchanged")
        for problem in dict.fromkeys(map(str, faults)):
            note(f"  content   {problem}")
    return 3 if faults else 0
