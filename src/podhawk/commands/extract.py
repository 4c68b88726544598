"""extract: fields out of `key=value` text in `_raw`.

Without delimiters a pair is a name, `=`, and a value in double quotes or up to a blank, comma or semicolon.
With them, `pairdelim` is a list of characters that end a pair and `kvdelim` one of characters that part name
and value; a value in double quotes may hold either. A field that the row has already stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, Wanted, always, needs, same_columns
from podhawk.commands.properties import Effect, computed, copy, effect, immutable
from podhawk.commands.shared.values import put
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

LIMIT = 50
MAXCHARS = 10240
_OPTIONS = ("pairdelim", "kvdelim", "limit", "maxchars", "mv_add", "clean_keys", "auto", "reload", "segment")
_AUTO = lazy_pattern(r'(?<![\w.:-])([A-Za-z_][\w.:-]*)=(?:"((?:\\.|[^"\\])*)"|([^\s,;"]+))')
_UNCLEAN = lazy_pattern(r"[^A-Za-z0-9_]+")
Pairs = Callable[[str], Iterator[tuple[str, str]]]


class Extract(Struct, frozen=True):
    """`auto` False finds nothing but what the delimiters say."""

    pairdelim: str = ""
    kvdelim: str = ""
    limit: int = LIMIT
    maxchars: int = MAXCHARS
    mv_add: bool = False
    clean_keys: bool = True
    auto: bool = True


def _parse(cursor: Cursor) -> Extract:
    options = cursor.options(_OPTIONS)
    if not cursor.done:
        name = cursor.name()
        cursor.fail(
            f"extraction rules of a Splunk server are not available: {name}", "Use pairdelim and kvdelim, or rex."
        )
    flags = {
        name: cursor.boolean(options.get(name, default), name)
        for name, default in (("mv_add", "f"), ("clean_keys", "t"), ("auto", "t"), ("reload", "t"), ("segment", "t"))
    }
    pair, key = options.get("pairdelim", ""), options.get("kvdelim", "")
    if bool(pair) != bool(key):
        cursor.fail("pairdelim and kvdelim must be used together")
    return Extract(
        pair,
        key,
        cursor.integer(options.get("limit", str(LIMIT)), "limit"),
        cursor.integer(options.get("maxchars", str(MAXCHARS)), "maxchars"),
        flags["mv_add"],
        flags["clean_keys"],
        flags["auto"],
    )


def _render(node: Extract) -> str:
    parts: list[str] = []
    if node.pairdelim:
        parts.append(f"pairdelim={quote(node.pairdelim)} kvdelim={quote(node.kvdelim)}")
    if node.limit != LIMIT:
        parts.append(f"limit={node.limit}")
    if node.maxchars != MAXCHARS:
        parts.append(f"maxchars={node.maxchars}")
    if node.mv_add:
        parts.append("mv_add=true")
    parts += [f"{name}=false" for name in ("clean_keys", "auto") if not getattr(node, name)]
    return " ".join(parts)


def _reads(node: Extract, wanted: Wanted) -> Wanted:
    return needs(wanted, "_raw")


def _pairs(node: Extract) -> Pairs:
    if node.pairdelim:
        ends, parts = (re.escape(text) for text in (node.pairdelim, node.kvdelim))
        pattern = re.compile(
            rf'(?:\A|(?<=[{ends}]))([^{ends}{parts}]+)[{parts}]\s*(?:"((?:\\.|[^"\\])*)"\s*|([^{ends}{parts}]*))'
            rf"(?=[{ends}]|\Z)"
        )
    elif node.auto:
        pattern = _AUTO
    else:
        return lambda text: iter(())

    def pairs(text: str) -> Iterator[tuple[str, str]]:
        for found in pattern.finditer(text):
            quoted = found[2]
            yield found[1].strip(), found[3].strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted)

    return pairs


def _stream(node: Extract, context: Context) -> Stream:
    pairs = _pairs(node)

    def extract(text: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for number, (key, value) in enumerate(pairs(text[: node.maxchars])):
            if number >= node.limit:
                break
            name = _UNCLEAN.sub("_", key).lstrip("_") if node.clean_keys else key
            if name and value and (node.mv_add or name not in found):
                found.setdefault(name, []).append(value)
        return found

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            raw = row.get("_raw")
            if raw is not None:
                for name, values in extract("\n".join(texts(raw))).items():
                    if name not in row:
                        put(row, name, values)
            yield row

    return stream


EXTRACT = Command(
    name="extract",
    syntax="extract [pairdelim=<characters> kvdelim=<characters>] [limit=<n>] [maxchars=<n>] [mv_add=<bool>] "
    "[clean_keys=<bool>] [auto=<bool>]",
    doc="Extracts key=value pairs from `_raw` into fields: at most `limit` pairs from the first "
    "`maxchars` characters. `mv_add=true` keeps every value of a key; otherwise the first one is "
    "kept. `clean_keys` replaces characters other than letters, digits and underscores in names "
    "by underscores. `auto=f` uses only the given delimiters. `reload` and `segment` are "
    "accepted and ignored.",
    examples=(
        Example(
            '| makeresults | eval _raw="user=bob action=\\"log in\\"" | extract | table user action',
            ({"user": "bob", "action": "log in"},),
        ),
        Example(
            '| makeresults | eval _raw="a:1|b:2" | extract pairdelim="|" kvdelim=":" | table a b',
            ({"a": "1", "b": "2"},),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    made=lambda node, name: (copy(name), computed(("_raw",))),
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    aliases=("kv",),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/extract",
)
