"""The lineage of columns: which event fields each column of a plan is made of, and how.

Each command declares the sources of a column in terms of the columns before it (`Command.made`). `Lineage` follows them
back to the events. It tells an unchanged event field from the result of an aggregation and from a computed value. The
functions below it answer questions about single stages, and follow a field forward through renames.

A column can have several sources; the first one that has a value counts. After `fillnull`, these are the field itself
and then the constant. If a source has a value in every row (`Made.total`), the later ones are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from podhawk.commands.declare import Stage
from podhawk.commands.properties import Effect, Made
from podhawk.functions.declare import Volatility


class ColumnOrigin(Struct, frozen=True):
    """What a column is made of, in terms of event fields: `fields` (None: possibly any).

    The other members mean the same as those of `Made`. A column that does not exist is unchanged and has no fields.
    """

    fields: frozenset[str] | None = frozenset()
    unchanged: bool = True
    aggregated: bool = False
    total: bool = False
    growing: bool = True
    strict: bool = True

    def __or__(self, other: ColumnOrigin) -> ColumnOrigin:
        """The origin of a column that has one of two origins, depending on the row."""
        return ColumnOrigin(
            None if self.fields is None or other.fields is None else self.fields | other.fields,
            self.unchanged and other.unchanged,
            self.aggregated or other.aggregated,
            self.total or other.total,
            self.growing and other.growing,
            self.strict and other.strict,
        )


_NONE = ColumnOrigin()


class Lineage:
    """The columns of a sequence of stages whose input is events."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        self._known: dict[tuple[str, int], ColumnOrigin] = {}

    def origin(self, name: str, before: int | None = None) -> ColumnOrigin:
        """The origin of a column after all stages, or before the stage with the index `before`."""
        at = len(self.stages) if before is None else before
        if at == 0:
            return ColumnOrigin(frozenset({name}), growing=False)
        known = self._known.get((name, at))
        if known is None:
            known = _NONE
            for made in sources(self.stages[at - 1], name):
                known |= self._through(made, at - 1)
                if known.total:
                    break
            self._known[name, at] = known
        return known

    def _through(self, made: Made, at: int) -> ColumnOrigin:
        if made.of is None:
            return ColumnOrigin(None, made.unchanged, made.aggregated, made.total, made.growing, made.strict)
        found = _NONE
        for name in sorted(made.of):
            found |= self.origin(name, at)
        same_row = made.unchanged and not made.aggregated
        return ColumnOrigin(
            found.fields,
            made.unchanged and found.unchanged,
            made.aggregated or found.aggregated,
            made.total or (same_row and found.total),
            made.growing or (same_row and found.growing),
            made.strict and found.strict,
        )


def sources(stage: Stage, name: str) -> tuple[Made, ...]:
    """The sources of a column after a stage, in terms of the columns before it."""
    return stage.command.made(stage.node, name)


def called(name: str, stages: Sequence[Stage]) -> str:
    """The name after these stages of a field that they start with; the last known name if the field gets lost."""
    for stage in stages:
        after = stage.command.columns(stage.node, (name,)) or (name,)
        holding = [one for one in after if _holds(stage, one, name)]
        if holding and name not in holding:
            name = holding[0]
    return name


def kept(name: str, stages: Sequence[Stage]) -> str | None:
    """The name after these stages of a field that has a value in every row, or None if a stage drops or changes it."""
    for stage in stages:
        after = stage.command.columns(stage.node, (name,))
        holding = [one for one in (name,) if after is None] if after is None else list(after)
        holding = [one for one in holding if _first_holds(stage, one, name)]
        if not holding:
            return None
        name = name if name in holding else holding[0]
    return name


def _holds(stage: Stage, after: str, before: str) -> bool:
    """Whether a column can hold, after a stage, the value that another column had before it in the same row."""
    return any(
        made.unchanged and not made.aggregated and made.of is not None and before in made.of
        for made in sources(stage, after)
    )


def _first_holds(stage: Stage, after: str, before: str) -> bool:
    """Whether a column holds that value whenever there is one."""
    found = sources(stage, after)[:1]
    return any(made.unchanged and not made.aggregated and made.of == frozenset({before}) for made in found)


def may_be_made(name: str, stages: Sequence[Stage]) -> bool:
    """Whether any stage may write a value to a column that is not the column's own."""
    return any(not made.unchanged or made.of != frozenset({name}) for stage in stages for made in sources(stage, name))


def held_after(stage: Stage, names: Iterable[str]) -> frozenset[str]:
    """The columns after a stage that hold unchanged values of these columns."""
    own = frozenset(names)
    after = stage.command.columns(stage.node, tuple(own))
    return frozenset(
        name
        for name in (own if after is None else after)
        if any(made.unchanged and made.of is not None and made.of & own for made in sources(stage, name))
    )


def earlier_names(column: str, stages: Sequence[Stage]) -> tuple[str, ...]:
    """The earlier names of a column of the result, the latest first. Names from before a change in place count too."""
    found: dict[str, None] = {}
    names: tuple[str, ...] = (column,)
    for stage in reversed(stages):
        names = tuple(dict.fromkeys(before for name in names for before in _went_on_from(stage, name)))
        found.update(dict.fromkeys(names))
    return tuple(name for name in found if name != column)


def _went_on_from(stage: Stage, name: str) -> Iterator[str]:
    """The columns before a stage that this column continues: those it copies, and the one with the same name."""
    for made in sources(stage, name):
        if made.of is not None:
            yield from made.of if made.unchanged and not made.aggregated else made.of & {name}


def computes(stage: Stage, names: Iterable[str], *, over_rows: bool = True) -> bool:
    """Whether a stage computes any column from these ones, other than a copy. Aggregations count if `over_rows`."""
    own = frozenset(names)
    after = stage.command.columns(stage.node, ())
    return after is None or any(
        not made.unchanged and (over_rows or not made.aggregated) and (made.of is None or bool(made.of & own))
        for name in {*after, *own}
        for made in sources(stage, name)
    )


def decides(stage: Stage, names: Iterable[str]) -> bool:
    """Whether these columns decide which rows come out of a stage. The fields of a grouping do not."""
    if stage.effect in (Effect.KEEPS, Effect.GROUPS):
        return False
    read = stage.command.reads(stage.node, frozenset())
    return read is None or not read.isdisjoint(names)


def shows_only(stage: Stage) -> bool:
    """Whether a stage drops no rows and adds no columns that are computed from single rows."""
    after = stage.command.columns(stage.node, ())
    return stage.effect is Effect.GROUPS or (
        stage.effect is Effect.KEEPS
        and after is not None
        and all(
            made.unchanged or made.aggregated or made.of == frozenset()
            for name in after
            for made in sources(stage, name)
        )
    )


def volatility(stages: Iterable[Stage]) -> Volatility:
    """Whether these stages can give different rows for the same input."""
    return max((stage.command.volatility(stage.node) for stage in stages), default=Volatility.IMMUTABLE)
