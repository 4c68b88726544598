"""Results in a notebook: HTML tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

MOST_ROWS: Final = 200
"""Rows that are shown: a browser takes long over many thousands."""


def html_table(columns: Sequence[str], rows: Iterable[Sequence[str]], count: int) -> str:
    """A table of the first rows, and a line that says how many of `count` are left out."""
    from html import escape  # imported where it is needed: it takes long

    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in islice(rows, MOST_ROWS)
    )
    more = f"<p>{count - MOST_ROWS:,} more rows</p>" if count > MOST_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
