"""strcat: fields and texts joined into one field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, plus
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote


class Part(Struct, frozen=True):
    """A field, or a text that stands in quotes."""

    text: str
    literal: bool = False


class StrCat(Struct, frozen=True):
    parts: tuple[Part, ...]
    target: str
    allrequired: bool = False

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(part.text for part in self.parts if not part.literal)


def _parse(cursor: Cursor) -> StrCat:
    options = cursor.options(("allrequired",))
    parts: list[Part] = []
    at = cursor.at
    while not cursor.done:
        at = cursor.at
        literal = cursor.peek() == '"'
        parts.append(Part(cursor.name("a field or a text in quotes"), literal))
        cursor.commas()
    if len(parts) < 2:
        raise cursor.error("expected fields or texts to join, and the field for the result", at)
    if parts[-1].literal:
        raise cursor.error("the last argument is the field for the result, and has no quotes", at)
    return StrCat(tuple(parts[:-1]), parts[-1].text, cursor.boolean(options.get("allrequired", "f"), "allrequired"))


def _render(node: StrCat) -> str:
    shown_parts = [quote(part.text) if part.literal else _field(part.text) for part in node.parts]
    return " ".join((["allrequired=true"] if node.allrequired else []) + shown_parts + [_field(node.target)])


def _field(name: str) -> str:
    """A field name; double quotes would make it a text."""
    written = shown(name)
    return f"'{name}'" if written.startswith('"') else written


def _stream(node: StrCat, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            missing = any(name not in row for name in node.fields)
            if not (missing and node.allrequired):
                row[node.target] = "".join(
                    part.text if part.literal else "\n".join(texts(row[part.text]))
                    for part in node.parts
                    if part.literal or part.text in row
                )
            yield row

    return stream


def _reads(node: StrCat, wanted: Wanted) -> Wanted:
    return None if wanted is None else wanted | node.fields


def _columns(node: StrCat, columns: Columns) -> Columns:
    return plus(columns, node.target)


def _made(node: StrCat, name: str) -> Sources:
    return (computed(node.fields), copy(name)) if name == node.target else (copy(name),)


STRCAT = Command(
    name="strcat",
    syntax='strcat [allrequired=<bool>] <field>|"<text>"… <field>',
    doc="Joins the values of fields, and texts in double quotes, into the last field. A field that a row lacks adds "
    "nothing. With allrequired=true, a row that lacks one of the fields is not changed.",
    examples=(
        Example('* | strcat ns "/" name where | table where', ({"where": "dev/web"},), ('{"ns":"dev","name":"web"}',)),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/strcat",
)
