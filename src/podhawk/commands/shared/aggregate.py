"""Running a list of aggregations: `Aggregator` feeds rows to the states of a `Group`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.commands.shared.items import Item, flat, wild_name
from podhawk.commands.shared.names import pattern
from podhawk.commands.shared.sparkline import SparkPieces, SparkRun
from podhawk.functions.aggregations import Aggregation
from podhawk.functions.aggregations.arithmetic import as_splunk, occurring
from podhawk.functions.comparison import truth
from podhawk.functions.evaluate import compile_expression, compile_value, kind
from podhawk.functions.numbers import settle
from podhawk.rows import Row
from podhawk.rows.values import Value, as_number
from podhawk.spl.text import SearchText

GroupFeed = Callable[["Group", Row], None]


class Group(Struct, eq=False):
    """The states of one group: one per plain item, and per item and field for wildcards."""

    plain: list[Any]
    wild: dict[tuple[int, str], Any] = field(default_factory=dict)


class Aggregator:
    """A list of aggregations, ready to run."""

    def __init__(self, items: Sequence[Item], context: Context, exclude: Iterable[str] = ()) -> None:
        self.items = flat(items)
        """The aggregations that are run: those of expressions come one by one."""
        self._combined = _expressions(items, context) if any(item.parts for item in items) else None
        self.exclude = frozenset(exclude)
        self.count_rows = "stats-count-rows" in context.env.switches
        self.made = [_declared(item, context) for item in self.items]
        self._sparks = {
            number: SparkRun(item.spark.span, item.spark.within, Aggregator((item.spark.inner,), context), context)
            for number, item in enumerate(self.items)
            if item.spark is not None
        }
        self.feeds = [self._feed(number, item, context) for number, item in enumerate(self.items)]
        self._makers = [
            None if item.wild else SparkPieces if item.spark is not None else partial(aggregation.make, argument)
            for item, (aggregation, argument) in zip(self.items, self.made, strict=True)
        ]
        self._names = None if any(item.wild for item in self.items) else [item.name for item in self.items]

    def new(self) -> Group:
        return Group([make and make() for make in self._makers])

    def add(self, group: Group, row: Row) -> None:
        for feed in self.feeds:
            feed(group, row)

    def add_times(self, group: Group, row: Row, times: int) -> None:
        """As `add`, for a row that came so many times."""
        for number, feed in enumerate(self.feeds):
            if times > 1 and self.items[number].argument is None:
                group.plain[number].n += times
                continue
            for _ in range(1 if self.made[number][0].once else times):
                feed(group, row)

    def merge(self, first: Group, second: Group) -> Group:
        for number, state in enumerate(second.plain):
            if state is not None:
                first.plain[number].merge(state)
        for key, state in second.wild.items():
            if key in first.wild:
                first.wild[key].merge(state)
            else:
                first.wild[key] = state
        return first

    def draw(self, groups: Iterable[Group]) -> None:
        """Draw the sparklines of all groups, before they are finished."""
        if self._sparks:
            known = list(groups)
            for number, spark in self._sparks.items():
                spark.draw(group.plain[number] for group in known)

    def finish(self, group: Group) -> dict[str, Value]:
        """The results that are not null, in the order of the list."""
        found = self._finished(group)
        return found if self._combined is None else self._combined(found)

    def _finished(self, group: Group) -> dict[str, Value]:
        if self._names is not None:
            return {
                name: value
                for name, state in zip(self._names, group.plain, strict=True)
                if (value := state.finish()) is not None
            }
        found: dict[str, Value] = {}
        for number, item in enumerate(self.items):
            if item.wild:
                for (owner, name), state in sorted(group.wild.items(), key=lambda entry: entry[0]):
                    value = state.finish() if owner == number else None
                    if value is not None:
                        found[wild_name(item, name)] = value
            else:
                value = group.plain[number].finish()
                if value is not None:
                    found[item.name] = value
        return found

    def _feed(self, number: int, item: Item, context: Context) -> GroupFeed:
        aggregation, _ = self.made[number]
        if number in self._sparks:
            spark = self._sparks[number]
            return lambda group, row: spark.add(group.plain[number], row)
        if item.argument is None:
            return lambda group, row: group.plain[number].add("", row.order)
        if isinstance(item.argument, str):
            if item.wild:
                return self._wild(number, item)
            if self.count_rows and aggregation.name == "count":
                return _presence_feed(number, item.argument)
            return _field_feed(number, item.argument, aggregation.by_time)
        return _eval_feed(number, item, context, aggregation)

    def _wild(self, number: int, item: Item) -> GroupFeed:
        aggregation, argument = self.made[number]
        matcher = pattern(str(item.argument))

        def feed(group: Group, row: Row) -> None:
            for name, value in row.items():
                if name in self.exclude or name.startswith("_") or not matcher.match(name):
                    continue
                key = (number, name)
                if key not in group.wild:
                    group.wild[key] = aggregation.make(argument)
                _give(group.wild[key], value, row, aggregation.by_time)

        return feed


def _expressions(items: Sequence[Item], context: Context) -> Callable[[dict[str, Value]], dict[str, Value]]:
    """Turns the results of all aggregations into those of the list, expressions evaluated."""
    nowhere = SearchText("", "", ())
    compiled = {
        item.name: compile_value(item.result, context.env, item.source or nowhere)
        for item in items
        if item.result is not None
    }
    hidden = {part.name for item in items for part in item.parts}

    def combined(results: dict[str, Value]) -> dict[str, Value]:
        row = Row(results)
        found = {name: value for name, value in results.items() if name not in hidden}
        for name, evaluate in compiled.items():
            value = evaluate(row)
            if value is not None and not isinstance(value, bool):
                found[name] = value
        return found

    return combined


def _declared(item: Item, context: Context) -> tuple[Aggregation, float]:
    """An item's aggregation and number, as the options of the run read them."""
    aggregation, number = item.declaration()
    if "percentile-nearest-rank" in context.env.switches:
        aggregation = occurring(aggregation)
    return as_splunk(aggregation) if context.exact else aggregation, number


def _give(state: Any, value: Value, row: Row, by_time: bool) -> None:
    values = value if isinstance(value, tuple) else (value,)
    if not by_time:
        for one in values:
            state.add(one, row.order)
        return
    time = as_number(row.get("_time"))
    if time is not None:
        for one in values:
            state.add_at(one, time, row.order)


def _field_feed(number: int, name: str, by_time: bool) -> GroupFeed:
    def feed(group: Group, row: Row) -> None:
        value = row.get(name)
        if value is not None:
            _give(group.plain[number], value, row, by_time)

    return feed


def _presence_feed(number: int, name: str) -> GroupFeed:
    """Counts rows that have a field, however many values it holds."""

    def feed(group: Group, row: Row) -> None:
        if name in row:
            group.plain[number].add("", row.order)

    return feed


def _eval_feed(number: int, item: Item, context: Context, aggregation: Aggregation) -> GroupFeed:
    assert item.argument is not None
    assert not isinstance(item.argument, str)
    source = item.source if item.source is not None else SearchText("", "", ())
    evaluate = compile_expression(item.argument, context.env, source)
    counts = aggregation.name == "count" and kind(item.argument) in ("boolean", "any")

    def feed(group: Group, row: Row) -> None:
        value = evaluate(row)
        if counts and isinstance(value, bool):
            if value:
                group.plain[number].add("", row.order)
            return
        if isinstance(value, bool):
            value = str(truth(value))
        value = settle(value)
        if value is not None and not isinstance(value, bool):
            _give(group.plain[number], value, row, aggregation.by_time)

    return feed
