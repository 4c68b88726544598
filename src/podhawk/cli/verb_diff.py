"""podhawk diff: two versions of content over the same logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

from podhawk.cli.options import declared, input_paths
from podhawk.wording import counted

if TYPE_CHECKING:
    from podhawk.api import Cell
    from podhawk.detect.report.compare import DetectionChange, FindingChange

EPILOG = """\b
Examples:
  podhawk diff security_content-v4/ security_content-v5/ audit.log
  git worktree add /tmp/main main && podhawk diff /tmp/main/detections detections logs/
  podhawk diff --fail-on vanishes /tmp/main/detections detections logs/
"""
PLURAL = {"appears": "appear", "vanishes": "vanish", "changes": "change"}
DETECTION_COLUMNS = ("detection", "before", "after", "appear", "vanish", "change", "visible", "actors")
SAMPLES = 3
"""Differences of a detection and kind that tables show."""
COLUMNS = ("what", "detection", "time", "title", "change")


@click.command("diff", epilog=EPILOG)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("diff")
def COMMAND(old: str, new: str, paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Run two versions of content over the same logs, and show the findings that appear, vanish or change.

    OLD and NEW are content folders or files; PATH is a log. Tables have a line for each detection, then samples; jsonl,
    json and csv have every difference.
    """
    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.summary import print_policies, reading
    from podhawk.cli.tables import note
    from podhawk.content.selection import select_in_each
    from podhawk.detect.report.compare import by_detection, compare
    from podhawk.detect.report.finding_json import rfc3339
    from podhawk.settings.resolve import resolve

    settings = resolve("diff", given)
    session = api.session_of(settings.values)
    policies = api.policies_of(settings)
    sources = input_paths(paths)
    versions = [api.content_of({**settings.values, "content": [folder]}, settings.macros) for folder in (old, new)]
    selected = select_in_each(versions, settings["only"], settings["exclude"])
    # Both versions read the same files, even if these are rotated meanwhile.
    with reading(sources, session, keep=True) as inputs:
        results = [
            api.run(content, detections=chosen, session=session, policies=policies, inputs=inputs)
            for content, chosen in zip(versions, selected, strict=True)
        ]
    before, after = (result.found.findings for result in results)
    changes = compare(before, after)
    rows: list[dict[str, Cell]] = [
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
        if kind in ("table", "md"):
            told = by_detection(before, after, changes)
            _print_tables(kind, [_detection_row(one) for one in told], rows, out, settings["limit"])
        else:
            output.print_rows(kind, rows, (*COLUMNS, "finding_id"), out)
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
    if faults:
        return 3
    return 5 if any(_counts(one, settings["fail_on"]) for one in changes) else 0


def _counts(change: FindingChange, what: str | None) -> bool:
    """Whether a difference is one that --fail-on is about."""
    return what is not None and change.visible and what in ("any", change.what)


def _detection_row(one: DetectionChange) -> dict[str, Cell]:
    return {
        "detection": one.name,
        "before": str(one.before),
        "after": str(one.after),
        "appear": str(one.appear),
        "vanish": str(one.vanish),
        "change": str(one.change),
        "visible": f"{one.visible_before} → {one.visible_after}",
        "actors": ", ".join(f"{name} ({count})" for name, count in one.actors),
    }


def _print_tables(
    kind: str, detections: Sequence[dict[str, Cell]], rows: Sequence[dict[str, Cell]], out: TextIO, limit: int | None
) -> None:
    """A line for each detection with differences, then samples of the differences: a few of each detection and kind."""
    from podhawk.cli import output
    from podhawk.cli.tables import print_clipped

    samples, left = _samples(rows)
    if kind == "md":
        output.markdown(detections, DETECTION_COLUMNS, out)
        if samples:
            out.write("\n")
            output.markdown(samples, COLUMNS, out)
    else:
        print_clipped(detections, DETECTION_COLUMNS, out, fixed=DETECTION_COLUMNS[1:-1], limit=limit, noun="detection")
        if samples:
            out.write("\n")
            print_clipped(
                samples, COLUMNS, out, fixed=("what", "time"), limit=limit, noun="difference", title="Samples"
            )
    if left:
        out.write(f"\n{counted(left, 'more difference')}: -o jsonl prints all.\n")


def _samples(rows: Sequence[dict[str, Cell]]) -> tuple[list[dict[str, Cell]], int]:
    """The first differences of each detection and kind, and how many are left out."""
    seen: Counter[tuple[Cell, Cell]] = Counter()
    samples = []
    for row in rows:
        key = row["detection"], row["what"]
        seen[key] += 1
        if seen[key] <= SAMPLES:
            samples.append(row)
    return samples, len(rows) - len(samples)
