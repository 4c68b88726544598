"""Files that `inputcsv`, `outputcsv` and `tscollect` name: they stay inside the content root and the state.

A name is a plain name, without folders. Reading looks at what this run wrote, then in the state's folder `csv`, then
among the CSV files of the content's lookups. Writing goes to that folder of the state with --write, else into memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from podhawk.content.boundary import unmoved
from podhawk.content.csvfile import read_csv, write_csv
from podhawk.content.model import Content
from podhawk.errors import ContentError, nearest
from podhawk.rows import Value, texts

_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,200}\Z")
FOLDER: Final = "csv"

FileRows = tuple[tuple[str, ...], list[dict[str, str]]]


class FileStore:
    """CSV files by name. `state` is a folder, or None if there is none."""

    def __init__(self, content: Content, state: str | Path | None = None, writable: bool = False) -> None:
        self._content = content
        self._folder = Path(state) / FOLDER if state is not None else None
        self._writable = writable
        self._written: dict[str, FileRows] = {}

    def read(self, name: str) -> FileRows:
        """The columns and rows of a file. Raises ContentError, with the nearest name, for a file that is not there."""
        file = _file_name(name)
        if file in self._written:
            return self._written[file]
        path = self._folder / file if self._folder is not None else None
        if path is not None and path.is_file() and not path.is_symlink():
            return read_csv(path)
        lookup = self._content.lookup_files.get(file)
        if lookup is None:
            raise ContentError(
                f"unknown file {name!r}",
                remedy=nearest(file, (*self._written, *self._content.lookup_files))
                or "A file is read from the state folder, or from the lookups of the content.",
            )
        return read_csv(unmoved(lookup))

    def write(self, name: str, rows: Sequence[Mapping[str, Value]], columns: Sequence[str], append: bool) -> None:
        """Replace or extend a file. Raises ContentError for a name that is no plain name."""
        file = _file_name(name)
        header = tuple(columns)
        cells: list[dict[str, str]] = []
        if append:
            try:
                known, cells = self.read(name)
                header = tuple(dict.fromkeys((*known, *columns)))
            except ContentError:
                pass  # there is nothing yet to append to
        made = [*cells, *({name: _cell(row[name]) for name in columns if name in row} for row in rows)]
        self._written[file] = (header, made)
        if self._folder is not None and self._writable:
            write_csv(self._folder / file, header, made)


def _cell(value: Value) -> str:
    return "\n".join(texts(value))


def _file_name(name: str) -> str:
    """The file that a name means. Raises ContentError for a name that could lead elsewhere."""
    if not _SAFE_NAME.match(name):
        raise ContentError(
            f"{name!r} is not a valid file name", remedy="Use only letters, digits, '_', '-' and '.', and no folders."
        )
    return name if name.lower().endswith(".csv") else f"{name}.csv"
