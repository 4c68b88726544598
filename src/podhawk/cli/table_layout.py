"""Tables of text: columns side by side, cells folded where they do not fit, or clipped to one line.

Widths are those of a terminal: a wide character (East Asian wide, most emoji) takes two columns, a combining one none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Final

GAP: Final = "   "
"""What stands between two columns."""
LONG_WORD: Final = 24
"""A column keeps room for its longest word as long as the word is not longer than this."""
CLIPPED_GAP: Final = "  "
"""What stands between two columns of a table with one line per row, which has little room."""
NARROWEST: Final = 8
"""The width that clipped columns keep as long as possible."""
_WORD: Final = re.compile(r"\s*\S+\s*")


def table_lines(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[bool],
    width: int,
    emphasis: Callable[[str], str] = str,
) -> Iterator[str]:
    """The lines of a table: its header (each line of it given `emphasis`), a rule, its rows. Cells may have several
    lines; those of the columns in `right` are aligned to the right. No line is wider than `width`, unless there are
    more columns than fit."""
    rows = [[cell.expandtabs() for cell in row] for row in rows]
    widths = column_widths([header, *rows], width)
    for line in _row_lines(header, right, widths, bottom=True):
        yield emphasis(line)
    yield "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    for row in rows:
        yield from _row_lines(row, right, widths)


def clipped_lines(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[bool],
    width: int,
    fixed: Sequence[bool],
    emphasis: Callable[[int, int, str], str] = lambda row, column, text: text,
    middle: Sequence[bool] = (),
) -> Iterator[str]:
    """The lines of a table with one line per row: what does not fit is cut, with an ellipsis at its end, or in the
    middle for the columns in `middle`. A text goes on in the empty cells to its right. Columns in `fixed` are not cut
    as long as the others can be. `emphasis` is given the number of a row (-1 for the header) and of a column, and the
    text of the cell with its blanks."""
    lines = [[_one_line(cell) for cell in cells] for cells in (header, *rows)]
    widths = [max(max(map(text_width, column)), 1) for column in zip(*lines, strict=True)]
    room = width - len(CLIPPED_GAP) * (len(widths) - 1)
    narrow = [min(size, NARROWEST) for size in widths]
    for least in (
        [size if keep else small for size, small, keep in zip(widths, narrow, fixed, strict=True)],
        narrow,
        [1] * len(widths),
    ):
        made = _narrowed(widths, least, room)
        if sum(made) <= room:
            break
    for number, cells in enumerate(lines, -1):
        shown: list[tuple[int, str]] = []
        column = 0
        while column < len(cells):
            cell, size, after = cells[column], made[column], column + 1
            while not right[column] and text_width(cell) > size and after < len(cells) and not cells[after]:
                size, after = size + len(CLIPPED_GAP) + made[after], after + 1
            cut = clipped_inside if middle and middle[column] else clipped
            shown.append((column, padded(cut(cell, size), size, right[column])))
            column = after
        if not right[-1]:
            shown[-1] = shown[-1][0], shown[-1][1].rstrip()
        yield CLIPPED_GAP.join(emphasis(number, column, text) for column, text in shown)
        if number < 0:
            yield "─" * (sum(made) + len(CLIPPED_GAP) * (len(made) - 1))


def _one_line(cell: str) -> str:
    return " ".join(cell.split("\n")).expandtabs()


def clipped(text: str, width: int) -> str:
    """Text that is at most so wide; an ellipsis stands for what was cut."""
    if text_width(text) <= width:
        return text
    return text[: _cut(text, width - 1)].rstrip() + "…" if width > 1 else "…"


def clipped_inside(text: str, width: int) -> str:
    """Text that is at most so wide; an ellipsis stands for what was cut from its middle."""
    if text_width(text) <= width or width < NARROWEST:
        return clipped(text, width)
    front = text[: _cut(text, (width - 1) // 3)]
    back = text[::-1]
    return front + "…" + back[: _cut(back, width - 1 - text_width(front))][::-1]


def column_widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The width of each column. Where they do not fit, the widest are made narrower, and none of them narrower than its
    longest word before all others are."""
    lines = [[line for cell in cells for line in cell.split("\n")] for cells in zip(*rows, strict=True)]
    widths = [max(max(map(text_width, column)), 1) for column in lines]
    room = width - len(GAP) * (len(widths) - 1)
    if sum(widths) <= room:
        return widths
    words = [max((text_width(word) for line in column for word in line.split()), default=1) for column in lines]
    least = [min(size, word if word <= LONG_WORD else LONG_WORD) for size, word in zip(widths, words, strict=True)]
    return _narrowed(widths, least if sum(least) <= room else [1] * len(widths), room)


def _narrowed(widths: list[int], least: list[int], room: int) -> list[int]:
    """The widest columns made equally wide, until all of them fit or have the least width."""
    made = list(widths)
    while (excess := sum(made) - room) > 0:
        open_ones = [number for number, size in enumerate(made) if size > least[number]]
        if not open_ones:
            break
        most = max(made[number] for number in open_ones)
        widest = [number for number in open_ones if made[number] == most]
        below = max([made[number] for number in open_ones if made[number] < most], default=0)
        step = min(most - below, -(-excess // len(widest)))
        for number in widest:
            less = min(step, made[number] - least[number], max(sum(made) - room, 0))
            made[number] -= less
    return made


def _row_lines(
    cells: Sequence[str], right: Sequence[bool], widths: Sequence[int], *, bottom: bool = False
) -> Iterator[str]:
    """The lines of one row; its cells stand at the top, or at the bottom."""
    folded = [
        [part for line in cell.split("\n") for part in fold(line, size)]
        for cell, size in zip(cells, widths, strict=True)
    ]
    if bottom:
        height = max(map(len, folded))
        folded = [[""] * (height - len(parts)) + parts for parts in folded]
    for parts in zip_longest(*folded, fillvalue=""):
        cells_now = zip(parts, widths, right, strict=True)
        yield GAP.join(padded(part, size, to_right) for part, size, to_right in cells_now).rstrip()


def fold(text: str, width: int) -> list[str]:
    """Text in lines of at most this width, broken between words, and inside of a word that is wider by itself."""
    if text_width(text) <= width:
        return [text]
    lines, line = [], ""
    for word in _WORD.findall(text) or [text]:
        if line and text_width(line) + text_width(word.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += word
        while text_width(line.rstrip()) > width:
            cut = _cut(line, width)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line.rstrip()] if line.rstrip() or not lines else lines


def _cut(text: str, width: int) -> int:
    """How many characters fit, at least one."""
    taken = 0
    for place, character in enumerate(text):
        taken += text_width(character)
        if taken > width:
            return max(place, 1)
    return len(text)


def padded(text: str, width: int, right: bool = False) -> str:
    """Text with blanks up to a width."""
    blanks = " " * max(width - text_width(text), 0)
    return blanks + text if right else text + blanks


def text_width(text: str) -> int:
    """The columns that a line of text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


@lru_cache(maxsize=4096)
def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
