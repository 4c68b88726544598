"""tojson: the fields of a row as a JSON object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, plus
from podhawk.commands.properties import Effect, Made, Sources, copy, effect, immutable
from podhawk.commands.shared.names import matches, shown
from podhawk.functions.jsonpath import MISSING, Spelled, dump, parse
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, texts
from podhawk.rows.values import Value, as_number
from podhawk.spl.cursor import Cursor

TYPES = ("auto", "bool", "json", "none", "num", "str")
_CALL = lazy_pattern(r"(auto|bool|json|none|num|str)\(\s*", re.IGNORECASE)
_OPTIONS = ("default_type", "fill_null", "include_internal", "output_field")
_SKIPPED: Final = object()


class Typed(Struct, frozen=True):
    """Fields, and the JSON type that their values get; an empty type means the default one."""

    names: tuple[str, ...]
    type: str = ""


class ToJson(Struct, frozen=True):
    fields: tuple[Typed, ...] = ()
    default_type: str = "none"
    fill_null: bool = False
    include_internal: bool = False
    output_field: str = "_raw"


def _parse(cursor: Cursor) -> ToJson:
    options: dict[str, str] = {}
    fields: list[Typed] = []
    while not cursor.done:
        if cursor.next_option():
            options |= cursor.options(_OPTIONS)
            continue
        call = cursor.looking_at(_CALL)
        if call:
            cursor.at = call.end()
            names: list[str] = []
            while not cursor.done and cursor.peek() != ")":
                names.append(cursor.name())
                cursor.commas()
            if not cursor.take(")"):
                raise cursor.error("this ( is never closed", call.end() - 1)
            fields.append(Typed(tuple(names), call[1].lower()))
        else:
            fields.append(Typed((cursor.name(),)))
        cursor.commas()
    return ToJson(
        tuple(fields),
        cursor.choice(options.get("default_type", "none"), "default_type", TYPES),
        cursor.boolean(options.get("fill_null", "f"), "fill_null"),
        cursor.boolean(options.get("include_internal", "f"), "include_internal"),
        options.get("output_field", "_raw"),
    )


def _render(node: ToJson) -> str:
    parts = [
        f"{one.type}({' '.join(map(shown, one.names))})" if one.type else " ".join(map(shown, one.names))
        for one in node.fields
    ]
    parts += [f"default_type={node.default_type}"] if node.default_type != "none" else []
    parts += [f"{name}=true" for name in ("fill_null", "include_internal") if getattr(node, name)]
    parts += [f"output_field={shown(node.output_field)}"] if node.output_field != "_raw" else []
    return " ".join(parts)


def _json(text: str, kind: str, is_number: bool) -> Any:
    """One value as JSON, or `_SKIPPED` if it does not suit the type. `is_number`: it is one that eval has made."""
    number = as_number(text)
    match kind:
        case "str":
            return text
        case "none":
            return Spelled(text) if is_number else text
        case "num":
            return _SKIPPED if number is None else Spelled(text)
        case "bool":
            lowered = text.lower()
            known = {"true": True, "t": True, "yes": True, "false": False, "f": False, "no": False}.get(lowered)
            return (
                (known if known is not None else number != 0) if known is not None or number is not None else _SKIPPED
            )
    document = parse(text)
    if kind == "json":
        return _SKIPPED if document is MISSING else document
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    return Spelled(text) if number is not None else document if isinstance(document, dict | list) else text


def _value(value: Value, kind: str) -> Any:
    made = [_json(text, kind, not isinstance(value, str | tuple)) for text in texts(value)]
    kept = [one for one in made if one is not _SKIPPED]
    return (kept if isinstance(value, tuple) else kept[0]) if kept else _SKIPPED


def _object(node: ToJson, row: Row) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in row.items():
        if name.startswith("_") and not node.include_internal and not any(name in one.names for one in node.fields):
            continue
        chosen = [one for one in node.fields if matches(one.names, name)]
        if node.fields and not chosen:
            continue
        found = _value(value, (chosen[-1].type if chosen else "") or node.default_type)
        if found is not _SKIPPED:
            made[name] = found
        elif node.fill_null:
            made[name] = None
    return dict(sorted(made.items()))


def _stream(node: ToJson, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            row[node.output_field] = dump(_object(node, row))
            yield row

    return stream


def _reads(node: ToJson, wanted: Wanted) -> Wanted:
    named = [name for one in node.fields for name in one.names]
    if wanted is None or not named or any("*" in name for name in named):
        return None
    return (wanted - {node.output_field}) | frozenset(named)


def _columns(node: ToJson, columns: Columns) -> Columns:
    return plus(columns, node.output_field)


def _made(node: ToJson, name: str) -> Sources:
    return (Made(aggregated=False, total=True),) if name == node.output_field else (copy(name),)


TOJSON = Command(
    name="tojson",
    syntax="tojson [[auto|bool|json|none|num|str](<field>…)]… [default_type=<type>] [fill_null=<bool>] "
    "[include_internal=<bool>] [output_field=<field>]",
    doc="Writes the fields of each row as a JSON object into `_raw`, or into output_field: all fields except "
    "internal ones, or only those that are named. A multivalue becomes an array. The type of a value is that "
    "of its function, else default_type: none leaves text as text and numbers that eval made as numbers, str "
    "makes text, num numbers, bool booleans, json reads JSON, auto takes the type that the text looks like. A"
    " value that does not suit its type is left out, or null with fill_null=true.",
    examples=(
        Example(
            "* | table user n | tojson num(n) user | table _raw",
            ({"_raw": '{"n":3,"user":"ann"}'},),
            ('{"user":"ann","n":3}',),
        ),
        Example(
            "* | table ok n | tojson default_type=auto output_field=j | table j",
            ({"j": '{"n":3,"ok":true}'},),
            ('{"ok":true,"n":3}',),
        ),
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
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/tojson",
)
