"""docs/cli.md, written from the declarations of verbs, options and exit codes."""

from __future__ import annotations

from podhawk.cli.main import EXIT_CODES, VERBS
from podhawk.settings.options import OPTIONS, Option

_ROWS = """\
`podhawk search -o jsonl` prints one JSON object per result row, keys in the order of the search. A single value is
text (numbers keep their spelling), a multivalue field is a list of texts, a missing value is absent, or `null` under
a column that `table` or `stats` names. `_time` is epoch seconds with the fraction kept; `_raw` is the event's text.
Where a search leaves the order open, rows come sorted by their group, so that two runs are byte-equal.

`podhawk run --rows -o jsonl` prints each detection's rows before anything of podhawk's touches them:
`{"detection": {"name", "id", "version", "file"}, "row": {…}}`.

| output | what |
|---|---|
| table | aligned columns, wide values folded, control characters made visible |
| jsonl | one JSON object a line |
| json | one JSON array |
| csv | a header and a line a row; the values of a multivalue on lines of their own within the cell |
| md | a Markdown table |"""

_SUMMARY = """\
Standard error gets a summary unless `--quiet`: the input (events by stage, rejects by reason with the first place),
and per detection one of

| word | meaning |
|---|---|
| fired | it has rows |
| silent | it ran, had all it needs, and has none |
| unknown | it has no rows, but is not evaluable on some events, which were cut or never had what it needs |
| cannot | it cannot fire on this input: a field it requires exists in no event, or there is no geo database |
| refused | it uses a command that podhawk does not run |
| broken | its search cannot be read: the message has file, line, column |"""


def whole() -> str:
    """The page."""
    verbs = "\n".join(f"| `podhawk {name}` | {doc} |" for name, doc in VERBS.items())
    codes = "\n".join(f"| {code} | {doc} |" for code, doc in EXIT_CODES.items())
    options = "\n".join(_line(option) for option in OPTIONS)
    parts = [
        "# The command line",
        "This page is written from the declarations in the code.",
        f"## Verbs\n\n| verb | what it does |\n|---|---|\n{verbs}",
        "PATH is a file, a folder (read recursively), a glob, or `-` for standard input; `.gz` and `.zst` are told by "
        "their content. No PATH on a terminal is a usage error; on a pipe it is standard input. A search that begins "
        "with a generating command needs none.",
        "A file or folder that is named and cannot be read ends the run with code 4. What cannot be read in a folder "
        "or glob is left out: a warning names it, also with `--quiet`, the summary counts it among the rejects, and "
        "`--strict` makes it an error. Links to files are followed, links to folders are not: name them. Hidden files "
        "and folders are left out without a warning.",
        "## Options\n\nAn option comes from the command line, else from its `PODHAWK_…` variable, else from "
        "`podhawk.toml` (looked for upwards from the working folder), else from its default. Unknown keys and "
        f"variables are errors.\n\n| option | verbs | variable | default | meaning |\n|---|---|---|---|---|\n{options}",
        f"## Exit codes\n\n| code | meaning |\n|---|---|\n{codes}\n\nA closed pipe ends silently.",
        f"## Rows\n\n{_ROWS}",
        f"## The summary\n\n{_SUMMARY}",
    ]
    return "\n\n".join(parts)


def _line(option: Option) -> str:
    name = f"`--{option.name}`" + (f", `-{option.short}`" if option.short else "")
    doc = option.doc + (f" One of {', '.join(option.choices)}." if option.choices else "")
    default = "" if option.default in (None, False) else f"`{option.default}`"
    return f"| {name} | {', '.join(option.verbs)} | `{option.variable}` | {default} | {doc.replace('|', '&#124;')} |"
