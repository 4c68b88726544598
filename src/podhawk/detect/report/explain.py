"""Why a detection fires on an input, or does not.

Every step of the pipeline, and every part of its first clause, is run as a search of its own that counts its rows, all
of them in the same scan and by the same code as the detection itself. Where a step leaves nothing, what it needs is
looked for. The nearest misses are the events that satisfy all parts of the first clause but one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.parse import parse_search
from podhawk.commands.search import SEARCH, Search
from podhawk.detect.evaluate.related_events import gathering
from podhawk.detect.requests.request import member
from podhawk.engine.plan.planner import gives_groups, grouped_by, make_plan
from podhawk.engine.plan.stages import run_stages
from podhawk.engine.run.batch import Runner, SearchJob
from podhawk.engine.search.collectors import wanted_by
from podhawk.engine.search.predicate import generate
from podhawk.engine.search.rows import row_of
from podhawk.errors import SearchError
from podhawk.events.collected import EventDecoder
from podhawk.events.event import AuditEvent
from podhawk.events.fields import FlattenRules
from podhawk.functions.predicates import with_latest
from podhawk.rows import OrderKey, Row, Table, texts
from podhawk.spl import clause as spl
from podhawk.spl.text import plain

MISSES: int = 3
"""Nearest misses that are shown for each part of the clause."""


class ExplainedStep(Struct, frozen=True):
    """One step of a detection's pipeline, macros expanded, and how many rows are left after it."""

    text: str
    rows: int
    parts: tuple[ExplainedStep, ...] = ()
    missing: tuple[str, ...] = ()
    """Fields that the step needs and no row before it has."""


class Miss(Struct, frozen=True):
    """An event that does not match, the first part of the clause that it fails, and what stands in that field."""

    event: AuditEvent
    part: str
    field: str
    value: str

    def about(self) -> str:
        """The event in a line."""
        data = self.event.view.data
        return (
            f"{self.event.origin} {member(data, 'auditID')} {member(data, 'verb')} "
            f"{member(data, 'requestURI')} by {member(data, 'user', 'username') or '(nobody)'}"
        )


class Explanation(Struct, frozen=True):
    """What became of the events of an input in a detection's search."""

    steps: tuple[ExplainedStep, ...]
    misses: tuple[Miss, ...]
    rows: int
    """How many rows the whole search gives."""

    def reasons(self) -> Iterator[str]:
        """Why nothing is left, where that can be told."""
        before = 1
        for step in self.steps:
            if before and not step.rows:
                for name in step.missing:
                    row = "event" if step is self.steps[0] else "row before this step"
                    yield f"0 rows, because no {row} has {name}"
            before = step.rows


def explain(request: SearchJob, decoder: EventDecoder, runner: Runner) -> Explanation:
    """Explain a detection's search over an input; `decoder` makes the events that are shown. The search itself runs in
    the same scan, so its stats say afterwards what it could not decide.

    Raises SearchError where it cannot run."""
    context = request.context
    stages = make_plan(request.pipeline, context).pipeline.stages
    if not stages or not isinstance(stages[0].node, Search):
        raise SearchError(
            "only searches over events can be explained", remedy="This search begins with a generating command."
        )
    parts = conjuncts(stages[0].node.clause)
    counted: list[tuple[Stage, ...]] = [
        (replace(stages[0], node=Search(_all(parts[: number + 1]))),) for number in range(len(parts))
    ]
    counted += [stages[: number + 1] for number in range(1, len(stages))]
    needs = [(number, label, clause) for number, stage in enumerate(stages) for label, clause in _needed(stage, number)]
    counted += [(*stages[:number], Stage(SEARCH, Search(clause), "search")) for number, _, clause in needs]
    rows, *numbers = _counts(runner, request, counted)
    lacking: dict[int, list[str]] = {}
    for (number, name, _), found in zip(needs, numbers[len(parts) + len(stages) - 1 :], strict=True):
        if not found:
            lacking.setdefault(number, []).append(name)
    first = ExplainedStep(
        _text(stages[0]),
        numbers[len(parts) - 1],
        tuple(ExplainedStep(clause_text(part), numbers[number]) for number, part in enumerate(parts)),
        tuple(lacking.get(0, ())),
    )
    later = (
        ExplainedStep(_text(stage), numbers[len(parts) + number], missing=tuple(lacking.get(number + 1, ())))
        for number, stage in enumerate(stages[1:])
    )
    return Explanation((first, *later), tuple(_misses(parts, decoder, runner, context)), rows)


