"""Lookup tables as CSV text.

How the text is read: a byte order mark is skipped; the first line names the columns; quotes as in
RFC 4180; *blanks after a comma are dropped*, in the header and in the rows, unless they stand inside
quotes. The last rule is what published tables need: one is written `path, lfi_path` and `…, yes`,
and its detection asks for `lfi_path=yes`. A short row lacks its last columns, surplus cells are
ignored, an empty cell is no value, a repeated column name counts once (the first).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from podhawk.errors import ContentError, OutputError, Place
from podhawk.rows import Value, texts
from podhawk.writing import replacing

_MAX_CELL: Final = 16 * 1024 * 1024

CsvRow = dict[str, str]


def parse_csv(text: str, file: str = "") -> tuple[tuple[str, ...], list[CsvRow]]:
    """The columns and rows of CSV text. Raises ContentError with the line where it cannot be read."""
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff").replace("\0", "")), skipinitialspace=True)
    try:
        header = next((row for row in reader if row), [])
        columns = tuple(name.strip() for name in header)
        first = {name: number for number, name in reversed(list(enumerate(columns))) if name}
        rows = [
            {name: row[number] for name, number in first.items() if number < len(row) and row[number] != ""}
            for row in reader
            if row
        ]
    except csv.Error as error:
        raise ContentError(f"is not valid CSV: {error}", place=Place(file, reader.line_num)) from error
    return tuple(dict.fromkeys(name for name in columns if name)), rows


def misplaced_quote(path: Path) -> str:
    """What is wrong with the quotes of a CSV file: `parse_csv` takes it, but a quote that is not closed takes the rows
    after it into one cell. Empty if nothing is. Raises ContentError where the file cannot be read."""
    csv.field_size_limit(_MAX_CELL)
    text = _text_of(path).removeprefix("\ufeff").replace("\0", "")
    reader = csv.reader(io.StringIO(text), skipinitialspace=True, strict=True)
    begun = 1
    try:
        for _ in reader:
            begun = reader.line_num + 1
    except csv.Error:
        return f"{path}: line {begun}: a quote is not closed, or stands within a cell"
    return ""


def read_csv(path: Path) -> tuple[tuple[str, ...], list[CsvRow]]:
    """The columns and rows of a CSV file, UTF-8 or, failing that, Windows-1252.

    Raises ContentError where the file cannot be read.
    """
    return parse_csv(_text_of(path), str(path))


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", place=Place(str(path))) from error
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Value]]) -> None:
    """Replace the file in one step, so that a reader sees the old table or the new one. It may hold what audit logs do,
    so only its owner may read it. Raises OutputError, also for a link, which could lead out of the state."""
    if path.is_symlink():
        raise OutputError(f"{path} is a link, and tables are not written through links", remedy="Remove the link.")
    with replacing(path, parents=True, private=True) as out:
        writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL)
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)


def _cell(value: Value | None) -> str:
    """A value as one cell; several values are joined by a blank, as outputlookup does."""
    return "" if value is None else " ".join(texts(value))
