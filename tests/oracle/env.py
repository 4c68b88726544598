"""What a search sees around it: the clock, the tables, the files, and the events for its subsearches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Rows = list[Row]


class Refused(Exception):
    """The search cannot go on, and the engine must say so too."""


def nothing(stages: Any, rows: Rows | None, env: Env) -> Rows:
    raise NotImplementedError("a subsearch where none is run")


@dataclass
class Env:
    """`tables` are lookups, and `files` CSV files, by name: lists of rows. `exact` is --splunk-exact. `earliest` and
    `latest` are the time bounds of the search. `run` runs stages over rows, or over the events (None). `source` is the
    file that the events come from, and
    `given` are the rows of events that were read already. `found` are the rows of the subsearches that ran before the
    first stage, each with its pipeline."""

    now: float = 0.0
    exact: bool = False
    events: list[str] = field(default_factory=list)
    tables: dict[str, Rows] = field(default_factory=dict)
    files: dict[str, Rows] = field(default_factory=dict)
    places: dict[str, Row] = field(default_factory=dict)
    earliest: float | None = None
    latest: float | None = None
    source: str = ""
    given: Rows | None = None
    found: dict[int, tuple[Any, Rows]] = field(default_factory=dict)
    run: Callable[[Any, Rows | None, Env], Rows] = nothing

    def rows_of(self, pipeline: Any) -> Rows:
        """The rows of a subsearch inside a clause or an expression."""
        known = self.found.get(id(pipeline))
        return self.run(pipeline.stages, None, self) if known is None else known[1]
