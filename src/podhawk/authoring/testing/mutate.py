"""Mutation testing: does a test notice that a detection was changed for the worse?

Each mutant has one thing changed: a part of a clause dropped or turned round, a value or a field replaced, a field of a
grouping lost. A mutant is killed by a test that fails on it. What survives shows what no test checks; some mutants mean
the same on any event, and survive rightly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from podhawk.authoring.testing.datasets import Places
from podhawk.authoring.testing.run import Case, _inputs, judge, run_case
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.properties import Effect
from podhawk.commands.search import Search
from podhawk.content.model import Content
from podhawk.detect.evaluate.prepare import prepare
from podhawk.detect.report.explain import clause_text, conjuncts
from podhawk.engine.run.batch import SearchJob
from podhawk.engine.run.files import FileSource
from podhawk.errors import PodhawkError
from podhawk.rows import Table
from podhawk.rows.values import as_text
from podhawk.session import Session
from podhawk.spl import clause as spl


class Mutant(Struct, frozen=True):
    """A changed search: what was changed, and the stages."""

    change: str
    stages: tuple[Stage, ...]


class Survivor(Struct, frozen=True):
    """A mutant that no test of its detection kills."""

    detection: str
    change: str


class Score(Struct, frozen=True):
    """How many mutants there were, and which survive. `untested` says why there were none: no test of the detection
    could run, or none passes as it is."""

    mutants: int
    survivors: tuple[Survivor, ...]
    untested: str = ""

    @property
    def killed(self) -> int:
        return self.mutants - len(self.survivors)


def mutants(stages: tuple[Stage, ...]) -> Iterator[Mutant]:
    """Every mutant of a pipeline."""
    for number, stage in enumerate(stages):
        for change, node in _changed(stage, first=number == 0):
            yield Mutant(change, (*stages[:number], replace(stage, node=node), *stages[number + 1 :]))
        if number and stage.effect is Effect.FILTERS and _restricts(stage):
            yield Mutant(
                f"without | {stage.name} {stage.command.render(stage.node)}", stages[:number] + stages[number + 1 :]
            )


def _restricts(stage: Stage) -> bool:
    return not isinstance(stage.node, Search) or (
        stage.node.clause != spl.EVERYTHING and clause_text(stage.node.clause) not in ("*", "")
    )


def _changed(stage: Stage, *, first: bool) -> Iterator[tuple[str, object]]:
    if isinstance(stage.node, Search):
        for change, clause in _clauses(stage.node.clause):
            yield change, Search(clause)
    elif stage.command.with_groups is not None:
        by = stage.groups or ()
        for name in by:
            kept = tuple(other for other in by if other != name)
            yield f"{name} removed from | {stage.name} … by", stage.command.with_groups(stage.node, kept)
            renamed = tuple("no_such_field" if other == name else other for other in by)
            yield f"{name} renamed in | {stage.name} … by", stage.command.with_groups(stage.node, renamed)


def _clauses(clause: spl.Clause) -> Iterator[tuple[str, spl.Clause]]:
    """The clause with one part of it changed."""
    parts = conjuncts(clause)
    for number, part in enumerate(parts):
        if part == spl.EVERYTHING or clause_text(part) == "*":
            continue
        text = clause_text(part)
        rest = [*parts[:number], *parts[number + 1 :]]

        def joined(other: spl.Clause, rest: list[spl.Clause] = rest) -> spl.Clause:
            return spl.And((*rest, other)) if rest else other

        if rest:
            yield f"without {text}", rest[0] if len(rest) == 1 else spl.And(tuple(rest))
        yield f"not {text}", joined(part.part if isinstance(part, spl.Not) else spl.Not(part))
        if isinstance(part, spl.Compare):
            yield f"value changed in {text}", joined(replace(part, value=f"{part.value}-other"))
            yield f"field changed in {text}", joined(replace(part, name="no_such_field"))
        elif isinstance(part, spl.In) and len(part.values) > 1:
            for value in part.values:
                yield (
                    f"{value} removed from {text}",
                    joined(replace(part, values=tuple(other for other in part.values if other != value))),
                )
        elif isinstance(part, spl.Or):
            for choice in part.parts:
                left = tuple(other for other in part.parts if other is not choice)
                yield f"{clause_text(choice)} removed from an OR", joined(left[0] if len(left) == 1 else spl.Or(left))


def score(cases: Sequence[Case], content: Content, session: Session, places: Places) -> Score:
    """Mutate the detection of these cases, and run on each mutant its tests that pass without a change, the quickest
    first, until one of them fails."""
    outcomes = [run_case(case, content, session, places) for case in cases]
    passing = [one.case for one in sorted(outcomes, key=lambda one: one.seconds) if one.verdict == "passed"]
    prepared = prepare(cases[0].detection, content, session, session.lookups(content))
    if prepared.request is None or not passing:
        return Score(0, (), outcomes[0].message)
    made = list(mutants(prepared.request.pipeline.stages))
    alive = made
    for case in passing:
        if alive:
            killed = _killed(case, alive, prepared.request, session, places)
            alive = [one for number, one in enumerate(alive) if number not in killed]
    return Score(len(made), tuple(Survivor(cases[0].detection.name, one.change) for one in alive))


def _killed(case: Case, made: Sequence[Mutant], request: SearchJob, session: Session, places: Places) -> set[int]:
    """The mutants on which a test fails."""
    tables: list[list[Table]] = [[] for _ in made]
    for dataset_session, path, _ in _inputs(case, session, places):
        if path is None:
            return set()
        searches = [
            SearchJob(
                Pipeline(one.stages, request.pipeline.source),
                replace(request.context, env=replace(request.context.env)),
            )
            for one in made
        ]
        try:
            with FileSource([str(path)], dataset_session.reading, keep=True) as source:
                found = dataset_session.runner(source).run(searches)
        except PodhawkError:
            return set()
        for number, table in enumerate(found):
            tables[number].append(table)
    return {
        number
        for number, one in enumerate(made)
        if judge(case, [_cells(row) for table in tables[number] for row in table.rows], one.stages).verdict == "failed"
    }


def _cells(row: object) -> dict[str, object]:
    return {name: list(value) if isinstance(value, tuple) else as_text(value) for name, value in row.items()}  # type: ignore[attr-defined]
