"""xpath: a value out of the XML in a field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, plus
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.values import put
from podhawk.commands.shared.xmlfields import is_xml, xml_values
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_OPTIONS = ("field", "outfield", "default")
_END = lazy_pattern(r"/(?:@(?P<attribute>[\w:.-]+)|text\(\))\Z")


class XPath(Struct, frozen=True):
    path: str
    field: str = "_raw"
    outfield: str = "xpath"
    default: str | None = None


def _parse(cursor: Cursor) -> XPath:
    options: dict[str, str] = {}
    path: str | None = None
    at = cursor.at
    while not cursor.done:
        if cursor.next_option():
            options |= cursor.options(_OPTIONS)
        elif path is None:
            at = cursor.at
            path = cursor.quoted()
            if path is None:
                cursor.fail("expected an XPath expression in double quotes")
        else:
            cursor.finish()
    if path is None:
        cursor.fail("expected an XPath expression in double quotes")
    from xml.etree import ElementTree

    try:
        ElementTree.Element("x").findall(_relative(path)[0])
    except (SyntaxError, KeyError, ValueError) as error:
        raise cursor.error(f"{path!r} is not an XPath expression that podhawk knows: {error}", at) from None
    return XPath(path, options.get("field", "_raw"), options.get("outfield", "xpath"), options.get("default"))


def _relative(path: str) -> tuple[str, str]:
    """The path from above the root element, and the attribute at its end."""
    found = _END.search(path)
    attribute = (found["attribute"] or "") if found else ""
    steps = path[: found.start()] if found else path
    return (f".{steps}" if steps.startswith("/") else f".//{steps}"), attribute


def _render(node: XPath) -> str:
    parts = [quote(node.path)]
    parts += [f"field={shown(node.field)}"] if node.field != "_raw" else []
    parts += [f"outfield={shown(node.outfield)}"] if node.outfield != "xpath" else []
    parts += [f"default={quote(node.default)}"] if node.default is not None else []
    return " ".join(parts)


def _values(text: str, path: str, attribute: str) -> list[str]:
    if not is_xml(text) or xml_values(text) is None:  # it refuses document types, and with them entities
        return []
    from xml.etree import ElementTree

    above = ElementTree.Element("above")
    above.append(ElementTree.fromstring(text.strip()))
    found = above.findall(path)
    if attribute:
        return [one.attrib[attribute] for one in found if attribute in one.attrib]
    return [text for one in found if (text := "".join(one.itertext()).strip())]


def _stream(node: XPath, context: Context) -> Stream:
    path, attribute = _relative(node.path)

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            found = (
                [one for text in texts(value) for one in _values(text, path, attribute)] if value is not None else []
            )
            if found or node.default is not None:
                put(row, node.outfield, found or [node.default or ""])
            yield row

    return stream


def _reads(node: XPath, wanted: Wanted) -> Wanted:
    return None if wanted is None else wanted | {node.field}


def _columns(node: XPath, columns: Columns) -> Columns:
    return plus(columns, node.outfield)


def _made(node: XPath, name: str) -> Sources:
    return (computed((node.field,)), copy(name)) if name == node.outfield else (copy(name),)


XPATH = Command(
    name="xpath",
    syntax='xpath "<xpath>" [field=<field>] [outfield=<field>] [default=<text>]',
    doc="Extracts the texts of the elements that an XPath expression selects from the XML in a field (default: "
    "`_raw`) into outfield (default: `xpath`). A path that ends in `/@name` selects attributes. Known are "
    "`/`, `//`, `*`, `[@name]`, `[@name='text']`, `[name]` and `[n]`. A row without a match stays unchanged, "
    "or gets the default.",
    examples=(
        Example(
            r"""* | xpath "//image[@tag='1.27']/@name" field=x outfield=image | table image""",
            ({"image": "nginx"},),
            (r'{"x":"<pod><image name=\"nginx\" tag=\"1.27\"/></pod>"}',),
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
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/xpath",
)
