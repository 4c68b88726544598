"""eventstats: what stats computes, written into every row."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context, renumber
from podhawk.commands.declare import Columns, Command, Example, Kind, Wanted, Whole, always, plus
from podhawk.commands.properties import UNKNOWN, Effect, Sources, copy, effect
from podhawk.commands.shared.aggregate import Aggregator, Group
from podhawk.commands.shared.groups import Key, keys_of
from podhawk.commands.shared.items import (
    Item,
    item_columns,
    item_fields,
    item_made,
    item_patterns,
    item_volatility,
    parse_items,
    ranged_items,
    render_items,
)
from podhawk.commands.shared.names import has_wildcard, listed
from podhawk.commands.shared.numeric import spoiled
from podhawk.commands.where import void
from podhawk.rows import Row, Table
from podhawk.rows.values import Value
from podhawk.spl.cursor import Cursor


class EventStats(Struct, frozen=True):
    items: tuple[Item, ...]
    by: tuple[str, ...] = ()
    allnum: bool = False


def by_clause(cursor: Cursor) -> tuple[str, ...]:
    """`BY a b`, each once; empty if there is none."""
    if not cursor.keyword("by"):
        return ()
    at = cursor.at
    names = cursor.grouping()
    if has_wildcard(names):
        raise cursor.error("wildcards are not allowed in BY", at)
    return tuple(dict.fromkeys(names))


def _parse(cursor: Cursor) -> EventStats:
    options = cursor.options(("allnum",))
    items = parse_items(cursor, ("by",), spark=True)
    if not items:
        cursor.fail("expected an aggregation such as count or values(field)")
    by = by_clause(cursor)
    options |= cursor.options(("allnum",))
    cursor.finish()
    return EventStats(items, by, cursor.boolean(options.get("allnum", "f"), "allnum"))


def _render(node: EventStats) -> str:
    parts = ["allnum=true"] if node.allnum else []
    parts.append(render_items(node.items))
    if node.by:
        parts.append(f"BY {listed(node.by)}")
    return " ".join(parts)


def added_reads(items: tuple[Item, ...], by: tuple[str, ...], wanted: Wanted) -> Wanted:
    """The fields that rows need before results are added to them."""
    read = item_fields(items)
    if read is None or wanted is None:
        return None
    return (wanted - {item.name for item in items}) | read | frozenset(by)


def added_columns(items: tuple[Item, ...], columns: Columns) -> Columns:
    """Columns with the results at the end; open if a wildcard leaves those to the rows."""
    made = item_columns(items)
    return None if made is None else plus(columns, *made)


def added_made(items: tuple[Item, ...], by: tuple[str, ...], name: str) -> Sources:
    """The sources of a column after results are added to rows. A result depends on the BY fields of the row, and a row
    that lacks one keeps what it had."""
    made = item_made(items, name)
    if made is not None:
        of = made.of if made.of is None else made.of | frozenset(by)
        return replace(made, of=of, unchanged=made.unchanged and not by, total=False), copy(name)
    return UNKNOWN if any(item.wild for item in items) else (copy(name),)


def put(row: Row, items: tuple[Item, ...], results: dict[str, Value]) -> None:
    """Write results into a row; a result that is null removes the field of its name."""
    for item in items:
        if not item.wild:
            row.pop(item.name, None)
    row.update(results)


def _whole(node: EventStats, context: Context) -> Whole:
    aggregator = Aggregator(node.items, context, node.by)
    keep_null = "eventstats-null-by-kept" in context.env.switches

    def whole(table: Table) -> Table:
        renumber(table.rows)
        groups: dict[Key, Group] = {}
        bad: dict[Key, set[str]] = {}
        first: list[Key | None] = []
        for row in table.rows:
            keys = list(keys_of(row, node.by, keep_null=keep_null))
            first.append(keys[0] if keys else None)
            for key in keys:
                if key not in groups:
                    groups[key] = aggregator.new()
                aggregator.add(groups[key], row)
                if node.allnum:
                    bad.setdefault(key, set()).update(spoiled(node.items, row))
        aggregator.draw(groups.values())
        results = {
            key: {name: value for name, value in aggregator.finish(group).items() if name not in bad.get(key, ())}
            for key, group in groups.items()
        }
        for row, known in zip(table.rows, first, strict=True):
            if known is not None:
                put(row, node.items, results[known])
        return Table(table.rows, added_columns(node.items, table.columns))

    return whole


EVENTSTATS = Command(
    name="eventstats",
    syntax="eventstats [allnum=<bool>] <aggregation>… [BY <field>…]",
    doc="Computes aggregations as stats does and adds them to every row of the group. Rows and their "
    "order stay the same. A row that lacks a BY field gets no results. A row with a multivalue "
    "BY field counts in the group of each value and gets the results of its first value. With "
    "allnum=true, a field with any value that is not a number has no sum, average or deviation.",
    examples=(
        Example(
            "* | eventstats count by user | table user count",
            ({"user": "a", "count": "2"}, {"user": "b", "count": "1"}, {"user": "a", "count": "2"}),
            ('{"user":"a"}', '{"user":"b"}', '{"user":"a"}'),
        ),
        Example(
            "* | eventstats avg(n) as mean | where n>mean | table n mean",
            ({"n": "9", "mean": "5"},),
            ('{"n":1}', '{"n":9}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=lambda node, wanted: added_reads(node.items, node.by, wanted),
    columns=lambda node, columns: added_columns(node.items, columns),
    whole=_whole,
    check=lambda node, context: void(Aggregator(node.items, context)),
    made=lambda node, name: added_made(node.items, node.by, name),
    effect=effect(Effect.KEEPS),
    groups=lambda node: node.by,
    aggregations=lambda node: node.items,
    volatility=lambda node: item_volatility(node.items),
    patterns=lambda node: item_patterns(node.items),
    ranged=lambda node, within: replace(node, items=ranged_items(node.items, within)),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/eventstats",
)
