"""All dead letters: those of the door, which the inbox keeps, and those of the evaluator, which the state keeps."""

from __future__ import annotations

import heapq
from pathlib import Path

from msgspec import Struct

from podhawk.serve.evaluator import positions
from podhawk.serve.evaluator.positions import Letter
from podhawk.serve.inbox.segment import reading, segments

_INBOX = "inbox"


class PlacedLetter(Struct, frozen=True):
    """A dead letter. `stage` is `door` or `evaluator`; `place_in_list` serves as a cursor."""

    stage: str
    letter: Letter
    place_in_list: str


def dead_letters(state: str, cursor: str | None, limit: int) -> list[PlacedLetter]:
    """Dead letters, the last first, that come behind a cursor. Raises ValueError for a cursor that is none."""
    before: list[int | None] = [None, None]
    if cursor is not None:
        before = [int(one) for one in cursor.split("-")]
        if len(before) != 2:
            raise ValueError(cursor)
    door = _of_the_door(state, before[0], limit)
    evaluator = positions.letters(state, before[1], limit)
    merged = heapq.merge(
        (("door", number, letter) for number, letter in door),
        (("evaluator", number, letter) for number, letter in evaluator),
        key=lambda one: -one[2].received,
    )
    found = []
    places = [_start(before[0], door), _start(before[1], evaluator)]
    for stage, number, letter in merged:
        places[stage == "evaluator"] = number
        found.append(PlacedLetter(stage, letter, f"{places[0]}-{places[1]}"))
    return found[:limit]


def _start(before: int | None, found: list[tuple[int, Letter]]) -> int:
    """The cursor of a list before any of it was taken."""
    return before if before is not None else found[0][0] + 1 if found else 0


def _of_the_door(state: str, before: int | None, limit: int) -> list[tuple[int, Letter]]:
    known = segments(Path(state) / _INBOX)
    if not known:
        return []
    query = "SELECT number, sender, cluster, received, error, place, size, sha256 FROM letters"
    with reading(known[-1]) as connection:
        rows = connection.execute(
            f"{query} WHERE number < ? ORDER BY number DESC LIMIT ?", (1 << 60 if before is None else before, limit)
        ).fetchall()
    return [(row[0], Letter(*row[1:])) for row in rows]
