"""replace: values for other values.

Of several pairs that fit a value one applies: an exact one before any with `*`, of those with `*` the one
with the longest text, and of equals the one written last. A `*` in the new text repeats what the `*` at the
same place of the old one stood for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, Wanted, always, same_columns
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import has_wildcard, listed, matches, pattern
from podhawk.commands.shared.values import put
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote


class Replace(Struct, frozen=True):
    """`names` empty means every field that is not internal."""

    pairs: tuple[tuple[str, str], ...]
    names: tuple[str, ...] = ()


def _parse(cursor: Cursor) -> Replace:
    pairs: list[tuple[str, str]] = []
    names: tuple[str, ...] = ()
    while not cursor.done:
        at = cursor.at
        if pairs and cursor.keyword("in"):
            names = cursor.names()
            cursor.finish()
            if not names:
                cursor.fail("expected a field after IN")
            break
        old = cursor.word("the value to replace")
        if not cursor.keyword("with"):
            cursor.fail(f"expected WITH after {old}")
        new = cursor.word("the new value")
        if "*" in new and new.count("*") != old.count("*"):
            raise cursor.error(f"{old} and {new} have different numbers of *", at)
        pairs.append((old, new))
        cursor.commas()
    if not pairs:
        cursor.fail("expected value WITH value")
    return Replace(tuple(pairs), names)


def _render(node: Replace) -> str:
    pairs = ", ".join(f"{quote(old)} WITH {quote(new)}" for old, new in node.pairs)
    return f"{pairs} IN {listed(node.names)}" if node.names else pairs


def _reads(node: Replace, wanted: Wanted) -> Wanted:
    return wanted


def _rewrite(node: Replace, text: str) -> str:
    best: tuple[tuple[bool, int, int], str] | None = None
    for number, (old, new) in enumerate(node.pairs):
        if "*" not in old:
            if text == old:
                best = max(best or ((False, -1, -1), ""), ((True, 0, number), new))
            continue
        found = pattern(old).match(text)
        if found:
            parts = new.split("*")
            groups = (*found.groups(), "") if len(parts) > 1 else ("",)
            made = "".join(piece for pair in zip(parts, groups, strict=True) for piece in pair)
            best = max(best or ((False, -1, -1), ""), ((False, len(old.replace("*", "")), number), made))
    return text if best is None else best[1]


def _stream(node: Replace, context: Context) -> Stream:
    wild = has_wildcard(node.names)

    def meant(row: Row) -> list[str]:
        if not node.names:
            return [name for name in row if not name.startswith("_")]
        return [name for name in row if matches(node.names, name)] if wild else list(node.names)

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for name in meant(row):
                value = row.get(name)
                if value is not None:
                    old = texts(value)
                    new = [_rewrite(node, text) for text in old]
                    if tuple(new) != old:
                        put(row, name, new)
            yield row

    return stream


def _made(node: Replace, name: str) -> Sources:
    meant = matches(node.names or ("*",), name)
    return (computed((name,), strict=True) if meant else copy(name),)


REPLACE = Command(
    name="replace",
    syntax="replace <value> WITH <value> [, <value> WITH <value>]… [IN <field>…]",
    doc="Replaces whole values (case-sensitive) in the listed fields, or in all fields that are not "
    "internal. `*` in the old value is a wildcard; `*` in the new value stands for the matched "
    "text.",
    examples=(
        Example(
            "* | replace get WITH read, list WITH read IN verb | table verb", ({"verb": "read"},), ('{"verb":"list"}',)
        ),
        Example(
            '* | replace "system:node:*" WITH "node *" IN user | table user',
            ({"user": "node n1"},),
            ('{"user":"system:node:n1"}',),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/replace",
)
