"""What the columns of a plan are made of, worked out from what its commands declare.

Each command says of a column after it which columns before it that is made of (`Command.made`). Followed back to the
events, this tells a field of the event that nothing has changed from the result of an aggregation and from what was
computed of either. Followed forward, it tells under which name a field goes on.

A column may have several sources, of which the first that has a value counts (`fillnull`: the field itself, then a
constant). Where a source always has a value, those after it do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from podhawk.commands.declare import Stage
from podhawk.commands.properties import Effect, Made
from podhawk.functions.declare import Volatility


class Origin(Struct, frozen=True):
    """What a column is made of in the end: `fields` are those of the events (None: any).

    The other members mean what they mean for `Made`. A column that is not there is unchanged, made of no field.
    """

    fields: frozenset[str] | None = frozenset()
    unchanged: bool = True
    aggregated: bool = False
    total: bool = False
    growing: bool = True
    strict: bool = True

    def __or__(self, other: Origin) -> Origin:
        """Either of two."""
        return Origin(
            None if self.fields is None or other.fields is None else self.fields | other.fields,
            self.unchanged and other.unchanged,
            self.aggregated or other.aggregated,
            self.total or other.total,
            self.growing and other.growing,
            self.strict and other.strict,
        )


_NONE = Origin()


class Lineage:
    """The columns of a sequence of stages, of which the first gets the fields of events."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        self._known: dict[tuple[str, int], Origin] = {}

    def origin(self, name: str, before: int | None = None) -> Origin:
        """What a column is made of at the end, or `before` the stage of that number."""
        at = len(self.stages) if before is None else before
        if at == 0:
            return Origin(frozenset({name}), growing=False)
        known = self._known.get((name, at))
        if known is None:
            known = _NONE
            for made in sources(self.stages[at - 1], name):
                known |= self._through(made, at - 1)
                if known.total:
                    break
            self._known[name, at] = known
        return known

    def _through(self, made: Made, at: int) -> Origin:
        if made.of is None:
            return Origin(None, made.unchanged, made.aggregated, made.total, made.growing, made.strict)
        found = _NONE
        for name in sorted(made.of):
            found |= self.origin(name, at)
        same_row = made.unchanged and not made.aggregated
        return Origin(
            found.fields,
            made.unchanged and found.unchanged,
            made.aggregated or found.aggregated,
            made.total or (same_row and found.total),
            made.growing or (same_row and found.growing),
            made.strict and found.strict,
        )


def sources(stage: Stage, name: str) -> tuple[Made, ...]:
    """What a stage makes a column of."""
    return stage.command.made(stage.node, name)


def called(name: str, stages: Sequence[Stage]) -> str:
    """What a field that these stages begin with is called after them; its name where it is lost."""
    for stage in stages:
        after = stage.command.columns(stage.node, (name,)) or (name,)
        holding = [one for one in after if _holds(stage, one, name)]
        if holding and name not in holding:
            name = holding[0]
    return name


def kept(name: str, stages: Sequence[Stage]) -> str | None:
    """As `called`, of a field that has a value in every row; None where its values are lost or changed on the way."""
    for stage in stages:
        after = stage.command.columns(stage.node, (name,))
        holding = [one for one in (name,) if after is None] if after is None else list(after)
        holding = [one for one in holding if _first_holds(stage, one, name)]
        if not holding:
            return None
        name = name if name in holding else holding[0]
    return name


def _holds(stage: Stage, after: str, before: str) -> bool:
    """Whether a column holds, after a stage, what another held before it in the same row."""
    return any(
        made.unchanged and not made.aggregated and made.of is not None and before in made.of
        for made in sources(stage, after)
    )


def _first_holds(stage: Stage, after: str, before: str) -> bool:
    found = sources(stage, after)[:1]
    return any(made.unchanged and not made.aggregated and made.of == frozenset({before}) for made in found)


def may_be_made(name: str, stages: Sequence[Stage]) -> bool:
    """Whether any of the stages may put a value of its own into a column."""
    return any(not made.unchanged or made.of != frozenset({name}) for stage in stages for made in sources(stage, name))


def held_after(stage: Stage, names: Iterable[str]) -> frozenset[str]:
    """The columns that hold values of these ones, unchanged, after a stage."""
    own = frozenset(names)
    after = stage.command.columns(stage.node, tuple(own))
    return frozenset(
        name
        for name in (own if after is None else after)
        if any(made.unchanged and made.of is not None and made.of & own for made in sources(stage, name))
    )


def earlier_names(column: str, stages: Sequence[Stage]) -> tuple[str, ...]:
    """The names that a column of the last rows had before, the latest first: those it was renamed from. A change in
    place does not end them."""
    found: dict[str, None] = {}
    names: tuple[str, ...] = (column,)
    for stage in reversed(stages):
        names = tuple(dict.fromkeys(before for name in names for before in _went_on_from(stage, name)))
        found.update(dict.fromkeys(names))
    return tuple(name for name in found if name != column)


def _went_on_from(stage: Stage, name: str) -> Iterator[str]:
    """The columns that go on as one: those it copies, and one of the same name that was changed."""
    for made in sources(stage, name):
        if made.of is not None:
            yield from made.of if made.unchanged and not made.aggregated else made.of & {name}


def computes(stage: Stage, names: Iterable[str], *, over_rows: bool = True) -> bool:
    """Whether a stage makes anything of these columns but copies, of values of one row or also `over_rows`."""
    own = frozenset(names)
    after = stage.command.columns(stage.node, ())
    return after is None or any(
        not made.unchanged and (over_rows or not made.aggregated) and (made.of is None or bool(made.of & own))
        for name in {*after, *own}
        for made in sources(stage, name)
    )


def decides(stage: Stage, names: Iterable[str]) -> bool:
    """Whether it hangs on these columns which rows there are after a stage. A grouping only brings rows together."""
    if stage.effect in (Effect.KEEPS, Effect.GROUPS):
        return False
    read = stage.command.reads(stage.node, frozenset())
    return read is None or not read.isdisjoint(names)


def shows_only(stage: Stage) -> bool:
    """Whether a stage only shows what there is, as it is or over groups of rows: it neither drops rows nor adds columns
    that are computed of the values of one."""
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
    """Whether the same events can give other rows."""
    return max((stage.command.volatility(stage.node) for stage in stages), default=Volatility.IMMUTABLE)
