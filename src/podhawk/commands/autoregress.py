"""autoregress: values of earlier rows, as fields of this row."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Wanted, Whole, always, plus
from podhawk.commands.properties import Effect, Sources, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.lazy import lazy_pattern
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor

_RANGE = lazy_pattern(r"(\d+)(?:-(\d+))?\Z")
MOST = 10_000


class Autoregress(Struct, frozen=True):
    """`first` to `last` are how many rows earlier the values stand; `name` is empty unless AS was given."""

    field: str
    name: str = ""
    first: int = 1
    last: int = 1

    def target(self, back: int) -> str:
        return self.name or f"{self.field}_p{back}"

    @property
    def made(self) -> tuple[str, ...]:
        return tuple(self.target(back) for back in range(self.first, self.last + 1))


def _parse(cursor: Cursor) -> Autoregress:
    field = cursor.name("the field whose earlier values are wanted")
    at = cursor.at
    options = cursor.options(("p",))
    name = cursor.name("a name for the earlier value") if cursor.keyword("as") else ""
    options |= cursor.options(("p",))
    cursor.finish()
    found = _RANGE.match(options.get("p", "1"))
    if not found:
        raise cursor.error(f"p must be a number or a range such as 1-3, not {options['p']!r}", at)
    first, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first <= last <= MOST:
        raise cursor.error(f"p must lie between 1 and {MOST}, and the range must rise", at)
    if name and first != last:
        raise cursor.error("AS names one field, but p is a range", at)
    return Autoregress(field, name, first, last)


def _render(node: Autoregress) -> str:
    back = f"{node.first}" if node.first == node.last else f"{node.first}-{node.last}"
    named = f" AS {shown(node.name)}" if node.name else ""
    return f"{shown(node.field)}{named}" + (f" p={back}" if back != "1" else "")


def _whole(node: Autoregress, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        values = [row.get(node.field) for row in table.rows]
        for place, row in enumerate(table.rows):
            for back in range(node.first, node.last + 1):
                value = values[place - back] if place >= back else None
                if value is None:
                    row.pop(node.target(back), None)
                else:
                    row[node.target(back)] = value
        return Table(table.rows, _columns(node, table.columns))

    return whole


def _reads(node: Autoregress, wanted: Wanted) -> Wanted:
    return None if wanted is None else (wanted - frozenset(node.made)) | {node.field}


def _columns(node: Autoregress, columns: Columns) -> Columns:
    return plus(columns, *node.made)


def _made(node: Autoregress, name: str) -> Sources:
    return (copy(node.field, aggregated=True),) if name in node.made else (copy(name),)


AUTOREGRESS = Command(
    name="autoregress",
    syntax="autoregress <field> [AS <field>] [p=<n>|<n>-<m>]",
    doc="Copies the value of an earlier row into each row: of the row before, or of the rows that p names. The "
    "copies are called `field_p1`, `field_p2` and so on, or as AS says. The first rows have none.",
    examples=(
        Example(
            "* | sort n | autoregress n p=1-2 | table n n_p1 n_p2",
            ({"n": "1", "n_p1": None, "n_p2": None}, {"n": "4", "n_p1": "1", "n_p2": None}),
            ('{"n":1}', '{"n":4}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=_columns,
    whole=_whole,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/autoregress",
)
