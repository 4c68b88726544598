"""Subsearches inside clauses and expressions: each runs first, and its rows take its place.

In a clause, rows are put as `format` puts them: the fields of a row are joined by AND, the rows by OR, the values
of a multivalue field by OR. Internal fields (`_time`) stay out. A field called `search` or `query` is not
compared: its value is a clause of its own. A subsearch without rows matches nothing, but one that ends with `return`
and finds nothing leaves nothing behind: the clause is as if it had not been there.

In an expression, and after `field=`, the text of the subsearch takes its place: what `return $field` or `format` made.

Source: https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.4/subsearches/
change-the-format-of-subsearch-results
and https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/return
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.format import formatted as as_text
from podhawk.commands.properties import Effect
from podhawk.commands.shared.legs import subsearches_in, subsearches_of
from podhawk.engine.plan.pipelines import subsearches
from podhawk.errors import SearchError
from podhawk.rows import Row, Table, texts
from podhawk.spl import clause as spl
from podhawk.spl.clause import EVERYTHING, And, Clause, Compare, Not, Or, Subsearch, TimeBound
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Embedded, Expression, parse_expression
from podhawk.spl.text import SearchText, plain, quote

LIMIT = 10_000
"""Rows of a subsearch that count. Source: the maxout setting of limits.conf, [subsearch]."""

NOTHING = Not(EVERYTHING)
_BARE = frozenset({"search", "query"})
_RESULT = "the result of a subsearch"
Run = Callable[[Pipeline], Table]
Warn = Callable[[str, str], None]


def has_subsearch(pipeline: Pipeline) -> bool:
    """Whether a clause or an expression of the pipeline's own stages holds a subsearch."""
    return next(subsearches(pipeline), None) is not None


def rereads(pipeline: Pipeline) -> bool:
    """Whether a search may read its input more than once."""
    return has_subsearch(pipeline) or any(
        stage.effect is Effect.UNKNOWN or stage.command.legs(stage.node) for stage in pipeline.stages
    )


def resolved(stage: Stage, run: Run, warn: Warn = lambda kind, detail: None) -> Stage:
    """The stage with its subsearches run and replaced.

    Raises SearchError, at the subsearch, for a result that is no clause or no expression.
    """
    if not subsearches_of(stage):
        return stage
    results = _Results(run, warn, stage.source)
    try:
        return replace(stage, node=_replaced(stage.node, results))
    except RecursionError:
        raise results.error(
            "a subsearch stands too deep in this expression", stage.at, "Divide it into smaller searches."
        ) from None


class _Results(Struct, frozen=True):
    """How the subsearches of one stage are run."""

    run: Run
    warn: Warn
    source: SearchText | None = None

    def rows(self, pipeline: Pipeline) -> list[Row]:
        table = self.run(pipeline)
        if len(table.rows) > LIMIT:
            self.warn(
                "subsearch-limit", f"a subsearch returned {len(table.rows)} rows; only the first {LIMIT} are used"
            )
        return table.rows[:LIMIT]

    def error(self, message: str, at: int, remedy: str = "") -> SearchError:
        return self.source.error(message, at, remedy=remedy) if self.source else SearchError(message, remedy=remedy)


def _replaced(value: Any, results: _Results) -> Any:
    """A node, or a part of one, with every subsearch replaced."""
    if isinstance(value, And | Or | Not | Subsearch):
        return _clause(value, results) or EVERYTHING
    if isinstance(value, Embedded):
        return _expression(value, results)
    if isinstance(value, tuple):
        return tuple(_replaced(part, results) for part in value)
    if isinstance(value, Struct) and next(subsearches_in(value), None) is not None:
        members = {name: getattr(value, name) for name in value.__struct_fields__}
        return replace(value, **{name: _replaced(member, results) for name, member in members.items()})
    return value


def replace_subsearches(clause: Clause, run: Run, warn: Warn = lambda kind, detail: None) -> Clause:
    """The clause with every subsearch run and replaced. Raises SearchError for a `search` field that is no clause."""
    return _clause(clause, _Results(run, warn)) or EVERYTHING


def _clause(clause: Clause, results: _Results) -> Clause | None:
    """A clause without subsearches; None if they have left nothing of it."""
    match clause:
        case And(parts=parts) | Or(parts=parts):
            made = [found for part in parts if (found := _clause(part, results)) is not None]
            return None if not made else made[0] if len(made) == 1 else type(clause)(tuple(made))
        case Not(part=part):
            inner = _clause(part, results)
            return None if inner is None else Not(inner)
        case Subsearch(name=""):
            return formatted(results.rows(clause.pipeline))
        case Subsearch():
            return _compared(clause, results)
        case _:
            return clause


def _text(rows: Sequence[Row]) -> str:
    """The text that takes the place of a subsearch: that of `return` or `format` as it is, else as `format` puts it."""
    made = [value for row in rows for name, value in row.items() if name in _BARE]
    if len(rows) == 1 and len(made) == 1 and len(rows[0]) == 1:
        return " ".join(texts(made[0])).strip()
    return as_text(rows)


def _compared(found: Subsearch, results: _Results) -> Clause:
    """`field=[ … ]`: the text of the subsearch is the value, and may go on as a clause."""
    text = _text(results.rows(found.pipeline))
    if not text:
        return Compare(found.name, found.operator, "")
    try:
        return _written(f"{quote(found.name)}{found.operator}{text}")
    except SearchError as error:
        raise results.error(
            f"{found.name}{found.operator} cannot be compared with what this subsearch returned, {text[:40]!r}: "
            f"{error.message}",
            found.at,
            "End the subsearch with return $field.",
        ) from None


def _expression(found: Embedded, results: _Results) -> Expression:
    text = _text(results.rows(found.pipeline))
    source = plain(text, _RESULT)
    try:
        cursor = Cursor(source, 0, len(text))
        made = parse_expression(cursor)
        cursor.finish()
    except SearchError as error:
        what = f"this subsearch returned {text[:40]!r}, which is no expression" if text else "this subsearch is empty"
        detail = f": {error.message}" if text else ""
        raise results.error(what + detail, found.at, "End the subsearch with return $field.") from None
    return made


def formatted(rows: Sequence[Row]) -> Clause | None:
    """Rows as a clause; None if all that they say is an empty text in place of a clause."""
    found: dict[Clause, None] = {}
    empty = False
    for row in rows:
        parts = [part for name, value in row.items() if not name.startswith("_") for part in _field(name, texts(value))]
        if parts:
            found[_all(parts)] = None
        empty = empty or (not parts and any(name in _BARE for name in row))
    return _any(list(found)) if found else None if empty else NOTHING


def _field(name: str, values: Sequence[str]) -> list[Clause]:
    if name in _BARE:
        made = [_written(value) for value in values if value.strip()]
        return [_any(made)] if made else []
    if name.lower() in spl.TIME_BOUNDS:
        return [_any([TimeBound(name.lower(), value) for value in values])]
    return [_any([Compare(name, "=", value) for value in values])]


def _written(text: str) -> Clause:
    """The clause that a `search` field spells."""
    source = plain(text, _RESULT)
    return spl.parse_clause(Cursor(source, 0, len(text), "search"), _refuse)


def _refuse(cursor: Cursor) -> object:
    raise SearchError("the result of a subsearch contains another subsearch, which podhawk does not run")


def _all(parts: Sequence[Clause]) -> Clause:
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _any(parts: Sequence[Clause]) -> Clause:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))
