"""podhawk tune: exceptions from history, with what they would hide."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared, input_paths
from podhawk.errors import UsageError
from podhawk.visible import visible_block, visible_line
from podhawk.wording import counted
from podhawk.writing import write_text, writing_to

if TYPE_CHECKING:
    from podhawk.detect.evaluate.prepare import Prepared
    from podhawk.detect.report.tuning import BlastRadius, Proposal

EPILOG = """\b
Examples:
  podhawk tune kubernetes_pod_created_in_default_namespace logs/
  podhawk tune kubernetes_exec_into_pod --when 'user.username=ci objectRef.namespace=build' logs/
  podhawk tune kubernetes_exec_into_pod --pick 1 --owner platform --reason 'the build does this' \\
      --output-file exceptions/build.yml logs/
"""
COLUMNS = ("pick", "findings", "share", "days", "hides attacks", "when", "caution")


@click.command("tune", epilog=EPILOG)
@click.argument("detection", metavar="DETECTION")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@declared("tune")
def COMMAND(detection: str, paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Propose exceptions for a detection from the findings in logs, and measure what an exception would hide.

    --pick N or --when CONDITION chooses an exception. With --owner, --reason and --output-file it is appended to that
    file. An exception that would hide an attack in the content's own datasets is refused, unless --accept-risk gives
    a reason.
    """
    from podhawk import api
    from podhawk.cli.summary import print_policies, reading
    from podhawk.detect.evaluate.prepare import prepare
    from podhawk.detect.report import queries
    from podhawk.detect.report.tuning import blast_radius, exception_for, proposals, written
    from podhawk.settings.resolve import resolve

    settings = with_content(resolve("tune", given))
    session = api.session_of(settings.values)
    content = api.content_of(settings.values, settings.macros)
    chosen = queries.the_detection(detection, content)
    policies = api.policies_of(settings)
    print_policies(policies)
    with reading(input_paths(paths), session) as inputs:
        result = api.run(content, detections=[chosen], session=session, policies=policies, inputs=inputs)
    matches = [match for match in result.found.matches if match.finding.kind != "incident"]
    attacks = api.attacks_of(chosen, content, session, policies)
    made = proposals(matches)

    def measure(condition: str) -> BlastRadius:
        return blast_radius(exception_for(chosen, condition, "", "", session.now), matches, attacks, session.now)

    when: str | None = settings["when"]
    if settings["pick"] is not None:
        if when or not 1 <= settings["pick"] <= len(made):
            raise UsageError(
                f"--pick {settings['pick']} is out of range: {counted(len(made), 'proposal')}"
                if not when
                else "--pick and --when cannot be combined",
                remedy="Choose one proposal or one condition.",
            )
        when = made[settings["pick"] - 1].when
    out = sys.stdout
    if not when:
        print_proposals([(one, measure(one.when)) for one in made], out)
        return 0
    _check_fields(when, prepare(chosen, content, session, session.lookups(content)), writing=settings["output_file"])
    hidden = measure(when)
    print_radius(when, hidden, len(attacks), out)
    if settings["output_file"] is None:
        return 0
    if not settings["owner"] or not settings["reason"]:
        raise UsageError("an exception needs --owner and --reason")
    if hidden.attacks and not settings["accept_risk"]:
        raise UsageError(
            f"this exception would hide {counted(len(hidden.attacks), 'attack')} in the content's own "
            f"datasets, for example: {hidden.attacks[0].title}",
            remedy='Narrow the condition, or give a reason with --accept-risk "…".',
        )
    exception = exception_for(chosen, when, settings["owner"], settings["reason"], session.now)
    target = Path(settings["output_file"])
    text = written(exception, datetime.fromtimestamp(session.now, UTC).date(), settings["accept_risk"] or "")
    with writing_to(target):
        before = target.read_text(encoding="utf-8") if target.is_file() else ""
    write_text(target, before + ("---\n" if before else "") + text)
    where = visible_line(str(target))
    out.write(f"exception written to {where}; it expires on {exception.expires}. Use it with --exceptions {where}\n")
    return 0


def _check_fields(when: str, own: Prepared, *, writing: str | None) -> None:
    """Warn of fields that nothing has. Raises UsageError if the condition is to be written into a file: with such a
    field it cannot be loaded."""
    from podhawk.cli.tables import note
    from podhawk.detect.rank.exception_fields import unknown_names
    from podhawk.spl.clause import read_clause

    for name, remedy in unknown_names(read_clause(when, "--when"), [own]):
        if writing is not None:
            raise UsageError(f"audit events have no field {name!r}", remedy=remedy)
        note(f"warning: audit events have no field {name!r}. {remedy}".rstrip())


def print_proposals(found: list[tuple[Proposal, BlastRadius]], out: TextIO) -> None:
    """The proposals with what each would hide."""
    from podhawk.cli.tables import print_table

    if not found:
        out.write("no proposals: no group of visible findings shares a condition\n")
        return
    print_table(
        [
            {
                "pick": str(number),
                "findings": str(one.count),
                "share": f"{one.share:.0%}",
                "days": str(one.days),
                "hides attacks": f"{len(radius.attacks)}{'?' if radius.unjudged else ''}",
                "when": one.when,
                "caution": one.caution,
            }
            for number, (one, radius) in enumerate(found, 1)
        ],
        COLUMNS,
        out,
    )


def print_radius(when: str, radius: BlastRadius, attacks: int, out: TextIO) -> None:
    """What one condition would hide, by name."""
    out.write(f"{visible_block(when)}\n")
    out.write(f"  hides {len(radius.hidden)} of {counted(radius.visible, 'visible finding')} in these logs\n")
    for one in radius.hidden[:5]:
        out.write(f"    {visible_line(one.title)}\n")
    out.write(
        f"  hides {len(radius.attacks)} of {counted(attacks, 'attack')} in the content's datasets"
        + ("" if attacks else " (no dataset is available)")
        + "\n"
    )
    for one in radius.attacks[:5]:
        out.write(f"    ATTACK {visible_line(one.title)}\n")
    if radius.unjudged:
        out.write(
            f"  unknown for {counted(len(radius.unjudged), 'attack')}: the condition needs bodies, which "
            "these events lack\n"
        )
