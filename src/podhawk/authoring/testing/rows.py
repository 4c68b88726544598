"""Rows as tests compare them: as Splunk exports them, in no order that the search does not give."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from podhawk.errors import ContentError, Place
from podhawk.writing import write_text

Cell = str | list[str] | None
PlainRow = Mapping[str, Cell]


def frozen(row: PlainRow, columns: Iterable[str] | None = None) -> tuple[tuple[str, str], ...]:
    """A row as what is compared: absent and null are the same, and so are a list and its values on lines."""
    names = row if columns is None else columns
    return tuple(
        sorted(
            (name, "\n".join(cell) if isinstance(cell, list) else cell)
            for name in names
            if (cell := row.get(name)) not in (None, "", [])
        )
    )


def differences(
    expected: Sequence[PlainRow], got: Sequence[PlainRow], columns: Iterable[str] | None = None
) -> list[str]:
    """What is missing and what is too much, a line for each row."""
    wanted = None if columns is None else list(columns)
    before = Counter(frozen(row, wanted) for row in expected)
    after = Counter(frozen(row, wanted) for row in got)
    lines = [f"- {_line(row)}" for row in (before - after).elements()]
    return lines + [f"+ {_line(row)}" for row in (after - before).elements()]


def _line(row: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(row), ensure_ascii=False)


def read_golden(path: Path) -> list[dict[str, Any]]:
    """Golden rows, one JSON object a line. Raises ContentError with the line that is none."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                rows.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                raise ContentError(
                    "a golden row must be a JSON object",
                    place=Place(str(path), number),
                    remedy="podhawk test --update writes the golden rows again.",
                ) from None
    return rows


def write_golden(path: Path, rows: Iterable[PlainRow]) -> None:
    """Rows as a golden file."""
    write_text(
        path,
        "".join(
            json.dumps({name: cell for name, cell in row.items() if cell not in (None, "", [])}, ensure_ascii=False)
            + "\n"
            for row in rows
        ),
        parents=True,
    )


def read_results_csv(path: str | Path) -> tuple[list[str], list[dict[str, Cell]]]:
    """The columns and rows of a results file that Splunk exported. Raises ContentError where it is none."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows: list[dict[str, Cell]] = [dict(row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ContentError(f"cannot be read as a CSV results file: {error}", place=Place(str(path))) from None
    columns = [name for name in reader.fieldnames or () if not name.startswith("__mv_")]
    if not columns:
        raise ContentError("has no header", place=Place(str(path)), remedy="Export the results as CSV with a header.")
    return columns, rows