def explain_event(request: SearchJob, event: AuditEvent) -> tuple[str, Miss | None]:
    """Where one event gets lost: the step, and the part of the clause that it fails; "" if it comes through."""
    context = request.context
    stages = make_plan(request.pipeline, context).pipeline.stages
    if not stages or not isinstance(stages[0].node, Search):
        raise SearchError("only searches over events can be explained")
    row = row_of(event, event.view, None, OrderKey(), FlattenRules())
    for part in conjuncts(stages[0].node.clause):
        if not generate(with_latest(part), context.env)(row):
            return _text(stages[0]), _miss(event, part, row)
    table = Table([row])
    for stage in stages[1:]:
        before = table.rows[0]
        table = run_stages((stage,), table, context)
        if not table.rows:
            failed = (
                next(
                    (
                        part
                        for part in conjuncts(stage.node.clause)
                        if not generate(with_latest(part), context.env)(before)
                    ),
                    None,
                )
                if isinstance(stage.node, Search)
                else None
            )
            return _text(stage), _miss(event, failed, before) if failed is not None else None
    return "", None


def conjuncts(clause: spl.Clause) -> tuple[spl.Clause, ...]:
    """The parts that must all be true."""
    return clause.parts if isinstance(clause, spl.And) else (clause,)


def clause_text(clause: spl.Clause) -> str:
    """A clause as it is written."""
    text = spl.render(clause, lambda node: "[ … ]")
    return f"({text})" if isinstance(clause, spl.Or) and not text.startswith("(") else text


def _all(parts: Sequence[spl.Clause]) -> spl.Clause:
    return parts[0] if len(parts) == 1 else spl.And(tuple(parts))


def _text(stage: Stage) -> str:
    return f"{stage.name} {stage.command.render(stage.node)}".strip()


def _needed(stage: Stage, number: int) -> Iterator[tuple[str, spl.Clause]]:
    """What a step must find to leave anything: in words, and as a clause."""
    if number:
        for name in grouped_by(stage) if gives_groups(stage) else ():
            yield name, _has(name)
        return
    for part in conjuncts(stage.node.clause):
        names = sorted(spl.fields(part) - {"source", "sourcetype", "host", "index", "_raw"})
        if names and isinstance(part, (spl.Compare, spl.In, spl.Or)):
            few = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
            yield (
                few if len(names) == 1 else f"any of {few}",
                spl.Or(tuple(map(_has, names))) if len(names) > 1 else _has(names[0]),
            )


def _has(name: str) -> spl.Clause:
    return spl.Compare(name, "=", "*")


def _counts(runner: Runner, request: SearchJob, prefixes: Sequence[tuple[Stage, ...]]) -> list[int]:
    """How many rows the search gives, and then each of these pipelines: one scan for all of them."""
    pipeline, context = request.pipeline, request.context
    count = parse_search(plain("| makeresults | stats count", "explain")).stages[-1]
    searches = [
        SearchJob(Pipeline((*stages, count), pipeline.source), replace(context, env=replace(context.env)))
        for stages in prefixes
    ]
    whole, *tables = runner.run([request, *searches])
    return [len(whole.rows), *(int(str(table.rows[0]["count"])) if table.rows else 0 for table in tables)]


def _misses(parts: Sequence[spl.Clause], decoder: EventDecoder, runner: Runner, context: Context) -> Iterator[Miss]:
    """Events that all parts of the clause want but one."""
    if len(parts) < 2:
        return
    clauses = [_all([*(other for other in parts if other is not part), spl.Not(part)]) for part in parts]
    jobs = runner.gather([gathering(clause, replace(context, env=replace(context.env))) for clause in clauses])
    shown = [0] * len(parts)
    for kept, numbers in wanted_by(jobs):
        for number in numbers:
            if shown[number] < MISSES:
                shown[number] += 1
                event = decoder.event(kept)
                yield _miss(event, parts[number], row_of(event, event.view, None, OrderKey(), FlattenRules()))


def _miss(event: AuditEvent, part: spl.Clause, row: Row) -> Miss:
    names = sorted(spl.fields(part) - {"_raw"}) or ["_raw"]
    values = {name: row.get(name) for name in names}
    name = next((name for name, value in values.items() if value is not None), names[0])
    value: Any = values[name]
    return Miss(event, clause_text(part), name, "(absent)" if value is None else ", ".join(texts(value)))
