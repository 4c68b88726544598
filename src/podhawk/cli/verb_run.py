"""podhawk run: detections over audit logs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared, input_paths
from podhawk.wording import counted

if TYPE_CHECKING:
    from podhawk.api import DetectionResult, FindingsResult, Inputs, RowsResult, Session
    from podhawk.settings.resolve import Settings

SEVERITIES = ("informational", "low", "medium", "high", "critical")

EPILOG = """\b
Examples:
  podhawk run audit.log
  podhawk run --group-by actor --limit 10 audit.log
  podhawk run --all -o jsonl audit.log
  podhawk run --content detections/ --only 'story=Kubernetes Security' logs/
  podhawk run --rows -o jsonl --splunk-exact --content security_content/ --only technique=T1204 audit.log.gz
  podhawk run --fail-on high audit.log
  podhawk run -o html --output-file report.html audit.log
"""


@click.command("run", epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("run")
def COMMAND(paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Run detections over audit logs and print findings: the actor, the action, its priority and the risk.

    PATH is a file, a folder, a glob, - for standard input, or state:DIR for the events that podhawk serve keeps; .gz
    and .zst files are decompressed. Tables show visible findings; jsonl and json contain all findings. --rows prints
    the rows of each search instead.
    """
    from msgspec.structs import replace

    from podhawk import api
    from podhawk.cli.profiled import profiled
    from podhawk.cli.summary import reading, waits
    from podhawk.settings.resolve import resolve

    settings = with_content(resolve("run", given))
    session = replace(api.session_of(settings.values), tell=waits)
    # Baselines read the same input before, and a report reads it again.
    again = settings["write"] or settings["output"] == "html"
    with profiled(settings), reading(input_paths(paths), session, keep=again) as inputs:
        return _run(inputs, settings, session, paths)


def _run(inputs: Inputs, settings: Settings, session: Session, paths: Sequence[str]) -> int:
    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.judgements_output import print_judgements
    from podhawk.cli.summary import print_input, print_policies, print_run
    from podhawk.cli.tables import note
    from podhawk.content.selection import select
    from podhawk.engine.plan.runnable import Broken
    from podhawk.errors import UsageError
    from podhawk.runtime import no_collection

    policies = api.policies_of(settings)
    content = api.content_of(settings.values, settings.macros)
    chosen = select(content, settings["only"], settings["exclude"])
    if settings["changed"]:
        from podhawk.authoring.changed import changed_here

        chosen = tuple(changed_here(content, chosen, settings["changed"], settings["content"]))
    if settings["write"]:
        for one in api.fill_baselines(content, session=session, inputs=inputs):
            note(
                f"  baseline  {one.detection.name}: " + (one.judgement.reason or counted(len(one.result or ()), "row"))
            )
    kind = output.format_of(settings["output"], settings["output_file"])
    if kind == "csv" and settings["judgements"] and not settings["judgements_only"]:
        raise UsageError(
            "--judgements adds records of another kind, which one CSV table cannot hold",
            remedy="Print them by themselves with --judgements-only, or choose -o jsonl.",
        )
    if kind == "html" and (settings["rows"] or settings["judgements_only"]):
        raise UsageError(
            "-o html is a report of findings",
            remedy="Leave out --rows and --judgements-only, or choose another format.",
        )
    result: RowsResult | FindingsResult
    if settings["rows"]:
        from podhawk.cli.rows_output import print_results

        result = rows = api.rows(content, detections=chosen, session=session, inputs=inputs)
        with output.writer(settings["output_file"]) as out:
            if not settings["judgements_only"]:
                print_results(kind, rows, out, judgements=settings["judgements"])
            else:
                print_judgements(kind, rows.detections, out)
        fires = _rows_fire(rows, settings["fail_on"])
    else:
        from podhawk.cli.findings_output import print_findings

        with no_collection(ending=True):
            result = findings = api.run(content, detections=chosen, session=session, policies=policies, inputs=inputs)
            paged = kind == "table" and not settings["no_pager"]
            with output.writer(settings["output_file"], paged=paged) as out:
                if kind == "html":
                    from podhawk.cli.report.write import print_report

                    told = findings.found.told(all_known=settings["all_known"])
                    names = paths or ("-",)
                    print_report(findings, told, out, session=session, settings=settings, inputs=inputs, paths=names)
                elif not settings["judgements_only"]:
                    print_findings(
                        kind,
                        findings,
                        out,
                        everything=settings["all"],
                        judgements=settings["judgements"],
                        all_known=settings["all_known"],
                        limit=settings["limit"],
                        grouping=settings["group_by"],
                    )
                else:
                    print_judgements(kind, findings.detections, out)
        fires = not session.backfill and _finding_fires(findings, settings["fail_on"])
    if not settings["quiet"]:
        sys.stdout.flush()
        print_policies(policies)
        print_input(result.report)
        print_run(result, everything=settings["all"] or kind in ("json", "jsonl"))
    content.keep()
    _need_one(result.detections)
    broken = any(isinstance(one.runnability, Broken) for one in result.detections)
    if broken or any(problem.severity == "error" for problem in content.problems):
        return 3
    return 5 if fires else 0


def _need_one(detections: Sequence[DetectionResult]) -> None:
    from podhawk.errors import ContentError

    if detections and all(one.result is None and not _lacks_geo(one) for one in detections):
        first = detections[0]
        raise ContentError(
            "none of the selected detections can run"
            if len(detections) > 1
            else f"{first.detection.name} cannot run: {first.runnability}"
        )


def _lacks_geo(one: DetectionResult) -> bool:
    from podhawk.engine.plan.runnable import Unsupported

    return isinstance(one.runnability, Unsupported) and one.runnability.code == "geo-database"


def _rows_fire(result: RowsResult, severity: str | None) -> bool:
    return severity is not None and any(
        one.result is not None and one.result.table.rows and _at_least(one.detection.severity, severity)
        for one in result.detections
    )


def _finding_fires(result: FindingsResult, severity: str | None) -> bool:
    return severity is not None and any(_at_least(one.severity, severity) for one in result.found.rose())


def _at_least(severity: str, bar: str) -> bool:
    return SEVERITIES.index(severity) >= SEVERITIES.index(bar)
