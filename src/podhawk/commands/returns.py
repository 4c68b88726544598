"""return: values of a subsearch's first rows, as the text that replaces the subsearch."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always
from podhawk.commands.properties import Effect, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, Table, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_COUNT = lazy_pattern(r"(\d+)(?=\s|\Z)")


class Returned(Struct, frozen=True):
    """A field with the name it is given in the clause; an empty name means the bare value (`$field`)."""

    field: str
    alias: str = ""


class Return(Struct, frozen=True):
    items: tuple[Returned, ...]
    count: int = 1


def _parse(cursor: Cursor) -> Return:
    count = 1
    found = cursor.looking_at(_COUNT)
    if found:
        count = cursor.integer(found[1], "the number of rows", 1)
        cursor.at = found.end()
        cursor.space()
        cursor.commas()
    items: list[Returned] = []
    while not cursor.done:
        if cursor.take("$"):
            items.append(Returned(cursor.name()))
        else:
            name = cursor.name()
            items.append(Returned(cursor.name(), name) if cursor.take("=") else Returned(name, name))
        cursor.commas()
    if not items:
        cursor.fail("expected a field, alias=field or $field")
    return Return(tuple(items), count)


def _shown(item: Returned) -> str:
    if not item.alias:
        return f"${shown(item.field)}"
    return shown(item.field) if item.alias == item.field else f"{shown(item.alias)}={shown(item.field)}"


def _render(node: Return) -> str:
    return " ".join(([str(node.count)] if node.count != 1 else []) + [_shown(item) for item in node.items])


def _reads(node: Return, wanted: Wanted) -> Wanted:
    return frozenset(item.field for item in node.items)


def _row(node: Return, row: Row) -> str:
    parts: list[str] = []
    for item in node.items:
        values = texts(row[item.field]) if item.field in row else ()
        made = [f"{item.alias}={quote(value)}" if item.alias else value for value in values]
        if made:
            parts.append(made[0] if len(made) == 1 else f"({' OR '.join(made)})")
    return " ".join(parts)


def _whole(node: Return, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        parts = [text for row in table.rows[: node.count] if (text := _row(node, row))]
        search = parts[0] if len(parts) == 1 else " OR ".join(f"({part})" for part in parts)
        return Table([Row({"search": search})], ("search",))

    return whole


RETURN = Command(
    name="return",
    syntax="return [<n>] <field>… | <alias>=<field>… | $<field>…",
    doc='Ends a subsearch and returns the text that replaces it: `field="value"` of the first row, '
    "or of the first n rows joined by OR. `alias=field` uses another name; `$field` returns only "
    "the value. Without rows, the text is empty, and the clause is as if the subsearch was not there.",
    examples=(
        Example("* | return 2 user", ({"search": '(user="a") OR (user="b")'},), ('{"user":"a"}', '{"user":"b"}')),
        Example("* | return who=user $verb", ({"search": 'who="a" get'},), ('{"user":"a","verb":"get"}',)),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=lambda node, columns: ("search",),
    whole=_whole,
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/return",
)
