"""The options of all verbs, declared once.

Each option has one entry here: its type, default, meaning and the verbs that take it. The command line,
`PODHAWK_…` variables, `podhawk.toml` and the documentation all follow from this table.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Option(Struct, frozen=True):
    """One option. `kind` is text, flag, number, list or choice; `verbs` are those that take it."""

    name: str
    kind: str
    doc: str
    verbs: tuple[str, ...]
    default: Any = None
    choices: tuple[str, ...] = ()
    short: str = ""
    metavar: str = ""
    more_choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Choices that single verbs add, by verb."""
    command_line: bool = False
    """Whether it is about what is printed or when, and so no keyword argument of the library."""

    def choices_for(self, verb: str) -> tuple[str, ...]:
        """What this verb may choose from."""
        return self.choices + dict(self.more_choices).get(verb, ())

    @property
    def every_choice(self) -> tuple[str, ...]:
        """What any verb may choose from, for a setting that holds for all of them."""
        return tuple(dict.fromkeys((*self.choices, *(one for _, more in self.more_choices for one in more))))

    @property
    def key(self) -> str:
        """Its name in `podhawk.toml` and in code."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"PODHAWK_{self.key.upper()}"


_READS = ("run", "search", "explain", "tune", "diff", "demo")
_CONTENT = ("run", "search", "explain", "tune", "content", "demo", "replay")
_LIFE = ("docs", "coverage", "lint", "test", "export")
_PRINTS = ("run", "search", "content", "diff", "demo")
OUTPUTS = ("table", "jsonl", "json", "csv", "md")

OPTIONS: tuple[Option, ...] = (
    Option(
        "content",
        "list",
        "A folder or file of detections, macros and lookups; repeatable. Default: the shipped pack.",
        (*_CONTENT, *_LIFE),
        metavar="DIR|FILE",
    ),
    Option(
        "overrides",
        "list",
        "A folder or file whose macros and lookups replace those of --content; repeatable.",
        (*_CONTENT, "diff", *_LIFE),
        metavar="DIR|FILE",
    ),
    Option(
        "only",
        "list",
        "Run only these detections: NAME, ID, FILE-STEM, STORY, type=…, technique=…; globs; repeatable.",
        ("run", "content", "diff", *_LIFE),
        metavar="PATTERN",
    ),
    Option(
        "exclude",
        "list",
        "Leave these detections out; like --only.",
        ("run", "content", "diff", *_LIFE),
        metavar="PATTERN",
    ),
    Option(
        "input-format",
        "text",
        "How the input is read: auto recognises audit events in every known wrapping; json "
        "takes any JSON object as an event; text any line.",
        _READS,
        "auto",
        metavar="FORMAT",
    ),
    Option(
        "output",
        "choice",
        "How results are printed. Default: table on a terminal, else jsonl. coverage also "
        "gives html and navigator (a layer for the ATT&CK Navigator).",
        (*_PRINTS, "coverage", "lint", "test"),
        choices=OUTPUTS,
        short="o",
        more_choices=(("coverage", ("html", "navigator")), ("test", ("junit",)), ("lint", ("sarif", "github"))),
        command_line=True,
    ),
    Option(
        "output-file",
        "text",
        "Write results to this file instead of standard output; tune adds its exception to it.",
        (*_PRINTS, "explain", "tune", "coverage", "lint", "test"),
        metavar="FILE",
        command_line=True,
    ),
    Option(
        "output-dir",
        "text",
        "The folder that the site, app, drafts or converted files are written to.",
        ("docs", "export", "new", "content"),
        metavar="DIR",
    ),
    Option(
        "tested",
        "text",
        "What tests have shown: a results file, JUnit XML or JSON.",
        ("docs", "coverage"),
        metavar="FILE",
    ),
    Option(
        "earliest",
        "text",
        "Only events at or after this time: an SPL time modifier (-24h@h) or RFC 3339.",
        _READS,
        metavar="TIME",
    ),
    Option("latest", "text", "Only events before this time.", _READS, metavar="TIME"),
    Option(
        "now",
        "text",
        "The time that now() and relative times mean; fixes the clock for repeatable runs.",
        (*_READS, "replay"),
        metavar="TIME",
    ),
    Option("tz", "text", "The time zone of time functions, snapping and shown times.", _READS, "UTC", metavar="ZONE"),
    Option("splunk-exact", "flag", "Turn every deliberate difference from Splunk off.", ("run", "search"), False),
    Option(
        "switch",
        "list",
        "Turn on another reading of an undocumented behaviour; see docs/switches.md.",
        ("run", "search"),
        metavar="NAME",
    ),
    Option("strict", "flag", "Rejected input is an error; of lint, warnings are.", (*_READS, "lint"), False),
    Option(
        "quiet",
        "flag",
        "No summary on standard error.",
        (*_PRINTS, *_LIFE, "replay"),
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
        "The cluster the events come from, unless their envelope names it.",
        _READS,
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
        "The timestamp that _time is.",
        _READS,
        "requestReceivedTimestamp",
        choices=("requestReceivedTimestamp", "stageTimestamp"),
    ),
    Option(
        "geo", "text", "A database of places by address (.mmdb) for iplocation.", (*_READS, "test"), metavar="FILE.mmdb"
    ),
    Option(
        "jobs",
        "number",
        "Read the input, or run the tests, with this many processes. Default: one for each core.",
        (*_READS, "test"),
        metavar="N",
    ),
    Option(
        "engine",
        "choice",
        "What does the work: this machine, or a Spark cluster.",
        ("run", "search", "explain"),
        "batch",
        choices=("batch", "spark"),
    ),
    Option(
        "master",
        "text",
        "The master of the Spark cluster, such as spark://HOST:7077 or k8s://HOST.",
        ("run", "search", "explain"),
        metavar="URL",
    ),
    Option(
        "spark-conf",
        "list",
        "A setting of Spark itself; repeatable.",
        ("run", "search", "explain"),
        metavar="NAME=VALUE",
    ),
    Option(
        "rows",
        "flag",
        "Print each detection's rows, as Splunk would show them, in place of findings.",
        ("run",),
        False,
        command_line=True,
    ),
    Option(
        "all",
        "flag",
        "Show all findings, those that noise classes, exceptions, throttling and the priority bar "
        "keep out of sight too.",
        ("run", "demo"),
        False,
        command_line=True,
    ),
    Option(
        "exceptions",
        "list",
        "A file or folder of exceptions; repeatable. See docs/findings.md.",
        ("run", "tune", "diff", "export"),
        metavar="FILE|DIR",
    ),
    Option(
        "fail-on",
        "choice",
        "End with code 5 if a visible finding is of this severity or above; with --rows, if a "
        "detection of it has rows.",
        ("run",),
        choices=("informational", "low", "medium", "high", "critical"),
        command_line=True,
    ),
    Option(
        "content-cache",
        "text",
        "Where content is kept as it was read, for the next run: a folder, or off. Default: podhawk in the user's "
        "folder for such things.",
        ("run", "search"),
        metavar="DIR|off",
        command_line=True,
    ),
    Option("write", "flag", "Let outputlookup write to the lookups of --state.", ("run", "search"), False),
    Option(
        "state",
        "text",
        "Where runs remember events, findings and risk, and outputlookup its tables: a folder, or "
        "the URL of a PostgreSQL database (without tables).",
        ("run", "search", "explain"),
        metavar="DIR|URL",
    ),
    Option("event", "text", "Explain what becomes of the request with this auditID.", ("explain",), metavar="ID"),
    Option("finding", "text", "Print the events behind the finding with this id.", ("explain",), metavar="ID"),
    Option(
        "attack-data",
        "text",
        "A checkout of Splunk's attack_data, where tests' datasets are by URL.",
        ("test", "replay"),
        metavar="DIR",
    ),
    Option(
        "cache",
        "text",
        "A folder of datasets named by their SHA-256, for what git LFS has not fetched.",
        ("test", "replay"),
        metavar="DIR",
    ),
    Option(
        "update", "flag", "Show how rows differ from the golden ones, and write them if approved.", ("test",), False
    ),
    Option("yes", "flag", "Approve what --update would ask.", ("test",), False),
    Option(
        "golden",
        "text",
        "Compare the rows of one test with a results file that Splunk exported (CSV).",
        ("test",),
        metavar="FILE.csv",
    ),
    Option(
        "mutate", "flag", "Change each detection in many small ways, and show what no test notices.", ("test",), False
    ),
    Option(
        "changed",
        "text",
        "Only what changed since the merge base with this branch or commit; a changed macro or lookup "
        "counts as a change of its users.",
        ("lint", "test", "docs", "run"),
        metavar="REF",
        command_line=True,
    ),
    Option(
        "baseline",
        "text",
        "Tell only problems that are not in this file; write it if it does not exist.",
        ("lint",),
        metavar="FILE",
    ),
    Option("fix", "flag", "Put right what is certain.", ("lint",), False),
    Option(
        "schema", "choice", "Print the JSON Schema of detections of a generation.", ("lint",), choices=("1", "2", "3")
    ),
    Option("check", "flag", "Change nothing; end with code 3 if something would change.", ("fmt",), False),
    Option("pick", "number", "Choose the proposal with this number.", ("tune",), metavar="N"),
    Option("when", "text", "Measure this condition, a search clause over the event.", ("tune",), metavar="CONDITION"),
    Option("owner", "text", "Who answers for the exception.", ("tune",), metavar="TEXT"),
    Option("reason", "text", "Why the exception is made.", ("tune",), metavar="TEXT"),
    Option("accept-risk", "text", "Why an exception is made though it hides attacks.", ("tune",), metavar="TEXT"),
    Option("to", "text", "The URL of the receiver.", ("replay",), metavar="URL"),
    Option(
        "as",
        "choice",
        "How events are sent: event or raw for HEC, webhook for an audit webhook. Default: what the URL's path says.",
        ("replay",),
        choices=("event", "raw", "webhook"),
    ),
    Option(
        "token",
        "text",
        "The receiver's token; better in PODHAWK_TOKEN or a file, which no process list shows.",
        ("replay",),
        metavar="TEXT",
    ),
    Option("token-file", "text", "A file with the receiver's token.", ("replay",), metavar="FILE"),
    Option(
        "ca",
        "text",
        "Certificates that the receiver's is checked against, in place of the usual ones.",
        ("replay",),
        metavar="FILE.pem",
    ),
    Option("rate", "number", "Send at most so many events a second.", ("replay",), metavar="N"),
    Option("keep-times", "flag", "Leave times as they are; without it the last event happens now.", ("replay",), False),
    Option(
        "resume",
        "text",
        "Where the position is kept while a replay runs: a second one goes on from there.",
        ("replay",),
        metavar="FILE",
    ),
    Option(
        "patience", "number", "Give a receiver that is busy or gone so many seconds.", ("replay",), 300, metavar="N"
    ),
    Option("dry-run", "flag", "Send nothing, and say what would be sent.", ("replay",), False),
    Option(
        "profile",
        "flag",
        "Say where the time goes: which way the scan took and why, what literals let through, seconds "
        "by search and stage. Reads the input with one process.",
        ("run", "search"),
        False,
        command_line=True,
    ),
    Option(
        "plot",
        "flag",
        "Draw the result of timechart, chart, top or rare in the terminal.",
        ("search",),
        False,
        command_line=True,
    ),
)

BY_KEY: dict[str, Option] = {option.key: option for option in OPTIONS}


def options_of(verb: str) -> tuple[Option, ...]:
    """The options that a verb takes, in the order of the table."""
    return tuple(option for option in OPTIONS if verb in option.verbs)
