"""multikv: the lines of a table in `_raw` as rows.

The header is the line told by `forceheader`, else the first line of words only that are capitalised or all
capitals, else the first line with more than one cell. Cells are parted by tabs, `|` or commas where the
header has them, else by blanks: in order where a line has as many words as the header, else by what stands
under what. A line with one cell too many at the end (a command with its arguments) keeps it in the last one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always
from podhawk.commands.properties import Effect, computed, copy, effect, immutable
from podhawk.commands.shared.names import listed
from podhawk.lazy import lazy_pattern
from podhawk.rows import OrderKey, Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_FLAGS = {"copyattrs": True, "multitable": True, "noheader": False, "rmorig": True}
_OPTIONS = (*_FLAGS, "forceheader", "conf")
_WORD = lazy_pattern(r"\S+")
_WIDE = lazy_pattern(r"\S+(?: \S+)*")
_TITLE = lazy_pattern(r"[%#(/]*[A-Z][A-Za-z0-9_%()/#.:-]*\Z")
TextColumn = tuple[int, int, str]
"""Where a cell begins, where it ends, its text."""
Splitter = Callable[[str], list[str]]


class MultiKv(Struct, frozen=True):
    """`forceheader` 0 means that the header is looked for."""

    fields: tuple[str, ...] = ()
    filter: tuple[str, ...] = ()
    forceheader: int = 0
    copyattrs: bool = True
    multitable: bool = True
    noheader: bool = False
    rmorig: bool = True


def _parse(cursor: Cursor) -> MultiKv:
    options: dict[str, str] = {}
    fields: tuple[str, ...] = ()
    words: list[str] = []
    while not cursor.done:
        if cursor.next_option():
            options |= cursor.options(_OPTIONS)
        elif cursor.keyword("fields"):
            fields = cursor.names(("filter",))
        elif cursor.keyword("filter"):
            while not cursor.done and not cursor.next_option() and not _keyword_next(cursor):
                words.append(cursor.word("a term"))
                cursor.commas()
        else:
            cursor.finish()
    if "conf" in options:
        cursor.fail("conf is not supported, because it names rules of a Splunk server", "Use forceheader or noheader.")
    flags = {
        name: cursor.boolean(options[name], name) if name in options else default for name, default in _FLAGS.items()
    }
    header = cursor.integer(options["forceheader"], "forceheader", 1) if "forceheader" in options else 0
    if header and flags["noheader"]:
        cursor.fail("forceheader and noheader cannot be combined")
    return MultiKv(fields, tuple(words), header, **flags)


def _keyword_next(cursor: Cursor) -> bool:
    at = cursor.at
    found = cursor.keyword("fields", "filter")
    cursor.at = at
    return found is not None


def _render(node: MultiKv) -> str:
    parts = [
        f"{name}={'false' if default else 'true'}" for name, default in _FLAGS.items() if getattr(node, name) != default
    ]
    if node.forceheader:
        parts.append(f"forceheader={node.forceheader}")
    if node.fields:
        parts.append(f"fields {listed(node.fields)}")
    if node.filter:
        parts.append("filter " + " ".join(quote(word) for word in node.filter))
    return " ".join(parts)


def _reads(node: MultiKv, wanted: Wanted) -> Wanted:
    return None if wanted is None else wanted | {"_raw"}


def _columns(node: MultiKv, columns: Columns) -> Columns:
    return columns


def _stream(node: MultiKv, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            places = count()  # the original row has a place of its own, before the rows made of it
            if not node.rmorig:
                yield Row(row, _below(row, next(places)))  # later commands change it before it is copied below
            for raw in texts(row["_raw"]) if "_raw" in row else ():
                for line, cells in records(node, raw):
                    if node.filter and not any(word in line for word in node.filter):
                        continue
                    made = Row(row if node.copyattrs else (), _below(row, next(places)))
                    made["_raw"] = line
                    made.update((name, text) for name, text in cells if not node.fields or name in node.fields)
                    yield made

    return stream


def _below(row: Row, number: int) -> OrderKey:
    return row.order._replace(place=(*row.order.place, number))


def records(node: MultiKv, raw: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The lines of the table, each with its cells by name; empty cells are left out."""
    lines = [line.rstrip() for line in raw.splitlines()]
    at = _header_at(node, lines)
    if at is None:
        return
    names: list[str] = []
    split: Splitter = str.split
    if node.noheader:
        split = _splitter(lines[at])[1]
    else:
        names, split = _splitter(lines[at])
        at += 1
    for line in lines[at:]:
        if not line.strip():
            continue
        if node.multitable and not node.noheader and _is_title(line):
            names, split = _splitter(line)
            continue
        cells = split(line)
        titles = names or [f"Column_{number}" for number in range(1, len(cells) + 1)]
        yield line, [(name, text) for name, text in zip(titles, cells, strict=False) if name and text]


