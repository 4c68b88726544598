"""tags: annotations that tags.conf gives to field values; content here has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, always, same_columns
from podhawk.commands.properties import Effect, effect, immutable, same
from podhawk.commands.shared.names import listed, shown
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor

_OPTIONS = ("outputfield", "inclname", "inclvalue", "allowed_tags")


class Tags(Struct, frozen=True):
    names: tuple[str, ...] = ()
    outputfield: str = ""
    inclname: bool = False
    inclvalue: bool = False


def _parse(cursor: Cursor) -> Tags:
    options = cursor.options(_OPTIONS)
    names = cursor.names()
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    flags = [cursor.boolean(options.get(name, "f"), name) for name in ("inclname", "inclvalue")]
    return Tags(names, options.get("outputfield", ""), *flags)


def _render(node: Tags) -> str:
    parts = [f"outputfield={shown(node.outputfield)}"] if node.outputfield else []
    parts += [f"{name}=true" for name, on in (("inclname", node.inclname), ("inclvalue", node.inclvalue)) if on]
    return " ".join([*parts, listed(node.names)]).strip()


def _stream(node: Tags, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        return iter(rows)

    return stream


TAGS = Command(
    name="tags",
    syntax="tags [outputfield=<field>] [inclname=<bool>] [inclvalue=<bool>] [<field>…]",
    doc="Adds the tags of field values to rows. Tags are defined in tags.conf, which podhawk's content does not "
    "have, so no value has a tag and the rows stay unchanged.",
    examples=(Example("* | table user | tags user", ({"user": "ann"},), ('{"user":"ann"}',)),),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=lambda node, wanted: wanted,
    columns=same_columns,
    stream=_stream,
    made=same,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/tags",
)
