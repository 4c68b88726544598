"""selfjoin: rows of one result joined with each other."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always, needs, same_columns
from podhawk.commands.properties import Effect, effect, immutable
from podhawk.commands.shared.names import listed
from podhawk.rows import Row, Table, texts
from podhawk.spl.cursor import Cursor

_OPTIONS = ("overwrite", "max", "keepsingle")


class SelfJoin(Struct, frozen=True):
    """`most` is how many other rows are joined to a main row; 0 means all."""

    names: tuple[str, ...]
    overwrite: bool = True
    most: int = 1
    keepsingle: bool = False


def _parse(cursor: Cursor) -> SelfJoin:
    options = cursor.options(_OPTIONS)
    names = cursor.names()
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    if not names:
        cursor.fail("expected the fields to join by")
    return SelfJoin(
        names,
        cursor.boolean(options.get("overwrite", "t"), "overwrite"),
        cursor.integer(options.get("max", "1"), "max"),
        cursor.boolean(options.get("keepsingle", "f"), "keepsingle"),
    )


def _render(node: SelfJoin) -> str:
    parts = [] if node.overwrite else ["overwrite=false"]
    parts += [f"max={node.most}"] if node.most != 1 else []
    parts += ["keepsingle=true"] if node.keepsingle else []
    return " ".join([*parts, listed(node.names)])


def _joined(node: SelfJoin, rows: list[Row]) -> Row:
    """The last row of a group is the main one; the others come before it, the first of them last."""
    main, others = rows[-1], rows[:-1]
    others = others[: node.most] if node.most else others
    made = Row(main, rows[0].order)
    for other in reversed(others):
        for name, value in other.items():
            if node.overwrite or name not in main:
                made[name] = value
    return made


def _whole(node: SelfJoin, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        groups: dict[tuple[tuple[str, ...], ...], list[Row]] = {}
        for row in table.rows:
            if all(name in row for name in node.names):
                groups.setdefault(tuple(texts(row[name]) for name in node.names), []).append(row)
        made = [
            _joined(node, rows) if len(rows) > 1 else rows[0]
            for rows in groups.values()
            if len(rows) > 1 or node.keepsingle
        ]
        return Table(made, table.columns)

    return whole


def _reads(node: SelfJoin, wanted: Wanted) -> Wanted:
    return needs(wanted, *node.names)


SELFJOIN = Command(
    name="selfjoin",
    syntax="selfjoin [overwrite=<bool>] [max=<n>] [keepsingle=<bool>] <field>…",
    doc="Joins rows that have the same values in the given fields into one row. The fields of up to `max` other "
    "rows (default: 1; 0 means all) are added to the main row; with overwrite=true, the default, they replace"
    " those of the main row. Rows without a partner are dropped unless keepsingle=true.",
    examples=(
        Example(
            "* | table id user owner | selfjoin id | table id user owner",
            ({"id": "1", "user": "ann", "owner": "bob"},),
            ('{"id":1,"user":"ann"}', '{"id":1,"owner":"bob"}', '{"id":2,"user":"eve"}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=same_columns,
    whole=_whole,
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/selfjoin",
)
