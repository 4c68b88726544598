"""The options of all verbs, declared once.

Each option has one entry, here, in `activity_options`, `authoring_options`, `serve_options` or `state_options`: its
type, default, meaning and the verbs that take it. The command line, `PODHAWK_…` variables, `podhawk.toml` and the
documentation all follow from this table.
"""

from __future__ import annotations

from podhawk.settings.activity_options import ACTIVITY
from podhawk.settings.authoring_options import AUTHORING
from podhawk.settings.option import Option
from podhawk.settings.serve_options import SERVE
from podhawk.settings.state_options import STATE

_SEARCHES = ("run", "search", "explain", "tune", "learn", "diff", "demo", "who", "timeline")
_READS = (*_SEARCHES, "fields")
_FINDS = ("run", "explain", "tune", "learn", "diff", "demo", "who", "timeline", "fields", "serve")
_CONTENT = ("run", "search", "explain", "tune", "learn", "content", "demo", "replay", "who", "timeline", "serve")
_LIFE = ("docs", "coverage", "lint", "test", "export")
_PRINTS = ("run", "search", "learn", "content", "diff", "demo", "who", "timeline", "fields", "status")
OUTPUTS = ("table", "jsonl", "json", "csv", "md")

OPTIONS: tuple[Option, ...] = (
    Option(
        "content",
        "list",
        "Load detections, macros and lookups from this folder or file. Repeatable. "
        "Default: the content of the working folder, searched upwards (podhawk.toml or contentctl.yml beside "
        "content, or detections/); else the shipped pack. lint, test and --changed never take the shipped pack by "
        "default.",
        (*_CONTENT, *_LIFE),
        metavar="DIR|FILE",
    ),
    Option(
        "overrides",
        "list",
        "Load macros and lookups from this folder or file; they replace those of --content. Repeatable.",
        (*_CONTENT, "diff", *_LIFE),
        metavar="DIR|FILE",
    ),
    Option(
        "only",
        "list",
        "Select only these detections: a name, id, file stem or story, or KEY=VALUE such as "
        "technique=T1610 or type=TTP. * and ? are wildcards. Repeatable.",
        ("run", "content", "diff", "serve", *_LIFE),
        metavar="PATTERN",
    ),
    Option(
        "exclude",
        "list",
        "Leave out these detections; PATTERN as in --only. Repeatable.",
        ("run", "content", "diff", "serve", *_LIFE),
        metavar="PATTERN",
    ),
    Option(
        "input-format",
        "text",
        "Input format. auto recognises audit events in any known wrapping; json treats every JSON "
        "object as an event; text treats every line as an event. The name of a format in "
        "docs/formats.md accepts only that format.",
        _READS,
        "auto",
        metavar="FORMAT",
    ),
    Option(
        "output",
        "choice",
        "Output format. Default: table on a terminal, jsonl otherwise. html of run is a report to hand over; see "
        "docs/report.md. explain --finding prints text by default; "
        "json and jsonl print the raw events.",
        (*_PRINTS, "coverage", "lint", "test", "explain"),
        choices=OUTPUTS,
        short="o",
        more_choices=(
            ("run", ("html",)),
            ("coverage", ("html", "navigator")),
            ("test", ("junit",)),
            ("lint", ("sarif", "github")),
        ),
        own_choices=(("explain", ("text", "jsonl", "json")),),
        command_line=True,
    ),
    Option(
        "output-file",
        "text",
        "Write to FILE instead of standard output.",
        (*_PRINTS, "explain", "tune", "coverage", "lint", "test"),
        metavar="FILE",
        command_line=True,
    ),
    Option(
        "output-dir",
        "text",
        "Folder to write to.",
        ("docs", "export", "new", "content", "learn"),
        metavar="DIR",
    ),
    Option(
        "limit",
        "number",
        "Show at most N lines of each table; the line below it says how many there are. Formats other than table are "
        "not limited.",
        ("run", "learn", "fields", "who", "timeline", "diff"),
        metavar="N",
        command_line=True,
    ),
    Option(
        "no-pager",
        "flag",
        "Print long tables on a terminal at once, not through $PAGER (default: less).",
        ("run", "learn", "fields", "who", "timeline"),
        False,
        command_line=True,
    ),
    Option(
        "tested",
        "text",
        "Read test results from FILE (JUnit XML or JSON).",
        ("docs", "coverage"),
        metavar="FILE",
    ),
    Option(
        "earliest",
        "text",
        "Only events at or after TIME: an SPL time modifier such as -24h@h, or RFC 3339. If no event is in the "
        "range, the run ends with exit code 4 and says which times the input covers.",
        _READS,
        metavar="TIME",
    ),
    Option("latest", "text", "Only events before TIME.", _READS, metavar="TIME"),
    Option(
        "now",
        "text",
        "Use TIME as the current time instead of the clock, for repeatable runs.",
        (*_READS, "replay"),
        metavar="TIME",
    ),
    Option("tz", "text", "Time zone for time functions, snapping and displayed times.", _READS, "UTC", metavar="ZONE"),
    Option(
        "splunk-exact",
        "flag",
        "Turn off all deliberate differences from Splunk; see docs/spl.md.",
        ("run", "search"),
        False,
    ),
    Option(
        "switch",
        "list",
        "Use the other reading of an undocumented Splunk behaviour; see docs/spl.md. Repeatable.",
        ("run", "search"),
        metavar="NAME",
    ),
    Option(
        "strict",
        "flag",
        "Treat rejected input as an error; in lint, treat warnings as errors.",
        (*_READS, "lint"),
        False,
    ),
    Option(
        "quiet",
        "flag",
        "Do not print the summary on standard error.",
        (*_PRINTS, *_LIFE, "replay", "serve"),
        False,
        short="q",
        command_line=True,
    ),
    Option(
        "verbose",
        "flag",
        "Report on standard error what podhawk works around, such as a cache that cannot be read.",
        (*_PRINTS, "explain", "tune", *_LIFE, "replay"),
        False,
        command_line=True,
    ),
    Option(
        "cluster",
        "text",
        "Cluster name for events whose envelope does not name one. serve: of files that are followed. init: cluster of "
        "the token; several with commas, * for all.",
        (*_READS, "serve", "init"),
        "default",
        metavar="NAME",
    ),
    Option("source", "text", "Set the source of all events.", _READS, metavar="TEXT"),
    Option("sourcetype", "text", "Set the sourcetype of all events.", _READS, metavar="TEXT"),
    Option("host", "text", "Set the host of all events.", _READS, metavar="TEXT"),
    Option("index", "text", "Set the index of all events.", _READS, metavar="TEXT"),
    Option(
        "time-field",
        "choice",
        "Which timestamp becomes _time.",
        _READS,
        "requestReceivedTimestamp",
        choices=("requestReceivedTimestamp", "stageTimestamp"),
    ),
    Option("geo", "text", "Geolocation database for iplocation.", (*_SEARCHES, "test"), metavar="FILE.mmdb"),
    Option(
        "jobs",
        "number",
        "Number of processes. Default: one per core.",
        (*_READS, "test"),
        metavar="N",
    ),
    Option(
        "memory",
        "text",
        "Most memory that a run may take on this machine, such as 500M or 2G. Several processes share it. If a run "
        "needs more, it ends with an error. Linux only. Default: nine tenths of the memory of the machine or the "
        "container.",
        (*_READS, "test"),
        metavar="SIZE",
        command_line=True,
    ),
    Option(
        "engine",
        "choice",
        "Where searches run: on this machine (batch) or on a Spark cluster (spark).",
        ("run", "search", "explain"),
        "batch",
        choices=("batch", "spark"),
    ),
    Option(
        "master",
        "text",
        "URL of the Spark master, such as spark://HOST:7077 or k8s://HOST.",
        ("run", "search", "explain"),
        metavar="URL",
    ),
    Option(
        "spark-conf",
        "list",
        "Set a Spark configuration property. Repeatable.",
        ("run", "search", "explain"),
        metavar="NAME=VALUE",
    ),
    Option(
        "rows",
        "flag",
        "Print the rows of each search, as Splunk would show them, instead of findings.",
        ("run",),
        False,
        command_line=True,
    ),
    Option(
        "all",
        "flag",
        "Show all findings, including those hidden by noise classes, exceptions, throttling or the priority bar.",
        ("run", "demo", "timeline"),
        False,
        command_line=True,
    ),
    Option(
        "judgements",
        "flag",
        "Print one judgement per detection after the findings: whether it fired, was silent, or could not be decided.",
        ("run",),
        False,
        command_line=True,
    ),
    Option(
        "judgements-only",
        "flag",
        "Print the judgements and nothing else.",
        ("run",),
        False,
        command_line=True,
    ),
    Option(
        "exceptions",
        "list",
        "Load exceptions from this file or folder; see docs/findings.md. Repeatable.",
        ("run", "tune", "learn", "diff", "export", "who", "timeline", "serve"),
        metavar="FILE|DIR",
    ),
    Option(
        "fail-on",
        "choice",
        "Exit with code 5 if a visible finding has this severity or higher. With --rows: if a "
        "detection of this severity or higher has rows. diff: if a visible finding appears, vanishes or changes; any "
        "is each of these.",
        ("run", "diff"),
        choices=("informational", "low", "medium", "high", "critical"),
        own_choices=(("diff", ("appears", "vanishes", "changes", "any")),),
        command_line=True,
    ),
    Option(
        "content-cache",
        "text",
        "Cache parsed content in this folder between runs; off disables the cache. Default: podhawk "
        "in the user's cache folder.",
        ("run", "search"),
        metavar="DIR|off",
        command_line=True,
    ),
    Option(
        "write",
        "flag",
        "Let outputlookup, outputcsv and tscollect write files into the --state folder.",
        ("run", "search"),
        False,
    ),
    *STATE,
    Option(
        "redaction-key",
        "text",
        "Key for the hashes that replace secrets in findings (at least 16 bytes); see docs/redaction.md. Prefer "
        "PODHAWK_REDACTION_KEY or --redaction-key-file: process lists show the command line.",
        _FINDS,
        metavar="TEXT",
    ),
    Option("redaction-key-file", "text", "Read the redaction key from FILE.", _FINDS, metavar="FILE"),
    Option("event", "text", "Explain what happens to the request with this auditID.", ("explain",), metavar="ID"),
    Option(
        "finding",
        "text",
        "Explain the finding with this id: what happened, why it fired, its priority and risk, and what to look at "
        "next. -o jsonl prints its events as they stand in the log.",
        ("explain",),
        metavar="ID",
    ),
    *ACTIVITY,
    *AUTHORING,
    *SERVE,
    Option(
        "profile",
        "flag",
        "Print where time is spent: the scan path and why it was chosen, how many lines the "
        "prefilter passes, and seconds by search and stage. Reads the input with one process.",
        ("run", "search"),
        False,
        command_line=True,
    ),
    Option(
        "plot",
        "flag",
        "Draw the result of timechart, chart, top, rare or stats in the terminal.",
        ("search",),
        False,
        command_line=True,
    ),
)

BY_KEY: dict[str, Option] = {option.key: option for option in OPTIONS}


def options_of(verb: str) -> tuple[Option, ...]:
    """The options that a verb takes, in the order of the table."""
    return tuple(option for option in OPTIONS if verb in option.verbs)
