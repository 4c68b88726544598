"""The list of aggregations that stats, eventstats, streamstats, chart and timechart share.

An item is a function over a field, over all fields that a wildcard means, or over an eval expression;
its output is named by `AS` or by the text of the call. `Group` holds the states of one group.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.commands.properties import Made
from podhawk.commands.shared.names import pattern, shown
from podhawk.errors import nearest
from podhawk.functions.aggregations import AGGREGATIONS, Aggregation, find
from podhawk.functions.aggregations.arithmetic import as_splunk, occurring
from podhawk.functions.aggregations.registry import REFUSED
from podhawk.functions.comparison import truth
from podhawk.functions.declare import Volatility
from podhawk.functions.evaluate import compile_expression, kind, patterns, volatility
from podhawk.functions.numbers import settle
from podhawk.rows import Row
from podhawk.rows.values import Value, as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression, fields, parse_expression, render
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

_CALL = re.compile(r"([A-Za-z_][A-Za-z_0-9]*(?:\.\d+)?)\s*(\(?)")


class Item(Placed, frozen=True):
    """One aggregation of a list: `function(argument) AS name`."""

    function: str
    argument: str | Expression | None
    name: str
    named: bool = False
    at: int = 0
    source: SearchText | None = None

    @property
    def wild(self) -> bool:
        return isinstance(self.argument, str) and "*" in self.argument

    def declaration(self) -> tuple[Aggregation, float]:
        found = find(self.function)
        assert found is not None, self.function
        return found


def parse_item(cursor: Cursor) -> Item:
    """One aggregation with its optional AS."""
    at = cursor.at
    found = cursor.looking_at(_CALL)
    if not found:
        cursor.fail(f"expected an aggregation such as count or values(field), found {cursor.rest[:20]!r}")
    name = found[1].lower()
    aggregation = find(name)
    if aggregation is None:
        reason = REFUSED.get(name)
        if reason:
            raise cursor.error(f"aggregation {found[1]} is not supported: {reason}", at, len(found[1]))
        known = AGGREGATIONS.get(name)
        remedy = f"Add a number to {name}, for example {name}95." if known else nearest(name, AGGREGATIONS)
        raise cursor.error(f"unknown aggregation {found[1]}", at, len(found[1]), remedy)
    cursor.at = found.end()
    cursor.space()
    argument: str | Expression | None = None
    if found[2]:
        argument, text = _argument(cursor, aggregation[0], at)
        label = f"{found[1]}({text})" if text else found[1]
    else:
        if not aggregation[0].bare:
            raise cursor.error(f"{found[1]} needs a field: {found[1]}(field)", at, len(found[1]))
        label = found[1]
    named = bool(cursor.keyword("as"))
    if named:
        label = cursor.name("a name for the result")
    if named and isinstance(argument, str) and argument.count("*") != label.count("*"):
        raise cursor.error(f"{argument} and {label} have different numbers of *", at)
    return Item(name, argument, label, named, at, cursor.source)


def _argument(cursor: Cursor, aggregation: Aggregation, at: int) -> tuple[str | Expression | None, str]:
    evaluated = cursor.looking_at(re.compile(r"eval\s*\(", re.IGNORECASE))
    if evaluated:
        start = cursor.at
        cursor.at = evaluated.end()
        cursor.space()
        expression = parse_expression(cursor)
        if not cursor.take(")"):
            raise cursor.error("this eval( is never closed", start)
        text = cursor.source.text[start : cursor.at].strip()
        _close(cursor, at)
        return expression, text
    if cursor.peek() == ")":
        cursor.take(")")
        if not aggregation.bare:
            raise cursor.error(f"{aggregation.name}() needs a field", at)
        return None, ""
    name = cursor.name()
    _close(cursor, at)
    return name, name


def _close(cursor: Cursor, at: int) -> None:
    if not cursor.take(")"):
        raise cursor.error(
            "this ( is never closed, or contains more than one field",
            at,
            remedy="An aggregation takes one field; use eval(…) for an expression.",
        )


def parse_items(cursor: Cursor, stop: Iterable[str]) -> tuple[Item, ...]:
    """A list of aggregations up to a stop word, an option or the end.

    Refuses one name for two results, and one aggregation under two names.
    """
    stops = tuple(stop)
    items: list[Item] = []
    seen: dict[tuple[str, object], str] = {}
    while not cursor.done and not cursor._at_word(stops) and not cursor.next_option():
        item = parse_item(cursor)
        if any(item.name == known.name for known in items):
            raise cursor.error(f"two results are named {item.name!r}", item.at)
        key = (item.function, item.argument)
        if key in seen and seen[key] != item.name:
            raise cursor.error(f"{item.function} of one field cannot have two names", item.at)
        seen[key] = item.name
        items.append(item)
        cursor.comma()
    return tuple(items)


def render_items(items: Sequence[Item]) -> str:
    return " ".join(map(render_item, items))


def render_item(item: Item) -> str:
    if item.argument is None:
        call = item.function
    elif isinstance(item.argument, str):
        call = f"{item.function}({shown(item.argument)})"
    else:
        call = f"{item.function}(eval({render(item.argument)}))"
    return f"{call} AS {shown(item.name)}" if item.named or item.name != call else call


def item_fields(items: Sequence[Item]) -> frozenset[str] | None:
    """The fields that a list reads; None if a wildcard means any."""
    found: set[str] = set()
    for item in items:
        if item.wild:
            return None
        if isinstance(item.argument, str):
            found.add(item.argument)
        elif item.argument is not None:
            found |= fields(item.argument)
        if item.declaration()[0].by_time:
            found.add("_time")
    return frozenset(found)


def item_columns(items: Sequence[Item]) -> tuple[str, ...] | None:
    """The columns that a list makes; None if a wildcard leaves that to the rows."""
    return None if any(item.wild for item in items) else tuple(item.name for item in items)


def item_made(items: Sequence[Item], name: str) -> Made | None:
    """The source of a result of a list; None if no result has that name."""
    for item in items:
        if item.name == name and not item.wild:
            aggregation, _ = item.declaration()
            expression = item.argument if not isinstance(item.argument, str | None) else None
            return Made(
                item_fields((item,)),
                unchanged=aggregation.copies and expression is None,
                strict=aggregation.copies and expression is None,
                total=aggregation.total,
                growing=aggregation.growing and (expression is None or not volatility(expression)),
            )
    return None


def item_volatility(items: Sequence[Item]) -> Volatility:
    """The volatility of the expressions in a list."""
    return volatility(*(item.argument for item in items if not isinstance(item.argument, str | None)))


def item_patterns(items: Sequence[Item]) -> tuple[str, ...]:
    """The regular expressions in a list."""
    return tuple(patterns(*(item.argument for item in items if not isinstance(item.argument, str | None))))


GroupFeed = Callable[["Group", Row], None]


class Group(Struct, eq=False):
    """The states of one group: one per plain item, and per item and field for wildcards."""

    plain: list[Any]
    wild: dict[tuple[int, str], Any] = field(default_factory=dict)


class Aggregator:
    """A list of aggregations, ready to run."""

    def __init__(self, items: Sequence[Item], context: Context, exclude: Iterable[str] = ()) -> None:
        self.items = tuple(items)
        self.exclude = frozenset(exclude)
        self.count_rows = "stats-count-rows" in context.env.switches
        self.made = [_declared(item, context) for item in self.items]
        self.feeds = [self._feed(number, item, context) for number, item in enumerate(self.items)]
        self._makers = [
            None if item.wild else partial(aggregation.make, argument)
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

    def finish(self, group: Group) -> dict[str, Value]:
        """The results that are not null, in the order of the list."""
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


def _declared(item: Item, context: Context) -> tuple[Aggregation, float]:
    """An item's aggregation and number, as the options of the run read them."""
    aggregation, number = item.declaration()
    if "percentile-nearest-rank" in context.env.switches:
        aggregation = occurring(aggregation)
    return as_splunk(aggregation) if context.exact else aggregation, number


def wild_name(item: Item, name: str) -> str:
    """The output name of one field that a wildcard item means."""
    if not item.named:
        return f"{item.function}({name})"
    found = pattern(str(item.argument)).match(name)
    parts = item.name.split("*")
    groups = found.groups() if found else ()
    return "".join(text for pair in zip(parts, (*groups, ""), strict=True) for text in pair)


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