def _header_at(node: MultiKv, lines: list[str]) -> int | None:
    if node.forceheader:
        return node.forceheader - 1 if node.forceheader <= len(lines) else None
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if node.noheader:
        return filled[0] if filled else None
    several = [number for number in filled if len(_splitter(lines[number])[0]) > 1]
    return next((number for number in several if _is_title(lines[number])), several[0] if several else None)


def _is_title(line: str) -> bool:
    """Whether a line looks like a header: more than one word, all of them capitalised, no number."""
    words = re.split(r"[\s,|]+", line.strip(" |,\t"))
    return len(words) > 1 and all(_TITLE.match(word) for word in words)


def _splitter(header: str) -> tuple[list[str], Splitter]:
    """The names that a header gives, and how its lines are split."""
    for mark in ("\t", "|", ","):
        if mark in header.strip(f"{mark} "):

            def split(line: str, mark: str = mark) -> list[str]:
                # Bars may stand at both ends of a line; after another mark there is a cell, if an empty one.
                return [cell.strip() for cell in line.strip("| " if mark == "|" else " ").split(mark)]

            return [_name(cell) for cell in split(header)], split
    words, wide = _cells(_WORD, header), _cells(_WIDE, header)
    # Two blanks or more part the cells where that still leaves several: "LAST SEEN   TYPE   REASON".
    columns = wide if 1 < len(wide) < len(words) else words
    return [_name(text) for _, _, text in columns], lambda line: _aligned(columns, line, len(columns) < len(words))


def _cells(pattern: re.Pattern[str], line: str) -> list[TextColumn]:
    return [(found.start(), found.end(), found[0]) for found in pattern.finditer(line)]


def _name(title: str) -> str:
    """A header cell as a field name: what is no letter or digit becomes an underscore."""
    return re.sub(r"\W+", "_", title.strip()).strip("_") or ("pct" if "%" in title else "")


def _aligned(columns: list[TextColumn], line: str, wide: bool) -> list[str]:
    words = _cells(_WIDE if wide else _WORD, line)
    if len(words) == len(columns):
        return [text for _, _, text in words]
    filled: list[list[str]] = [[] for _ in columns]
    for start, end, text in words:
        filled[_under(columns, start, end)].append(text)
    return [" ".join(parts) for parts in filled]


def _under(columns: list[TextColumn], start: int, end: int) -> int:
    """The column that a word stands under: the one it overlaps most, else the nearest."""

    def distance(number: int) -> tuple[int, int]:
        left, right, _ = columns[number]
        overlap = min(end, right) - max(start, left)
        return (-overlap, abs(start - left))

    if start >= columns[-1][0]:
        return len(columns) - 1
    return min(range(len(columns)), key=distance)


MULTIKV = Command(
    name="multikv",
    syntax="multikv [forceheader=<n>] [noheader=<bool>] [multitable=<bool>] [rmorig=<bool>] [copyattrs=<bool>] "
    "[fields <field>…] [filter <term>…]",
    doc="Makes one row per line of a table in `_raw`, with field names from the header line. "
    "`forceheader` sets the number of the header line; `noheader=true` names the fields Column_1 "
    "and so on. `fields` selects fields; `filter` selects lines that contain one of the terms. "
    "The other fields of the original row are copied unless `copyattrs=false`. `rmorig=false` "
    "also keeps the original row. With `multitable`, a later header line starts a new table.",
    examples=(
        Example(
            r"* | rename text as _raw | multikv | table Name Age",
            ({"Name": "Josh", "Age": "42"}, {"Name": "Francine", "Age": "35"}),
            (r'{"text":"Name     Age\nJosh     42\nFrancine 35"}',),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    made=lambda node, name: (computed(("_raw",)), copy(name)),
    effect=effect(Effect.EXPANDS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/multikv",
)
