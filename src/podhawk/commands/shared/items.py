"""The list of aggregations that stats, eventstats, streamstats, chart and timechart share: text, names and fields.

An item is a function over a field, over all fields that a wildcard means, or over an eval expression; its output is
named by `AS` or by the text of the call. In chart and timechart an item may also be an expression over aggregations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.properties import Made, SearchRange
from podhawk.commands.shared.combined import taken_apart
from podhawk.commands.shared.names import pattern, shown
from podhawk.commands.shared.spans import TimeSpan, parse_span, show_span
from podhawk.errors import nearest
from podhawk.functions.aggregations import AGGREGATIONS, Aggregation, find
from podhawk.functions.aggregations.counting import Count
from podhawk.functions.aggregations.registry import FOREIGN, REFUSED
from podhawk.functions.declare import Volatility
from podhawk.functions.evaluate import patterns, volatility
from podhawk.lazy import lazy_pattern
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression, fields, parse_expression, render
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

_CALL = lazy_pattern(r"([A-Za-z_][A-Za-z_0-9]*(?:\.\d+)?)\s*(\(?)")


class Item(Placed, frozen=True):
    """One aggregation of a list: `function(argument) AS name`.

    An expression over aggregations has the function `eval`; `parts` are its aggregations, and `result` is the
    expression over their results. A `sparkline` reads `_time`, and `spark` says what it draws.
    """

    function: str
    argument: str | Expression | None
    name: str
    named: bool = False
    at: int = 0
    source: SearchText | None = None
    parts: tuple[Item, ...] = ()
    result: Expression | None = None
    spark: Spark | None = None

    @property
    def wild(self) -> bool:
        return isinstance(self.argument, str) and "*" in self.argument

    def declaration(self) -> tuple[Aggregation, float]:
        if self.parts or self.spark is not None:
            return COMBINED, 0.0
        found = find(self.function)
        assert found is not None, self.function
        return found


COMBINED = Aggregation(
    "eval", "An expression over aggregations.", ("1", "eval(sum(x)/count)", "1"), lambda number: Count()
)
"""What is known of an expression over aggregations, and of a sparkline: nothing."""


class Spark(Struct, frozen=True):
    """What a sparkline draws: an aggregation per span of time, over the time range of the search."""

    inner: Item
    span: TimeSpan | None = None
    within: SearchRange = SearchRange()


def _remedy(cursor: Cursor, found: re.Match[str], before: Item | None, stop: tuple[str, ...]) -> str:
    """What to write instead of a word that is no aggregation. `before` is the aggregation before it, and `stop` are the
    words that end a list."""
    name = found[1].lower()
    if name in AGGREGATIONS or name.startswith("perc"):
        return "Add a number from 0 to 100 to the name, for example perc95."
    if name in FOREIGN:
        return FOREIGN[name]
    close = nearest(name, AGGREGATIONS)
    if found[2] or close or before is None:
        return close
    if nearest(name, stop):
        return nearest(name, stop)
    if before.wild and not before.named:
        return f"Write {before.function}({found[1]}), or by {found[1]} to group by it."
    rest = cursor.source.text[found.end() : cursor.end].split()
    if name in ("group", "order", "sort", "where", "limit", "having") and rest:
        return {"group": "Write by without group.", "limit": "Write | head after stats."}.get(
            name, "Write | where or | sort after stats."
        )
    return f"Write by before the fields to group by: by {found[1]}."


def parse_item(
    cursor: Cursor,
    combine: bool = False,
    spark: bool = False,
    before: Item | None = None,
    stop: tuple[str, ...] = ("by",),
) -> Item:
    """One aggregation with its optional AS. `combine` allows an expression over aggregations, `spark` a sparkline;
    `before` is the aggregation before it, which an error may be about; `stop` are the words that end a list."""
    at = cursor.at
    found = cursor.looking_at(_CALL)
    if not found:
        cursor.fail(
            f"expected an aggregation such as count or values(field), found {cursor.rest[:20]!r}",
            "Filter results in a command of its own: | where." if before is not None else "",
        )
    name = found[1].lower()
    if combine and name == "eval" and found[2]:
        return _combined(cursor, at, found.end())
    if spark and name == "sparkline":
        return _sparkline(cursor, at, found)
    aggregation = find(name)
    if aggregation is None:
        reason = REFUSED.get(name)
        if reason:
            raise cursor.error(f"aggregation {found[1]} is not supported: {reason}", at, len(found[1]))
        raise cursor.error(f"unknown aggregation {found[1]}", at, len(found[1]), _remedy(cursor, found, before, stop))
    cursor.at = found.end()
    cursor.space()
    argument: str | Expression | None = None
    if found[2]:
        argument, text = _argument(cursor, aggregation[0], found.end() - 1)
        label = f"{found[1]}({text})" if text else found[1]
    else:
        argument, label = (None, found[1]) if aggregation[0].bare else ("*", f"{found[1]}(*)")
    named = bool(cursor.keyword("as"))
    if named and cursor.at_word(stop):
        cursor.fail("expected a name for the result after AS", "Put a name that is a keyword in double quotes.")
    if named:
        label = cursor.name("a name for the result")
    if named and isinstance(argument, str) and argument.count("*") != label.count("*"):
        raise cursor.error(f"{argument} and {label} have different numbers of *", at)
    return Item(name, argument, label, named, at, cursor.source)


def _combined(cursor: Cursor, at: int, inside: int) -> Item:
    """`eval(<expression over aggregations>) AS name`."""
    cursor.at = inside
    cursor.space()
    expression = parse_expression(cursor)
    if not cursor.take(")"):
        raise cursor.error("this eval( is never closed", at)
    label = cursor.source.text[at : cursor.at].strip()
    parts: dict[tuple[str, object], Item] = {}

    def add(function: str, argument: str | Expression | None, place: int) -> str:
        known = parts.get((function, argument))
        if known is None:
            hidden = f"{label}#{len(parts)}"
            known = parts[function, argument] = Item(function, argument, hidden, True, place, cursor.source)
        return known.name

    result = taken_apart(expression, add)
    if not parts:
        raise cursor.error("this expression contains no aggregation", at, remedy="For example: eval(sum(n)/count).")
    named = bool(cursor.keyword("as"))
    if named:
        label = cursor.name("a name for the result")
    return Item("eval", expression, label, named, at, cursor.source, tuple(parts.values()), result)


def _sparkline(cursor: Cursor, at: int, found: re.Match[str]) -> Item:
    """`sparkline`, `sparkline(count)` or `sparkline(avg(n), 1h)`, with its optional AS."""
    cursor.at = found.end()
    cursor.space()
    inner = Item("count", None, "count", at=at, source=cursor.source)
    span: TimeSpan | None = None
    if found[2]:
        inner = parse_item(cursor)
        if cursor.comma():
            place = cursor.at
            parsed = parse_span(cursor.word("a span such as 1h"))
            if not isinstance(parsed, TimeSpan):
                wrong = parsed if isinstance(parsed, str) else "the span of a sparkline is a length of time such as 1h"
                raise cursor.error(wrong, place)
            span = parsed
        if not cursor.take(")"):
            raise cursor.error("this ( is never closed", found.end() - 1, remedy="For example: sparkline(count, 1h).")
    if inner.wild or inner.named:
        raise cursor.error("a sparkline draws one aggregation of one field", inner.at)
    label = cursor.source.text[at : cursor.at].strip()
    named = bool(cursor.keyword("as"))
    if named:
        label = cursor.name("a name for the result")
    return Item("sparkline", "_time", label, named, at, cursor.source, spark=Spark(inner, span))


def ranged_items(items: tuple[Item, ...], within: SearchRange) -> tuple[Item, ...]:
    """The list; its sparklines know the time range of the search."""
    if all(item.spark is None for item in items):
        return items
    return tuple(
        item if item.spark is None else replace(item, spark=replace(item.spark, within=within)) for item in items
    )


def flat(items: Iterable[Item]) -> tuple[Item, ...]:
    """The aggregations of a list, those inside expressions included."""
    return tuple(one for item in items for one in (item.parts or (item,)))


def _argument(cursor: Cursor, aggregation: Aggregation, at: int) -> tuple[str | Expression | None, str]:
    evaluated = cursor.looking_at(re.compile(r"eval\s*\(", re.IGNORECASE))
    if evaluated:
        start = cursor.at
        cursor.at = evaluated.end()
        cursor.space()
        expression = parse_expression(cursor)
        if not cursor.take(")"):
            raise cursor.error("this eval( is never closed", evaluated.end() - 1, remedy="Close it with ).")
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
    if cursor.take(")"):
        return
    if ")" not in cursor.rest:
        raise cursor.error("this ( is never closed", at, remedy="Close it with ).")
    raise cursor.error(
        f"expected ) after the field, found {cursor.peek()!r}",
        remedy="An aggregation takes one field; use eval(…) for an expression.",
    )


def parse_items(cursor: Cursor, stop: Iterable[str], combine: bool = False, spark: bool = False) -> tuple[Item, ...]:
    """A list of aggregations up to a stop word, an option or the end.

    Refuses one name for two results, and one aggregation under two names.
    """
    stops = tuple(stop)
    items: list[Item] = []
    seen: dict[tuple[str, object], str] = {}
    while not cursor.done and not cursor.at_word(stops) and not cursor.next_option():
        item = parse_item(cursor, combine, spark, items[-1] if items else None, stops)
        if any(item.name == known.name for known in items):
            raise cursor.error(f"two results are named {item.name!r}", item.at)
        key = (item.function, (item.argument, item.spark))
        if key in seen and seen[key] != item.name:
            raise cursor.error(f"{item.function} of one field cannot have two names", item.at)
        seen[key] = item.name
        items.append(item)
        cursor.commas()
    return tuple(items)


def render_items(items: Sequence[Item]) -> str:
    return " ".join(map(render_item, items))


def render_item(item: Item) -> str:
    if item.parts and not isinstance(item.argument, str | None):
        call = f"eval({render(item.argument)})"
    elif item.spark is not None:
        span = f", {show_span(item.spark.span)}" if item.spark.span is not None else ""
        call = f"sparkline({render_item(item.spark.inner)}{span})"
    elif item.argument is None:
        call = item.function
    elif isinstance(item.argument, str):
        call = f"{item.function}({shown(item.argument)})"
    else:
        call = f"{item.function}(eval({render(item.argument)}))"
    return f"{call} AS {shown(item.name)}" if item.named or item.name != call else call


def item_fields(items: Sequence[Item]) -> frozenset[str] | None:
    """The fields that a list reads; None if a wildcard means any."""
    found: set[str] = set()
    for item in flat(items):
        if item.wild:
            return None
        if item.spark is not None:
            found |= item_fields((item.spark.inner,)) or frozenset()
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


def wild_name(item: Item, name: str) -> str:
    """The output name of one field that a wildcard item means."""
    if not item.named:
        return f"{item.function}({name})"
    found = pattern(str(item.argument)).match(name)
    parts = item.name.split("*")
    groups = found.groups() if found else ()
    return "".join(text for pair in zip(parts, (*groups, ""), strict=True) for text in pair)
