"""docs/cli.md, written from the declarations of verbs, options and exit codes."""

from __future__ import annotations

from podhawk.cli.main import EXIT_CODES, VERBS
from podhawk.settings.option import Option
from podhawk.settings.options import OPTIONS

_MEMORY = """\
podhawk holds what a search keeps in memory: the groups of an aggregation, the rows of a sort, the events of findings.
Nothing is written to disk. `--memory` bounds it for all processes together. A run that needs more ends with exit code 2
and names the file of the search. If one of several processes needs more than its share, one process reads the input
again.

A line may have any length. A record of more than 256 MiB is rejected, as are compressed data that expand to more than
1 GiB and 1,000 times their size. A text of more than 16,777,216 characters, or a multivalue of more values, is not
stored by `eval`."""
_ROWS = """\
`podhawk search -o jsonl` prints one JSON object per result row, with keys in column order. A single value is a string
(numbers keep their spelling) and a multivalue field is a list of strings. A missing value is left out, or is `null` if
`table` or `stats` names its column. `_time` is in epoch seconds, with its fraction; `_raw` is the text of the event.
If a search does not determine the order of its rows, they are sorted by group, so that two runs are byte-equal.

`podhawk run --rows -o jsonl` prints the unchanged rows of each detection:
`{"detection": {"name", "id", "version", "file"}, "row": {…}}`.

| output | description |
|---|---|
| table | aligned columns; wide values are folded (of findings: clipped), control characters are escaped |
| jsonl | one JSON object per line |
| json | one JSON array |
| csv | a header, then one line per row; the values of a multivalue field are on separate lines within the cell |
| md | a Markdown table |"""

_TABLES = """\
A table of findings has one line per finding and is as wide as the terminal: cells that do not fit end with `…`, and
columns that a narrow terminal has no room for are left out. Priority, severity, time and the first eight characters
of the id are always there; `explain --finding` takes these characters. Below 100 columns the time has no date if all
lines are of one day. In a pipe or a file the table has 160 columns, or as many as the variable `COLUMNS` says. Hidden
findings are in parentheses (`--all`).
`--limit N` shows the N most urgent ones. Severities have colours on a terminal, unless the variable `NO_COLOR` is set
or `TERM` is `dumb`.

`-o csv` has one line per finding and a column for each member of the JSON record, with dots for objects
(`actor.user`). Lists are on separate lines within the cell. `-o md` has the columns of a wide terminal and full ids."""

_FIELDS = """\
`podhawk fields -o jsonl` prints one JSON object per field, the most frequent first:

| member | meaning |
|---|---|
| field | the name that searches use |
| events | events that have the field |
| share | the same as a share of all events, from 0 to 1 |
| kinds | how many values are `text`, `time`, `number`, `boolean` and `null` |
| values | distinct values, at most 1,000 |
| complete | false where there are more of them |
| top | the ten most frequent values, with `value` and `count`; where not `complete`, those of 1,000 values |

The log is read once. At most 2,000 fields and 1,000 values of each are kept, selected by a hash of the name or value:
the result does not depend on the order of events or on `--jobs`, and each number is exact. Secrets are masked. Expect
about 25 MB per second and core for events without bodies, and 10 MB for those with large ones."""

