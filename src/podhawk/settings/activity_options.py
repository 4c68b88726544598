"""The options of the verbs that tell what somebody did: who, timeline."""

from __future__ import annotations

from typing import Final

from podhawk.settings.option import Option

ACTIVITY: Final[tuple[Option, ...]] = (
    Option(
        "since",
        "text",
        "Call new what the entity did at or after TIME and not before. Default: 24 hours before it was last seen.",
        ("who",),
        metavar="TIME",
    ),
    Option(
        "group-by",
        "choice",
        "Print findings by identity: a row for each person or component that is charged, and beneath it a row for each "
        "detection with its number of findings. Or print a table of findings for each actor, detection, incident, "
        "namespace or node, the most urgent first (timeline: in order of time); with none, one table. Formats other "
        "than table are not changed, except for the member group of timeline. Default: identity for run without "
        "--all, else none.",
        ("run", "timeline"),
        choices=("identity", "none", "actor", "detection", "incident", "namespace", "node"),
        command_line=True,
    ),
    Option(
        "around",
        "text",
        "Show what the actor of a finding did up to N minutes before and after it; 0 shows findings only.",
        ("timeline",),
        "5",
        metavar="N",
        command_line=True,
    ),
)
