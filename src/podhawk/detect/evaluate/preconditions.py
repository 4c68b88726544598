"""What events must hold before an aggregate plan can give any row, though it may take rows back as more come.

A monotone plan (see `monotone`) that has no row over all events of a by-key has none in any window. Other plans can
lose rows, so that this tells nothing. But a row that comes through `where n > 0`, where `n` counts a field, needs an
event that has the field. One that comes through `where src_ip != home`, where `home` is the earliest `src_ip`, needs
two values of `src_ip`. If the events at hand do not fulfil this together, no part of them does.

Only what is certain is looked for: comparisons that stand by themselves in a filter, of columns that come unchanged
from events and from aggregations over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from podhawk.commands.declare import Stage
from podhawk.commands.properties import Effect
from podhawk.commands.shared.items import Item
from podhawk.engine.plan.lineage import sources
from podhawk.rows import OrderKey, Row, texts
from podhawk.rows.values import as_number
from podhawk.spl.expression import Binary, Expression, Field, Literal


class HeldFields(Struct, frozen=True):
    """Which of the fields that matter some events hold, and the values of those that must differ."""

    present: frozenset[str] = frozenset()
    values: frozenset[tuple[str, str]] = frozenset()

    def __or__(self, other: HeldFields) -> HeldFields:
        return HeldFields(self.present | other.present, self.values | other.values)


class Preconditions(Struct, frozen=True):
    """Fields, as they are called where a plan groups first, that some event must hold (`present`), and of which there
    must be two values (`differing`)."""

    present: frozenset[str] = frozenset()
    differing: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.present or self.differing)

    def facts(self, rows: Iterable[Row]) -> HeldFields:
        """What matters of rows as they reach the grouping."""
        present: set[str] = set()
        values: set[tuple[str, str]] = set()
        for row in rows:
            present.update(name for name in self.present if name in row)
            values.update((name, value) for name in self.differing if name in row for value in _distinct(row, name))
        return HeldFields(frozenset(present), frozenset(values))

    def are_met(self, facts: HeldFields) -> bool:
        """Whether events with these facts may give a row."""
        numbers = [sum(name == one for name, _ in facts.values) for one in self.differing]
        return facts.present == self.present and all(number > 1 for number in numbers)


def _distinct(row: Row, name: str) -> Iterator[str]:
    """The values of a field. One that holds several may differ from any other, so that it stands for two."""
    values = texts(row[name])
    yield from values
    if len(values) > 1:
        yield "\n".join(values)


def preconditions(stages: Sequence[Stage], first: int, of_groups: frozenset[str]) -> Preconditions:
    """What stages need, of which the one at `first` groups first. `of_groups` are fields that no row lacks in the end:
    a result that stands beside the rows of events counts only if these are what it is grouped by."""
    trail = _Trail(stages, first, of_groups)
    present: set[str] = set()
    differing: set[str] = set()
    for number, stage in enumerate(stages[first:], first):
        if stage.effect is Effect.FILTERS and isinstance(stage.condition, Expression):
            for one in _conjuncts(stage.condition):
                present.update(trail.needed(one, number))
                differing.update(trail.compared(one, number))
    return Preconditions(frozenset(present), frozenset(differing))


def _conjuncts(tree: Expression) -> Iterator[Binary]:
    if isinstance(tree, Binary):
        if tree.operator == "AND":
            yield from _conjuncts(tree.left)
            yield from _conjuncts(tree.right)
        else:
            yield tree


class _Trail:
    """Where columns come from, if that is certain."""

    def __init__(self, stages: Sequence[Stage], first: int, of_groups: frozenset[str]) -> None:
        self._stages, self._first, self._of_groups = stages, first, of_groups

    def needed(self, one: Binary, number: int) -> Iterator[str]:
        """The field that a comparison `result > constant` before the stage `number` needs."""
        match one.operator, one.left, one.right:
            case (">" | ">=", Field(name=name), Literal(value=value)) | (
                "<" | "<=",
                Literal(value=value),
                Field(name=name),
            ):
                found = self._result(name, number)
                least = as_number(value) if not isinstance(value, str) else None
                if found is None or least is None:
                    return
                item, field = found
                aggregation, argument = item.declaration()
                nothing = as_number(aggregation.make(argument).finish())
                passes = nothing is not None and (nothing > least or (nothing == least and "=" in one.operator))
                if aggregation.growing and not passes:
                    yield field

    def compared(self, one: Binary, number: int) -> Iterator[str]:
        """The field that a comparison `field != one of its values` before the stage `number` needs two values of."""
        match one.operator, one.left, one.right:
            case "!=", Field(name=left), Field(name=right):
                for own, chosen in ((left, right), (right, left)):
                    field, found = self._of_event(own, number), self._result(chosen, number)
                    if field is None or found is None or found[1] != field:
                        continue
                    if _chooses(found[0]):
                        yield field

    def _result(self, name: str, number: int) -> tuple[Item, str] | None:
        """The aggregation that a column before the stage `number` is the result of, and the field that it is over, by
        its name where the plan groups first."""
        while number > self._first:
            number -= 1
            stage = self._stages[number]
            item = next((one for one in stage.command.aggregations(stage.node) if one.name == name), None)
            if item is not None:
                if stage.effect is Effect.KEEPS and frozenset(stage.groups or ()) != self._of_groups:
                    return None
                field = self._of_event(item.argument, number) if isinstance(item.argument, str) else None
                return (item, field) if field is not None and not item.wild else None
            before = copied_from(stage, name)
            if before is None:
                return None
            name = before
        return None

    def _of_event(self, name: str, number: int) -> str | None:
        """The name of a column before the stage `number` where the plan groups first, if it still holds what the events
        hold, one event in each row."""
        while number > self._first:
            number -= 1
            before = copied_from(self._stages[number], name)
            if before is None or self._stages[number].effect is Effect.GROUPS:
                return None
            name = before
        return name


def _chooses(item: Item) -> bool:
    """Whether the result of an aggregation is the value of its field, if that is the same in all rows."""
    aggregation, argument = item.declaration()
    if not aggregation.copies:
        return False
    state = aggregation.make(argument)
    for _ in range(2):
        state.add("value", OrderKey())
    result = state.finish()
    return result is not None and texts(result) == ("value",)


def copied_from(stage: Stage, name: str) -> str | None:
    """The column before a stage that a column is a copy of, in each row; None if it may be anything else."""
    found = sources(stage, name)
    if len(found) != 1 or not found[0].unchanged or found[0].aggregated or found[0].of is None or len(found[0].of) != 1:
        return None
    return next(iter(found[0].of))
