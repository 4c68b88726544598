"""Exceptions for a detection, proposed from what it finds in the lake, with what each would hide.

What `podhawk tune` prints, as rows.
"""

from __future__ import annotations

from typing import Any, Final

from podhawk import api
from podhawk.content.model import Content
from podhawk.detect.passes.settle import Policies
from podhawk.detect.report import queries
from podhawk.detect.report.tuning import BlastRadius, blast_radius, exception_for, proposals

_EXAMPLES: Final = 5


def tuned(
    detection: str, content: Content, session: api.Session, policies: Policies, inputs: api.Inputs
) -> tuple[list[dict[str, Any]], Any]:
    """A row for each proposed condition, and the report of what was read. Raises UsageError for an unknown
    detection."""
    chosen = queries.the_detection(detection, content)
    result = api.run(content, detections=[chosen], session=session, policies=policies, inputs=inputs)
    matches = [match for match in result.found.matches if match.finding.kind != "incident"]
    attacks = api.attacks_of(chosen, content, session, policies)

    def row(condition: str) -> dict[str, Any]:
        exception = exception_for(chosen, condition, "", "", session.now)
        return _row(condition, blast_radius(exception, matches, attacks, session.now), len(attacks))

    return [{**row(one.when), "days": one.days, "caution": one.caution} for one in proposals(matches)], result.report


def _row(when: str, radius: BlastRadius, attacks: int) -> dict[str, Any]:
    return {
        "when": when,
        "hidden": len(radius.hidden),
        "visible": radius.visible,
        "examples": [one.title for one in radius.hidden[:_EXAMPLES]],
        "hides_attacks": len(radius.attacks),
        "attacks": attacks,
        "hidden_attacks": [one.title for one in radius.attacks[:_EXAMPLES]],
        "unjudged": len(radius.unjudged),
    }
