"""outputcsv: write the rows to a CSV file, and pass them on."""

from __future__ import annotations

from podhawk.commands.context import Context, place
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always, same_columns
from podhawk.commands.properties import Effect, effect, same
from podhawk.commands.shared.filenames import file_name
from podhawk.commands.shared.names import shown
from podhawk.errors import ContentError
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

_FLAGS = {"append": False, "create_empty": False, "override_if_empty": True}
_OPTIONS = (*_FLAGS, "dispatch", "usexml", "singlefile")


class OutputCsv(Placed, frozen=True):
    file: str
    append: bool = False
    create_empty: bool = False
    override_if_empty: bool = True
    at: int = 0
    source: SearchText | None = None


def _parse(cursor: Cursor) -> OutputCsv:
    options = cursor.options(_OPTIONS)
    at = cursor.at
    file = file_name(cursor)
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    for name in ("dispatch", "usexml", "singlefile"):
        cursor.boolean(options.get(name, "f"), name)
    flags = {
        name: cursor.boolean(options[name], name) if name in options else default for name, default in _FLAGS.items()
    }
    return OutputCsv(file, **flags, at=at, source=cursor.source)


def _render(node: OutputCsv) -> str:
    parts = [
        f"{name}={'false' if default else 'true'}" for name, default in _FLAGS.items() if getattr(node, name) != default
    ]
    return " ".join((*parts, shown(node.file)))


def written_columns(table: Table) -> tuple[str, ...]:
    """The columns to write: those that were named, or while the fields are open all but internal ones."""
    if table.columns is not None:
        return tuple(table.header())
    return tuple(name for name in table.header() if not name.startswith("_") or name in ("_time", "_raw"))


def _whole(node: OutputCsv, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        try:
            if table.rows or node.create_empty:
                context.files.write(node.file, table.rows, written_columns(table), node.append)
        except ContentError as error:
            raise place(node.source, node.at, f"outputcsv: {error.message}", error.remedy) from None
        return table

    return whole


def _reads(node: OutputCsv, wanted: Wanted) -> Wanted:
    return None


OUTPUTCSV = Command(
    name="outputcsv",
    syntax="outputcsv [append=<bool>] [create_empty=<bool>] [override_if_empty=<bool>] <file>",
    doc="Writes the rows to a CSV file for a later inputcsv, and passes them on. The file lies in the folder "
    "`csv` of the state and is written only with --write; without it, the rows are kept in memory until the "
    "run ends. A name has no folder. append=true adds to the file. Without rows nothing is written unless "
    "create_empty=true.",
    examples=(
        Example("* | stats count by user | outputcsv users", ({"user": "ann", "count": "1"},), ('{"user":"ann"}',)),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=same_columns,
    whole=_whole,
    made=same,
    effect=effect(Effect.KEEPS),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/outputcsv",
)
