"""podhawk explain: why a detection fires, or does not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared, input_paths

if TYPE_CHECKING:
    from podhawk.detect.match import Match
    from podhawk.detect.report.explain import ExplainedStep, Explanation
    from podhawk.detect.risk_event import RiskEvent
    from podhawk.engine.search.judgement import Judgement

EPILOG = """\b
Examples:
  podhawk explain kubernetes_privileged_pod audit.log
  podhawk explain 'Kubernetes Exec Into Pod' --event 4368f686-ea2c-4cfc-86ec-572783494afd audit.log
  podhawk explain --event 4368f686-ea2c-4cfc-86ec-572783494afd audit.log
  podhawk explain --finding deff7ab50947e2af0ecf307b8f6b8077 audit.log
  podhawk explain --finding deff7ab50947e2af0ecf307b8f6b8077 -o jsonl --state /var/lib/podhawk
"""


@click.command("explain", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[DETECTION] [PATH]...")
@declared("explain")
def COMMAND(names: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Show the judgement of a detection, how many rows remain after each step, the nearest misses, and the fields that
    no event has.

    DETECTION is a name, id or file stem. --event follows one request through the steps; without DETECTION, through
    those of every detection. --finding explains a finding; scripts get its raw events with -o jsonl.
    """
    from msgspec.structs import replace

    from podhawk import api
    from podhawk.cli import output
    from podhawk.cli.summary import reading, waits
    from podhawk.detect.report import queries
    from podhawk.settings.resolve import resolve

    settings = with_content(resolve("explain", given))
    session = replace(api.session_of(settings.values), tell=waits)
    content = api.content_of(settings.values, settings.macros)
    with output.writer(settings["output_file"]) as out:
        if settings["finding"]:
            policies = api.policies_of(settings)
            if settings["state"] and not names:
                matches, risk = _known(settings)
                named = matches[0] if matches else queries.finding_named(settings["finding"], matches)
                found = queries.with_search(named, content, session)
            else:
                session = replace(session, state=None)
                with reading(input_paths(names), session) as inputs:
                    result = api.run(content, session=session, policies=policies, inputs=inputs)
                matches, risk = result.found.matches, list(result.found.risk)
                found = queries.finding_named(settings["finding"], matches)
            if settings["output"] == "jsonl":
                _lines(queries.raw_events(found, matches), out)
            elif settings["output"] == "json":
                out.write("[\n")
                _lines(with_commas(queries.raw_events(found, matches)), out)
                out.write("]\n")
            else:
                from podhawk.cli.tables import table_width
                from podhawk.detect.report.prose import explained

                context = session.context(content)
                bar = policies.priority.bar
                told = explained(found, matches, risk, context, bar, list(names), table_width(out))
                _lines(told, out)
            return 0
        if settings["event"] and (not names or (_is_input(names[0]) and not queries.is_detection(names[0], content))):
            with reading(input_paths(names), session) as inputs:
                _lines(queries.explain_event_for_all(content, settings["event"], inputs, session), out)
            return 0
        detection = queries.the_detection(names[0] if names else "", content)
        with reading(input_paths(names[1:]), session) as inputs:
            if settings["event"]:
                _lines(queries.explain_one_event(detection, content, settings["event"], inputs, session), out)
            else:
                print_explanation(*queries.explain_detection(detection, content, inputs, session), out)
    return 0


def _known(settings: Any) -> tuple[list[Match], list[RiskEvent]]:
    """The finding that is asked for, as the state knows it, and its risk."""
    from podhawk.cli.triage import state_of
    from podhawk.store.behind import known_matches, known_risk

    matches = known_matches(state_of(settings), settings["finding"])
    return matches, known_risk(settings["state"], [match.finding for match in matches])


def _is_input(name: str) -> bool:
    return name == "-" or os.path.exists(name)


def with_commas(texts: Iterable[str]) -> Iterator[str]:
    """Lines with a comma after each but the last."""
    rest = iter(texts)
    last = next(rest, None)
    for text in rest:
        yield f"{last},"
        last = text
    if last is not None:
        yield last


def _lines(lines: Iterable[str], out: TextIO) -> None:
    from podhawk.visible import json_escaped, visible

    for line in lines:
        out.write(visible(json_escaped(line)) + "\n")


def print_explanation(found: Explanation, judgement: Judgement, out: TextIO) -> None:
    """The judgement, the steps with their rows, why nothing is left, and the nearest misses."""
    from podhawk.cli.summary import judgement_text
    from podhawk.visible import visible_block, visible_line

    text = judgement_text(judgement, "row")
    out.write(f"{judgement.word}: {visible_line(text)}\n\n" if text else f"{judgement.word}\n\n")

    width = max(5, *(len(f"{part.rows:,}") for step in found.steps for part in (step, *step.parts)))

    def line(step: ExplainedStep, lead: str) -> None:
        out.write(f"{step.rows:>{width},}  {lead}{visible_block(step.text)}\n")

    for number, step in enumerate(found.steps):
        if not number:
            out.write(f"{'rows':>{width}}  after\n")
        for part in step.parts:
            line(part, "  search " if part is step.parts[0] else "         ")
        if number:
            line(step, "| ")
    for reason in found.reasons():
        out.write(f"\n{visible_block(reason)}\n")
    if found.misses:
        out.write("\nnearest misses (events that fail one condition of the first step and pass all others)\n")
        for miss in found.misses:
            out.write(
                f"  {visible_line(miss.about())}\n      fails {visible_line(miss.part)}: {miss.field} is "
                f"{visible_line(miss.value)[:200]}\n"
            )
