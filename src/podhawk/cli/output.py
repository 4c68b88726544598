"""How rows are printed: one function per format, all fed with the same rows."""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import msgspec

from podhawk.api import Cell
from podhawk.cli.progress import end_bars
from podhawk.detect.report.finding_json import plain_text
from podhawk.visible import csv_cell, json_escaped, visible
from podhawk.writing import replacing

OutputRows = Sequence[dict[str, Cell]]
CHUNK = 1000
"""Lines that are written at once."""


_ENCODER = msgspec.json.Encoder(enc_hook=plain_text)
_encode = _ENCODER.encode


@contextlib.contextmanager
def writer(path: str | None, *, paged: bool = False) -> Iterator[TextIO]:
    """Standard output, or a file that appears only once it is complete. What is `paged` goes through a pager if it is
    longer than the screen."""
    end_bars()
    if path is None:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        from podhawk.cli.pager import paging

        with paging(sys.stdout, wanted=paged) as out:
            yield out
        return
    with replacing(path) as file:
        yield file


def format_of(chosen: str | None, path: str | None) -> str:
    """The output format: the chosen one, else a table on a terminal and jsonl elsewhere."""
    if chosen:
        return chosen
    return "table" if path is None and sys.stdout.isatty() else "jsonl"


def jsonl(items: Iterable[Any], out: TextIO) -> None:
    """One JSON object per line, keys in the order of the search."""
    for chunk in chunks(items, CHUNK):
        try:
            out.write(json_escaped(_ENCODER.encode_lines(chunk).decode()))
        except (UnicodeError, ValueError, TypeError):
            out.write("".join([json_text(item) + "\n" for item in chunk]))


def chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Items in lists of a size."""
    rest = iter(items)
    while chunk := list(itertools.islice(rest, size)):
        yield chunk


def json_text(item: Any) -> str:
    """An item as compact JSON."""
    try:
        return json_escaped(_encode(item).decode())
    except (UnicodeError, ValueError, TypeError):  # half a surrogate pair, say, which JSON text can hold all the same
        plain = msgspec.to_builtins(item, enc_hook=plain_text)
        return json_escaped(json.dumps(plain, ensure_ascii=False, separators=(",", ":")))


def as_json(items: Iterable[Any], out: TextIO) -> None:
    """One JSON array, an item a line."""
    listed = [json_text(item) for item in items]
    out.write("[\n" + ",\n".join(listed) + "\n]\n" if listed else "[]\n")


def flat(cell: Cell) -> str:
    """A cell as one text; the values of a multivalue on lines of their own, as Splunk exports them."""
    return "" if cell is None else cell if isinstance(cell, str) else "\n".join(cell)


def as_csv(rows: OutputRows, columns: Sequence[str], out: TextIO) -> None:
    """RFC 4180 with a header, as a Splunk results CSV."""
    made = csv.writer(out, lineterminator="\n")
    if columns:
        made.writerow([csv_cell(name) for name in columns])
    for row in rows:
        made.writerow([csv_cell(flat(row.get(name))) for name in columns])


def markdown(rows: OutputRows, columns: Sequence[str], out: TextIO) -> None:
    """A Markdown table."""
    if not columns:
        return
    out.write("| " + " | ".join(map(_cell, columns)) + " |\n")
    out.write("|" + "---|" * len(columns) + "\n")
    for row in rows:
        out.write("| " + " | ".join(_cell(flat(row.get(name))) for name in columns) + " |\n")


def _cell(text: str) -> str:
    return visible(text.replace("\r", "")).replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")


def print_rows(kind: str, rows: OutputRows, columns: Sequence[str], out: TextIO) -> None:
    """Rows in one of the formats that know only rows."""
    if kind == "jsonl":
        jsonl(rows, out)
    elif kind == "json":
        as_json(rows, out)
    elif kind == "csv":
        as_csv(rows, columns, out)
    elif kind == "md":
        markdown(rows, columns, out)
    else:
        from podhawk.cli.tables import print_table

        print_table(rows, columns, out)
