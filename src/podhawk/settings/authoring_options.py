"""The options of the verbs that work on content: test, lint, fmt, tune, replay."""

from __future__ import annotations

from typing import Final

from podhawk.settings.option import Option

AUTHORING: Final[tuple[Option, ...]] = (
    Option(
        "source-url",
        "text",
        "Web address at which the files of the content root can be read, such as the branch of a repository; pages "
        "link to their detections and datasets there.",
        ("docs",),
        metavar="URL",
    ),
    Option(
        "attack-data",
        "text",
        "Checkout of Splunk's attack_data, for datasets that tests name by URL.",
        ("test", "replay"),
        metavar="DIR",
    ),
    Option(
        "cache",
        "text",
        "Folder of datasets named by SHA-256, for datasets that are git LFS pointers.",
        ("test", "replay"),
        metavar="DIR",
    ),
    Option(
        "fetch",
        "flag",
        "Download datasets that tests name by URL (file, http or https; at most 1 GiB and 10 minutes each) into the "
        "--cache folder, "
        "by default podhawk/datasets in the user's cache folder.",
        ("test", "replay"),
        False,
    ),
    Option(
        "allow-skipped",
        "flag",
        "Exit with code 0 although no test could run, for example because all datasets are missing.",
        ("test",),
        False,
        command_line=True,
    ),
    Option(
        "update",
        "flag",
        "Show how rows differ from the golden rows, and write them after confirmation.",
        ("test",),
        False,
    ),
    Option("yes", "flag", "Confirm every change of --update.", ("test",), False),
    Option(
        "golden",
        "text",
        "Compare the rows of one test with results exported from Splunk as CSV.",
        ("test",),
        metavar="FILE.csv",
    ),
    Option(
        "mutate",
        "flag",
        "Change each detection in many small ways, and report the changes that no test detects.",
        ("test",),
        False,
    ),
    Option(
        "changed",
        "text",
        "Only detections changed since the merge base with this branch or commit. A changed macro or "
        "lookup counts as a change of every detection that uses it.",
        ("lint", "test", "docs", "run"),
        metavar="REF",
        command_line=True,
    ),
    Option(
        "baseline",
        "text",
        "Report only problems that are not in FILE. If FILE does not exist, write the current problems to it.",
        ("lint",),
        metavar="FILE",
    ),
    Option("fix", "flag", "Fix what can be fixed safely.", ("lint",), False),
    Option(
        "schema",
        "choice",
        "Print the JSON Schema for detections of this generation.",
        ("lint",),
        choices=("1", "2", "3"),
    ),
    Option(
        "generation",
        "choice",
        "Generation of the file format of a new detection. Default: that of the content around it, else 3.",
        ("new",),
        choices=("1", "2", "3"),
    ),
    Option("check", "flag", "Change nothing; exit with code 3 if a file would change.", ("fmt",), False),
    Option("pick", "number", "Choose proposal number N.", ("tune",), metavar="N"),
    Option("when", "text", "Choose this condition, a search clause over audit events.", ("tune",), metavar="CONDITION"),
    Option("owner", "text", "Who is responsible for the exception.", ("tune",), metavar="TEXT"),
    Option("reason", "text", "Why the exception is justified.", ("tune",), metavar="TEXT"),
    Option(
        "accept-risk", "text", "Why the exception is acceptable although it hides attacks.", ("tune",), metavar="TEXT"
    ),
    Option("to", "text", "URL of the receiver.", ("replay",), metavar="URL"),
    Option(
        "as",
        "choice",
        "How to send events: event or raw for an HTTP Event Collector, webhook for an audit webhook. "
        "Default: determined by the path of the URL.",
        ("replay",),
        choices=("event", "raw", "webhook"),
    ),
    Option(
        "token",
        "text",
        "Token for the receiver. Prefer PODHAWK_TOKEN or --token-file: process lists show the command line.",
        ("replay",),
        metavar="TEXT",
    ),
    Option("token-file", "text", "Read the token for the receiver from FILE.", ("replay",), metavar="FILE"),
    Option(
        "ca",
        "text",
        "Verify the certificate of the receiver against FILE instead of the default CA certificates.",
        ("replay",),
        metavar="FILE.pem",
    ),
    Option("rate", "number", "Send at most N events per second.", ("replay",), metavar="N"),
    Option(
        "keep-times",
        "flag",
        "Keep the original timestamps. By default they are shifted so that the last event happens now.",
        ("replay",),
        False,
    ),
    Option(
        "resume",
        "text",
        "Save the position in FILE while a replay runs; run the same command again to continue from it.",
        ("replay",),
        metavar="FILE",
    ),
    Option(
        "patience",
        "number",
        "Keep retrying a busy or unreachable receiver for N seconds (default: 300).",
        ("replay",),
        300,
        metavar="N",
    ),
    Option("dry-run", "flag", "Send nothing; print what would be sent.", ("replay",), False),
)
"""In the order in which they are listed."""
