"""The options of states: where one is, what a run does with it, and triage."""

from __future__ import annotations

from typing import Final

from podhawk.settings.option import Option

_TRIAGE = ("ack", "close", "assign")
DISPOSITIONS = ("true_positive", "benign_positive", "false_positive", "duplicate", "undetermined")
"""What a finding can turn out to be."""

STATE: Final[tuple[Option, ...]] = (
    Option(
        "state",
        "text",
        "Keep events, findings and risk between runs, in a folder or a PostgreSQL database. A folder "
        "also keeps the tables written by outputlookup.",
        ("run", "search", "explain", *_TRIAGE, "status", "serve", "init"),
        metavar="DIR|URL",
    ),
    Option(
        "backfill",
        "flag",
        "With --state: the logs have been read before. Detections that were new to the state since then are evaluated "
        "over them. --fail-on does not look at what is found.",
        ("run",),
        False,
    ),
    Option(
        "accept-content",
        "flag",
        "With --state: detections that the content no longer has are retired. Their findings stay and add no risk.",
        ("run",),
        False,
    ),
    Option(
        "retention",
        "number",
        "With --state: days for which events are kept, back from the newest one of their cluster.",
        ("run",),
        30,
        metavar="DAYS",
    ),
    Option(
        "all-known",
        "flag",
        "With --state: print everything known, not only what this run changed.",
        ("run",),
        False,
        command_line=True,
    ),
    Option(
        "wait",
        "number",
        "Wait at most N seconds for another run that uses the --state; then exit with code 7.",
        ("run", "explain", *_TRIAGE, "serve"),
        300,
        metavar="N",
    ),
    Option(
        "disposition",
        "choice",
        "What the finding turned out to be.",
        ("close",),
        choices=DISPOSITIONS,
    ),
    Option("assignee", "text", "Who works on the findings.", _TRIAGE, metavar="NAME"),
    Option("note", "text", "A note for the next person.", _TRIAGE, metavar="TEXT"),
)