_WHO = """\
`podhawk who NAME` reads the log once, together with the detections; if NAME changed what owns pods, or is not a user,
it is read once more. NAME is compared exactly with users and names of pods and nodes. Source addresses are compared as
addresses: `2001:DB8:0:0:0:0:0:1` is `2001:db8::1`, `::ffff:10.0.0.9` is `10.0.0.9`, and brackets are ignored. A zone
counts only if it is given: `fe80::1` is that address in every zone, `fe80::1%eth0` only that one. A network such as
`10.0.0.0/24` is not taken; use `podhawk search 'sourceIPs{}=10.0.0.* | stats count by sourceIPs{}'`.

Requests are counted at their last stage. The table has a part for each facet; `--limit` says how many values of each
are shown. `-o jsonl` prints one object per value:

| member | meaning |
|---|---|
| entity | NAME |
| facet | one of the facets below |
| value | the value; of `findings` the id |
| count | requests |
| first_time, last_time | when it was first and last seen |
| new | whether it was not seen before `--since`; null if the log has nothing of the entity from before |

| facet | values |
|---|---|
| as | where the name stands: `user`, `address`, `pod`, `node`, `impersonated user`, `target` … |
| users, addresses, agents | who it was, from where (the last source address) and with which clients |
| actions | verb, resource and namespace; paths of other requests |
| outcomes | as in findings |
| tokens asked for | service accounts of which it got a token, with the token's id |
| impersonated, impersonated by | whom it impersonated, and who impersonated it |
| pods made | pods that it created itself |
| pods caused | pods that controllers created for it, by the chain of owners in the log |
| done to it | requests of others about the pod or node |
| findings | findings in which it has a part; with `title`, `severity`, `priority` and `visible` |

At most 1,000 values of a facet and 20,000 changes of owners are kept, selected by a hash: the result does not depend on
`--jobs`, and each number is exact. A part of which not everything was kept is marked as a selection. RAM does not
depend on the length of the log, apart from the events behind findings.

The detections, too, see only events that name the entity, so that most of the log is passed over: expect nearly the
speed of a search for a rare word. If the entity changed what owns pods, the log is read once more for what controllers
made of it. If it is an address, a pod or a node, it is read once more for what its users did elsewhere, because how
urgent a finding is depends on that. A detection that counts the events of several identities together, and incidents
of other identities, can say more in `podhawk run`."""

_TIMELINE = """\
`podhawk timeline` lists the visible findings in order of time (`--all`: all findings). Between them stand requests that
the same actors made up to `--around` minutes before and after, those of the same kind in one line with their number:
changes first, then what was refused, then what is frequent, at most eight lines around the findings of an actor.
`--group-by` makes a table for each actor, detection, incident, namespace or node; what an actor did around several
findings is in the group of the first. The log is read once for the findings, and once more for the requests around
them, of which at most 100 kinds are kept for each time. Expect nearly the speed of `podhawk run`.

`-o jsonl` prints one object per line with `kind` (that of the finding, or `activity`), `time`, `last_time`, `group`,
`actor`, `text` and `count`; findings also have `finding_id`, `detection`, `severity`, `priority`, `outcome` and
`visible`."""

_HELP = """\
`podhawk help VERB` prints the same as `podhawk VERB --help`; `podhawk help spl` lists SPL commands and functions, and
`podhawk help spl NAME` explains one.

Completion of verbs, options, choices and files, for the running shell:

    eval "$(podhawk help --completion bash)"        # zsh: the same with zsh
    podhawk help --completion fish | source

To have it always, write the script to a file that the shell reads:
`~/.local/share/bash-completion/completions/podhawk`, a file `_podhawk` in a folder of zsh's `$fpath`, or
`~/.config/fish/completions/podhawk.fish`. Bash must be 4.4 or newer.

`podhawk help --man` prints the manual page of podhawk, and `podhawk help --man VERB` that of a verb:

    podhawk help --man run > ~/.local/share/man/man1/podhawk-run.1"""

