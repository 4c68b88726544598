"""spath: fields out of JSON or XML text.

With a path, the values it names go into one field. Without one, every value of the text becomes a field of
its own, named as if the text were an event: `spath input=properties.log` makes `user.username`, not
`properties.log.user.username`. A field that exists is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, needs, plus
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.jsonfields import flatten, parse_prefix, text_of
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.values import put
from podhawk.commands.shared.xmlfields import flatten_xml, is_xml, select_xml, xml_path, xml_values
from podhawk.functions.jsonpath import MISSING, find, parse, steps
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor

CUTOFF = 5000
"""How many characters Splunk's `[spath] extraction_cutoff` lets a search without a path look at."""
CUTOFF_SWITCH = "spath-cutoff"
APPEND_SWITCH = "spath-append"
_OPTIONS = ("input", "output", "path")


class SPath(Struct, frozen=True):
    """`path` empty means all fields; `output` empty means a field named like the path."""

    path: str = ""
    input: str = "_raw"
    output: str = ""


def _parse(cursor: Cursor) -> SPath:
    options: dict[str, str] = {}
    path: str | None = None
    at = cursor.at
    while not cursor.done:
        if cursor.next_option():
            options |= cursor.options(_OPTIONS)
            at = cursor.places["path"][0] if "path" in options else at
        elif path is None and "path" not in options:
            at = cursor.at
            path = cursor.name("a path")
        else:
            cursor.finish()
    if path is not None and "path" in options:
        raise cursor.error("the path is given twice", at)
    path = options.get("path", path or "")
    if path and steps(path) is None and xml_path(path) is None:
        raise cursor.error(
            f"{path!r} is not a path",
            at,
            remedy="Separate names by dots; {} stands for every element of an array, {0} for the first, {@id} for the "
            "attribute id of an XML element.",
        )
    if "output" in options and not path:
        raise cursor.error("output needs a path", at, remedy="Name the path to extract: spath output=field path=a.b.")
    output = options.get("output", "")
    return SPath(path, options.get("input", "_raw"), "" if output == path else output)


def _render(node: SPath) -> str:
    source = node.input if node.input != "_raw" else ""
    parts = [("input", source), ("output", node.output), ("path", node.path)]
    return " ".join(f"{name}={shown(value)}" for name, value in parts if value)


def _reads(node: SPath, wanted: Wanted) -> Wanted:
    return needs(wanted, node.input)


def _columns(node: SPath, columns: Columns) -> Columns:
    return plus(columns, node.output or node.path) if node.path else columns


def _stream(node: SPath, context: Context) -> Stream:
    apply = _one(node) if node.path else _all(context)

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.input)
            if value is not None:
                apply(row, texts(value))
            yield row

    return stream


def _one(node: SPath) -> Callable[[Row, tuple[str, ...]], None]:
    path, xml = steps(node.path) or (), xml_path(node.path)
    output = node.output or node.path

    def found(text: str) -> list[str]:
        if is_xml(text):
            values = xml_values(text) if xml is not None else None
            return select_xml(values, xml) if xml is not None and values is not None else []
        document = parse(text)
        return [text_of(value) for value in find(document, path)] if path and document is not MISSING else []

    def apply(row: Row, inputs: tuple[str, ...]) -> None:
        put(row, output, [value for text in inputs for value in found(text)])

    return apply


def _all(context: Context) -> Callable[[Row, tuple[str, ...]], None]:
    cutoff = CUTOFF_SWITCH in context.env.switches
    append = APPEND_SWITCH in context.env.switches

    def apply(row: Row, inputs: tuple[str, ...]) -> None:
        merged: dict[str, list[str]] = {}
        for text in inputs:
            if is_xml(text):
                for name, values in flatten_xml(xml_values(text) or []).items():
                    merged.setdefault(name, []).extend(values)
                continue
            document = parse_prefix(text[:CUTOFF]) if cutoff and len(text) > CUTOFF else parse(text)
            if document is not MISSING:
                for name, values in flatten(document).items():
                    merged.setdefault(name, []).extend(values)
        for name, values in merged.items():
            put(row, name, [*texts(row[name]), *values] if append and name in row else values)

    return apply


def _made(node: SPath, name: str) -> Sources:
    if node.path and name != (node.output or node.path):
        return (copy(name),)
    return computed((node.input, name)), copy(name)


SPATH = Command(
    name="spath",
    syntax="spath [input=<field>] [output=<field>] [path=<path> | <path>]",
    doc="Extracts values from the JSON or XML in a field (default: `_raw`). A path consists of object keys "
    "separated by dots, with `{}` for every element of an array and `{n}` for one element (from 0). The "
    "values go to `output`, by default to a field named like the path. Without a path, every value becomes a "
    "field, without a prefix. In XML a path consists of element names; `{@id}` is the attribute id, and `{n}`"
    " counts from 1. Text that is neither, or a path without a value, changes nothing.",
    examples=(
        Example(
            "* | spath input=log | table user.name verb",
            ({"user.name": "bob", "verb": "get"},),
            (r'{"log":"{\"user\":{\"name\":\"bob\"},\"verb\":\"get\"}"}',),
        ),
        Example(
            "* | spath output=first path=items{0}.name | table first",
            ({"first": "a"},),
            ('{"items":[{"name":"a"},{"name":"b"}]}',),
        ),
        Example(
            "* | spath input=x path=pod.image{@tag} output=tag | table tag",
            ({"tag": "1.27"},),
            (r'{"x":"<pod><image tag=\"1.27\">nginx</image></pod>"}',),
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
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/spath",
)
