"""CSV files: exports of consoles, in which a cell holds the event or columns are its members.

Which character stands between cells and how quotes are escaped is told by the first two records. A file counts as CSV
if these have the same number of cells, and a column is one that such exports have, or the file's beginning mentions an
event. A quote that is missing spoils one record and not the rest: a line that is a whole record by itself ends a record
before it that is none.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.documents import Document, Lines
from podhawk.events.formats.columns import is_event_column
from podhawk.events.formats.inside import mentions_event

_MARKS: Final = (",", ";", "\t", "|")
_QUOTES: Final = ('"', "'")
_EVENT_CELLS: Final = frozenset(
    {"_raw", "message", "@message", "log", "log_s", "logmessage", "msg", "body", "event", "event.original", "line"}
)
"""Columns that exports keep the whole event in."""
_LONGEST_NAME: Final = 200
_MOST_COLUMNS: Final = 5_000
_NAME: Final = re.compile(r"[^\W\d][^\"'\n{}=]*\Z|@\w[^\"'\n{}=]*\Z|_[^\"'\n]*\Z|[^\W\d][\w.]*\{\}[^\"'\n]*\Z")
_LONGEST: Final = 32 << 20
_UNIT: Final = re.compile(r"\s*\[[^\[\]]*\]\s*\Z")
"""What the portal of Azure puts behind the name of a column with times (`[UTC]`)."""
_SEPARATOR: Final = re.compile(r"sep=(.)\s*\Z", re.IGNORECASE)
_BACKSLASH: Final = re.compile(r"""(?:^|[,;\t|])\s*["']\s*[{\[]\s*\\["']""", re.MULTILINE)
_LONGEST_HEADER: Final = 64 << 10


class ExportRow(dict[str, Any]):
    """The cells of a record by the names of their columns; no other format takes it for one of its own."""


class CsvTable(Struct, frozen=True):
    """How the records of a CSV file are written; `escaped` says that quotes have backslashes and are not doubled."""

    mark: str
    quote: str
    names: tuple[str, ...]
    header: str
    escaped: bool = False

    def is_open(self, line: str) -> bool:
        """Whether a line has an odd number of quotes, so that a cell goes on behind it, or ends in it."""
        quotes = line.count(self.quote)
        return (quotes - line.count("\\" + self.quote) if self.escaped else quotes) % 2 == 1

    def cells(self, text: str) -> list[str] | None:
        """The cells of a record; None where the text is not one whole record."""
        if self.escaped:
            cells = self._escaped_cells(text)
            return cells if len(cells) == len(self.names) else None
        csv.field_size_limit(_LONGEST)
        try:
            rows = list(
                csv.reader(
                    text.splitlines(keepends=True),
                    delimiter=self.mark,
                    quotechar=self.quote,
                    skipinitialspace=True,
                    strict=True,
                )
            )
        except csv.Error:
            return None
        return rows[0] if len(rows) == 1 and len(rows[0]) == len(self.names) else None

    def _escaped_cells(self, text: str) -> list[str]:
        """The cells of a record whose quoted cells are JSON strings, or nearly so."""
        mark, quote = re.escape(self.mark), self.quote
        cell = rf"\s*{quote}((?:[^{quote}\\]|\\.)*){quote}\s*(?={mark}|\Z)|([^{mark}]*)"
        found: list[str] = []
        place = 0
        for match in re.finditer(rf"(?:{cell})(?:{mark}|\Z)", text, re.DOTALL):
            if match.start() < place or (match.start() == len(text) and place < len(text)):
                continue
            found.append(match[2].strip() if match[1] is None else _unescaped(match[1], quote))
            place = match.end()
            if place == len(text) and not text.endswith(self.mark):
                break
        return found


def _unescaped(text: str, quote: str) -> str:
    try:
        return str(decode_json('"' + (text if quote == '"' else text.replace("\\'", "'").replace('"', '\\"')) + '"'))
    except BadJSON:
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def table_in(head: bytes) -> CsvTable | None:
    """The table that a file begins with; None where it is no CSV file."""
    lines = _first_lines(head)
    if lines and (told := _SEPARATOR.match(lines[0])) is not None:
        marks: tuple[str, ...] = (told[1],)
        lines = lines[1:]
    else:
        marks = _MARKS
    if len(lines) < 2:
        return None
    mentioned: bool | None = None
    for quote in _QUOTES:
        for mark in marks:
            names = _names(lines, mark, quote)
            if names is None:
                continue
            if not any(name.lower() in _EVENT_CELLS or is_event_column(name) for name in names):
                if mentioned is None:
                    mentioned = mentions_event(head.decode("utf-8", "replace"))
                if not mentioned:
                    continue
            table = CsvTable(mark, quote, names, lines[0], any(map(_BACKSLASH.search, lines[1:])))
            first = next(csv_documents(Lines(iter(line.encode() for line in lines[1:])), table), None)
            if first is not None and type(first.value) is ExportRow:
                return table
    return None


def _first_lines(head: bytes) -> list[str]:
    """The lines that a block has whole, if the first of them can be a header."""
    text = head.lstrip(b"\xef\xbb\xbf\r\n\t \0")
    end = text.find(b"\n")
    if not 0 <= end <= _LONGEST_HEADER or text[:1] in (b"{", b"["):
        return []
    return [line for line in text.decode("utf-8", "replace").split("\n") if line.strip()]


def _names(lines: list[str], mark: str, quote: str) -> tuple[str, ...] | None:
    """The names of columns in the first line; None where it cannot be a header."""
    try:
        (cells,) = csv.reader([lines[0].strip()], delimiter=mark, quotechar=quote, skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        return None
    names = tuple(_UNIT.sub("", "AuditId" if cell.strip().lower() == "audit id" else cell.strip()) for cell in cells)
    if not 0 < len(names) <= _MOST_COLUMNS or len(set(names)) < len(names):
        return None
    if not all(name and len(name) <= _LONGEST_NAME and _NAME.match(name) for name in names):
        return None
    return None if len(names) == 1 and not lines[1].lstrip().startswith(quote) else names


def csv_documents(lines: Lines, table: CsvTable) -> Iterator[Document]:
    """A document for each record, with the line that it begins on."""
    held: list[str] = []
    begun = size = 0
    is_open = False
    while (raw := lines.take()) is not None:
        line = raw.decode("utf-8", "replace").strip("\r\0\ufeff")
        if not held and (not line.strip() or line == table.header.strip("\r") or _SEPARATOR.match(line)):
            continue
        if held and (size > _LONGEST or _is_record(table, line)):
            yield _broken(held, begun)
            held = []
        if not held:
            begun, size, is_open = lines.number, 0, False
        held.append(line)
        size += len(line)
        is_open ^= table.is_open(line)
        if is_open:
            continue
        text = "\n".join(held)
        cells = table.cells(text)
        if cells is None:
            yield _broken(held, begun)
        else:
            row = ExportRow((name, cell) for name, cell in zip(table.names, cells, strict=True) if cell != "")
            yield Document(begun, text.encode("utf-8", "replace"), row, is_json=True)
        held = []
    lines.number -= 1
    for place, line in enumerate(held):  # a record without its end hides none of the lines in it
        yield _broken([line], begun + place)


def _is_record(table: CsvTable, line: str) -> bool:
    """Whether a line begins as a record does, not as text inside a cell, and is one."""
    return line[:1] not in (" ", "\t", "{", "}", "[", "]", "") and table.cells(line) is not None


def _broken(held: list[str], line: int) -> Document:
    return Document(line, "\n".join(held).encode("utf-8", "replace"))