_SUMMARY = """\
Unless `--quiet` is given, podhawk prints a summary on standard error. It describes the input (lines, bytes, the time
range, events by stage, and rejected records by reason with the location of the first) and states one judgement per
detection. What is known of the input:

| number | how exact |
|---|---|
| lines, bytes, files | exact |
| time range | that of the timestamps in the first and last 64 KiB of each file: right for logs in order of time |
| events, stages, levels, formats | exact if every line was read, as under `--strict`; else of what "could match" |
| rejected records | likewise; files that could not be read are always counted |

The judgement of a detection is one of these:

| judgement | meaning |
|---|---|
| fired | The detection has rows or findings. |
| hunting | The detection is for hunting and has rows. `--rows` prints them; they are no findings. |
| silent | The detection ran, the input has all that it needs, and nothing matched. |
| unknown | Nothing matched, but some events lack fields that the detection needs. The first is named. |
| cannot | The detection cannot fire: no event has a field that it requires, or there is no geolocation database. |
| refused | The search uses a command that podhawk does not support. |
| broken | The search is invalid. The message names file, line and column. |

The judgement is exact. The number of events behind it is exact under `--strict` and where every line was read;
otherwise it says "at least". Whether a search can be decided is asked of each event: a request that its other
conditions rule out needs no body, and one branch of an OR that holds is enough. A request that the API server refused
before it read the body (401, or 403 by authorization) has none to log.

`run --judgements` prints the judgements as records after the findings, and `--judgements-only` prints nothing else:

| member | meaning |
|---|---|
| kind | `judgement` |
| detection | its `name`, `id`, `version`, `type` and `file` |
| judgement | one of the words above |
| reason | what is missing and what to change; empty if nothing is |
| count | findings; rows of a hunting detection and under `--rows` |
| decided | events on which the search was decided; null where not all lines were read |
| undecided | events on which it could not be decided |
| first | file and line of the first of these, or null |
| exact | false where `undecided` is a lower bound |

`podhawk explain` begins with the judgement, and in the library each `DetectionResult` has it.

`podhawk search` warns of an index, source, sourcetype or host that no event has, and of field names that neither audit
events nor the search's own columns have, with the nearest name."""


def whole() -> str:
    """The page."""
    verbs = "\n".join(f"| `podhawk {name}` | {doc} |" for name, doc in VERBS.items())
    codes = "\n".join(f"| {code} | {doc} |" for code, doc in EXIT_CODES.items())
    options = "\n".join(_line(option) for option in OPTIONS)
    parts = [
        "# The command line",
        "This page is generated from the declarations in the code.",
        f"## Verbs\n\n| verb | description |\n|---|---|\n{verbs}",
        "PATH is a file, a folder (read recursively), a glob, or `-` for standard input. `.gz` and "
        "`.zst` files are recognised by their content. Without PATH, podhawk reads standard input if "
        "it is a pipe; on a terminal, a missing PATH is a usage error. A search that begins with a "
        "generating command needs no PATH.",
        "If a file or folder that PATH names cannot be read, the run ends with exit code 4. In a folder or glob, "
        "podhawk skips what it cannot read: a warning names it (also with `--quiet`), the summary counts it as "
        "rejected, and with `--strict` it is an error. Links to files are followed, links to folders are not. Hidden "
        "files and folders are skipped without a warning. Pipes are read; one that no process opens for writing within "
        "10 seconds is an error. Devices and sockets are not read.",
        "## Options\n\nThe value of an option comes from the command line, else from its `PODHAWK_…` "
        "variable, else from `podhawk.toml` (searched upwards from the working folder), else from "
        "its default. Unknown keys and variables are errors.\n\n| option | verbs | variable | "
        f"default | meaning |\n|---|---|---|---|---|\n{options}",
        f"## Exit codes\n\n| code | meaning |\n|---|---|\n{codes}\n\nIf the reader of standard output "
        "closes the pipe, podhawk ends silently. Files are written whole or not at all.",
        f"## Memory\n\n{_MEMORY}",
        f"## Help, completion and manual pages\n\n{_HELP}",
        f"## Rows\n\n{_ROWS}",
        f"## Findings as tables\n\n{_TABLES}",
        f"## Fields of a log\n\n{_FIELDS}",
        f"## What one entity did\n\n{_WHO}",
        f"## Timelines\n\n{_TIMELINE}",
        f"## The summary\n\n{_SUMMARY}",
    ]
    return "\n\n".join(parts)


def _line(option: Option) -> str:
    name = f"`--{option.name}`" + (f", `-{option.short}`" if option.short else "")
    doc = option.doc + (f" One of {', '.join(option.choices)}." if option.choices else "")
    default = "" if option.default in (None, False) else f"`{option.default}`"
    return f"| {name} | {', '.join(option.verbs)} | `{option.variable}` | {default} | {doc.replace('|', '&#124;')} |"
