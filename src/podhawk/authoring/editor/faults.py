"""What is wrong in a search, with the place of each fault as offsets in the text that was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Stage
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.engine.plan.unknown_fields import unknown_fields
from podhawk.errors import PodhawkError, SearchError
from podhawk.spl.macros import MacroTable

LONGEST: Final = 20_000
"""Characters of a search; a longer one is not looked at until it is run."""


class SearchFault(Struct, frozen=True):
    """A fault. An `error` keeps the search from running; a `hint` is about what is valid and most likely meant
    otherwise. `start` and `end` frame the words that it is about; `line` and `column` count from 1."""

    level: Literal["error", "hint"]
    start: int
    end: int
    line: int
    column: int
    message: str
    remedy: str = ""


def search_faults(text: str, macros: MacroTable, context: Context) -> list[SearchFault]:
    """The first error of a search, or the hints about one that can run. An empty search has none."""
    if not text.strip() or len(text) > LONGEST:
        return []
    try:
        pipeline = read_search(text, macros, "search", context.env)
        make_plan(pipeline, context)
    except SearchError as error:
        return [_of_error(text, error)]
    except PodhawkError as error:
        return [SearchFault("error", 0, 0, 1, 1, error.message, error.remedy)]
    except RecursionError:
        return [SearchFault("error", 0, 0, 1, 1, "this search is nested too deeply")]
    return [*_slips(text, pipeline.stages), *_unknown(text, pipeline.stages)]


def _of_error(text: str, error: SearchError) -> SearchFault:
    place = error.place
    if place is None or not place.line:
        return SearchFault("error", 0, 0, 1, 1, error.message, error.remedy)
    start = _offset(text, place.line, place.column)
    end = min(len(text), start + max(place.length, 1))
    if place.length <= 1:  # a place without an extent stands for the word there
        found = re.compile(r"[\w.:{}*-]+").match(text, start)
        end = found.end() if found else end
    if not text[start:end].strip():  # at the end of the text: under its last word
        before = re.search(r"[^\s|]*[\s|]*\Z", text[:end])
        start = before.start() if before else start
    return SearchFault("error", start, end, place.line, place.column, error.message, error.remedy)


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return min(start + max(column - 1, 0), len(text))


def _slips(text: str, stages: Sequence[Stage]) -> Iterator[SearchFault]:
    for stage in stages:
        for slip in stage.command.slips(stage.node):
            if stage.source is None:
                continue
            start, macro = stage.source.position(slip.at)
            if not macro:
                yield _hint(text, start, re.compile(r"[^\s|]+").match(text, start), slip.message)


def _unknown(text: str, stages: Sequence[Stage]) -> Iterator[SearchFault]:
    for one in unknown_fields(stages):
        found = re.search(rf"(?<![\w.]){re.escape(one.name)}(?![\w.{{}}])", text)
        if found:  # else a macro names it
            yield _hint(text, found.start(), found, one.message, one.remedy)


def _hint(text: str, start: int, found: re.Match[str] | None, message: str, remedy: str = "") -> SearchFault:
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start)
    return SearchFault("hint", start, found.end() if found else start + 1, line, column, message, remedy)
