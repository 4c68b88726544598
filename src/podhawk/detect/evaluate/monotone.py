"""Monotone aggregate plans: thresholds on counts, which only gain rows while a window fills.

Such a plan does not wait for its schedule; it fires in the minute in which the threshold is passed.

Filters may stand behind the threshold if they cannot take back a row: one that lets all rows through, as an empty
filter macro does, and one that looks only at fields that the plan groups by, as a macro does that leaves out a user.
Such a filter says the same of a group however many events it has.
"""

from __future__ import annotations

from collections.abc import Callable

from podhawk.commands.declare import Condition, Stage
from podhawk.commands.properties import Effect
from podhawk.engine.plan.lineage import Lineage, kept, sources
from podhawk.engine.plan.planner import Plan, grouped_by, wanted_fields
from podhawk.engine.plan.stages import columns_after
from podhawk.functions.declare import Volatility
from podhawk.rows.values import as_number
from podhawk.spl import clause as spl
from podhawk.spl.expression import Binary, Expression, Field, Literal

Grows = Callable[[str], bool]
"""Whether more events can only make a column larger."""


def is_monotone(plan: Plan) -> bool:
    """Whether more events can only add rows: a grouping whose fields survive, then filters `growing > constant` and
    filters that are the same for all rows of a group."""
    reducer = plan.reducer
    if reducer is None or reducer.effect is not Effect.GROUPS or not _timeless((*plan.mapped, reducer)):
        return False
    if any(kept(name, plan.rest) is None for name in grouped_by(reducer)):
        return False
    lineage, key = Lineage(plan.pipeline.stages), frozenset(grouped_by(reducer))
    timeless = all(stage.command.volatility(stage.node) is Volatility.IMMUTABLE for stage in plan.rest)
    for number, stage in enumerate(plan.rest, len(plan.mapped) + 1):
        of_group = timeless and _is_of_group(stage, key, lineage, number)
        if not (_lets_all_through(stage) or of_group or _gains(stage, number, lineage)):
            return False
    return True


def _lets_all_through(stage: Stage) -> bool:
    return stage.effect is Effect.FILTERS and stage.condition == spl.EVERYTHING


def _is_of_group(stage: Stage, key: frozenset[str], lineage: Lineage, number: int) -> bool:
    """Whether a filter reads nothing but what is made of the fields of the group. Behind a grouping there is no `_raw`,
    and a name with a wildcard may mean any column."""
    if stage.effect is not Effect.FILTERS or stage.command.resources(stage.node).written:
        return False
    read = stage.command.reads(stage.node, frozenset())
    if read is None or any("*" in name or name == "_raw" for name in read):
        return False
    return all(_is_key(name, key, lineage, number) for name in read)


def _is_key(name: str, key: frozenset[str], lineage: Lineage, number: int) -> bool:
    origin = lineage.origin(name, number)
    return origin.fields is not None and origin.fields <= key and not origin.aggregated


def _timeless(stages: tuple[Stage, ...]) -> bool:
    """Whether the groups do not depend on the clock, which differs from window to window."""
    for number, stage in enumerate(stages, 1):
        if stage.command.volatility(stage.node) is Volatility.IMMUTABLE:
            continue
        wanted = wanted_fields(stages[number:]) if stage.effect is Effect.KEEPS else None
        if wanted is None or any(not made.unchanged for name in wanted for made in sources(stage, name)):
            return False
    return True


def _gains(stage: Stage, number: int, lineage: Lineage) -> bool:
    """Whether more events can only add rows after a stage, given that this holds before it."""
    if stage.effect is Effect.FILTERS:
        return _condition_grows(stage.condition, lambda name: _larger(name, number, lineage))
    if stage.effect not in (Effect.KEEPS, Effect.EXPANDS) or stage.command.resources(stage.node).written:
        return False
    columns = stage.command.columns(stage.node, columns_after(lineage.stages[:number], None))
    return columns is not None and not any(made.aggregated for name in columns for made in sources(stage, name))


def _larger(name: str, number: int, lineage: Lineage) -> bool:
    origin = lineage.origin(name, number)
    return origin.aggregated and origin.growing


def _condition_grows(condition: Condition, grows: Grows) -> bool:
    if condition is None:
        return False
    if isinstance(condition, Expression):
        return _expression_grows(condition, grows)
    return _clause_grows(condition, grows)


def _clause_grows(clause: spl.Clause, grows: Grows) -> bool:
    match clause:
        case spl.And(parts=parts) | spl.Or(parts=parts):
            return all(_clause_grows(part, grows) for part in parts)
        case spl.Compare(name=name, operator=operator, value=value):
            return operator in (">", ">=") and as_number(value) is not None and grows(name)
        case _:
            return False


def _expression_grows(tree: Expression, grows: Grows) -> bool:
    if not isinstance(tree, Binary):
        return False
    if tree.operator in ("AND", "OR"):
        return _expression_grows(tree.left, grows) and _expression_grows(tree.right, grows)
    match tree.operator, tree.left, tree.right:
        case (">" | ">=", Field(name=name), Literal(value=value)) | (
            "<" | "<=",
            Literal(value=value),
            Field(name=name),
        ):
            return not isinstance(value, str) and grows(name)
        case _:
            return False
