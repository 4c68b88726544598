"""tscollect: keep the rows under a name, for tstats."""

from __future__ import annotations

from podhawk.commands.context import Context, place
from podhawk.commands.declare import Columns, Command, Example, Kind, Wanted, Whole, always
from podhawk.commands.outputcsv import written_columns
from podhawk.commands.properties import Effect, effect
from podhawk.commands.shared.names import shown
from podhawk.errors import ContentError
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText


class TsCollect(Placed, frozen=True):
    namespace: str
    keepresults: bool = False
    squashcase: bool = False
    at: int = 0
    source: SearchText | None = None


def collected_file(namespace: str) -> str:
    """The name of the file that holds the rows of a namespace."""
    return f"tsidx_{namespace}"


def _parse(cursor: Cursor) -> TsCollect:
    at = cursor.at
    options = cursor.options(("namespace", "keepresults", "squashcase"))
    cursor.finish()
    if "namespace" not in options:
        raise cursor.error("expected namespace=<name>", at, remedy="The name is what tstats reads: from <name>.")
    return TsCollect(
        options["namespace"],
        cursor.boolean(options.get("keepresults", "f"), "keepresults"),
        cursor.boolean(options.get("squashcase", "f"), "squashcase"),
        at,
        cursor.source,
    )


def _render(node: TsCollect) -> str:
    flags = [f"{name}=true" for name in ("keepresults", "squashcase") if getattr(node, name)]
    return " ".join([f"namespace={shown(node.namespace)}", *flags])


def _whole(node: TsCollect, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        rows = table.rows
        if node.squashcase:
            rows = [row.copy() for row in rows]
            for row in rows:
                row.update((name, value.lower()) for name, value in row.items() if isinstance(value, str))
        columns = tuple(name for name in written_columns(table) if name != "_raw")
        try:
            context.files.write(collected_file(node.namespace), rows, columns, True)
        except ContentError as error:
            raise place(node.source, node.at, f"tscollect: {error.message}", error.remedy) from None
        return table if node.keepresults else Table([], table.columns)

    return whole


def _reads(node: TsCollect, wanted: Wanted) -> Wanted:
    return None


def _columns(node: TsCollect, columns: Columns) -> Columns:
    return columns


TSCOLLECT = Command(
    name="tscollect",
    syntax="tscollect namespace=<name> [keepresults=<bool>] [squashcase=<bool>]",
    doc="Keeps the rows under a name that tstats reads with `from <name>`, and adds to what is there. They are "
    "kept in the state, and only with --write; without it, in memory until the run ends. Rows are passed on "
    "only with keepresults=true. squashcase=true keeps values in lower case.",
    examples=(
        Example(
            "* | stats count by user | tscollect namespace=users keepresults=true",
            ({"user": "ann", "count": "1"},),
            ('{"user":"ann"}',),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=_columns,
    whole=_whole,
    effect=effect(Effect.REBUILDS),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/tscollect",
)
