"""Subsearches inside a search clause: each runs first, and its rows become a clause.

The rows are put as `format` puts them: the fields of a row are joined by AND, the rows by OR, the values
of a multivalue field by OR. Internal fields (`_time`) stay out. A field called `search` or `query` is not
compared: its value is a clause of its own. A subsearch without rows matches nothing.

Source: https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.4/subsearches/
change-the-format-of-subsearch-results
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from podhawk.commands.declare import Pipeline
from podhawk.commands.properties import Effect
from podhawk.engine.plan.pipelines import subsearches
from podhawk.errors import SearchError
from podhawk.rows import Row, Table, texts
from podhawk.spl import clause as spl
from podhawk.spl.clause import EVERYTHING, And, Clause, Compare, Not, Or, Subsearch, TimeBound
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import plain

LIMIT = 10_000
"""Rows of a subsearch that count. Source: the maxout setting of limits.conf, [subsearch]."""

NOTHING = Not(EVERYTHING)
_BARE = frozenset({"search", "query"})
Run = Callable[[Pipeline], Table]
Warn = Callable[[str, str], None]


def has_subsearch(pipeline: Pipeline) -> bool:
    """Whether a clause of the pipeline's own stages holds a subsearch."""
    return next(subsearches(pipeline), None) is not None


def rereads(pipeline: Pipeline) -> bool:
    """Whether a search may read its input more than once."""
    return has_subsearch(pipeline) or any(
        stage.effect is Effect.UNKNOWN or stage.command.legs(stage.node) for stage in pipeline.stages
    )


def replace_subsearches(clause: Clause, run: Run, warn: Warn = lambda kind, detail: None) -> Clause:
    """The clause with every subsearch run and replaced. Raises SearchError for a `search` field that is no clause."""
    match clause:
        case And(parts=parts):
            return And(tuple(replace_subsearches(part, run, warn) for part in parts))
        case Or(parts=parts):
            return Or(tuple(replace_subsearches(part, run, warn) for part in parts))
        case Not(part=part):
            return Not(replace_subsearches(part, run, warn))
        case Subsearch(pipeline=pipeline):
            table = run(pipeline)
            if len(table.rows) > LIMIT:
                warn("subsearch-limit", f"a subsearch returned {len(table.rows)} rows; only the first {LIMIT} are used")
            return formatted(table.rows[:LIMIT])
        case _:
            return clause


def formatted(rows: Sequence[Row]) -> Clause:
    """Rows as a clause."""
    found: dict[Clause, None] = {}
    for row in rows:
        parts = [part for name, value in row.items() if not name.startswith("_") for part in _field(name, texts(value))]
        if parts:
            found[_all(parts)] = None
    return _any(list(found)) if found else NOTHING


def _field(name: str, values: Sequence[str]) -> list[Clause]:
    if name in _BARE:
        made = [_written(value) for value in values if value.strip()]
        return [_any(made)] if made else []
    if name.lower() in spl.TIME_BOUNDS:
        return [_any([TimeBound(name.lower(), value) for value in values])]
    return [_any([Compare(name, "=", value) for value in values])]


def _written(text: str) -> Clause:
    """The clause that a `search` field spells."""
    source = plain(text, "the result of a subsearch")
    return spl.parse_clause(Cursor(source, 0, len(text), "search"), _refuse)


def _refuse(cursor: Cursor) -> object:
    raise SearchError("the result of a subsearch contains another subsearch, which podhawk does not run")


def _all(parts: Sequence[Clause]) -> Clause:
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _any(parts: Sequence[Clause]) -> Clause:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))
