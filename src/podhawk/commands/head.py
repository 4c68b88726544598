"""head: the first rows."""

from __future__ import annotations

from collections.abc import Callable

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always, needs, same_columns
from podhawk.commands.properties import Effect, effect, same
from podhawk.commands.where import void
from podhawk.functions.comparison import truth
from podhawk.functions.declare import EvalValue, Volatility
from podhawk.functions.evaluate import compile_expression, patterns, volatility
from podhawk.rows import Row, Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression, Literal, Unary, fields, parse_expression, render
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

DEFAULT = 10


class Head(Placed, frozen=True):
    count: int | None = DEFAULT
    condition: Expression | None = None
    null: bool = False
    keeplast: bool = False
    source: SearchText | None = None


def _parse(cursor: Cursor) -> Head:
    if cursor.done:
        return Head()
    options: dict[str, str] = {}
    count: int | None = None
    condition: Expression | None = None
    names = ("limit", "null", "keeplast")
    while not cursor.done:
        if cursor.next_option() in names:
            options |= cursor.options(names)
        elif condition is None and count is None:
            at = cursor.at
            parsed = parse_expression(cursor)
            if isinstance(parsed, Unary) and isinstance(parsed.operand, Literal):
                raise cursor.error(
                    "the number of rows cannot be negative", at, remedy="Use tail for the last rows: | tail 5."
                )
            if isinstance(parsed, Literal):
                count = cursor.integer(parsed.text or str(parsed.value), "the number of rows")
            else:
                condition = parsed
        else:
            cursor.finish()
    if "limit" in options and count is not None:
        cursor.fail("the number of rows is given twice", "Use either head N or head limit=N.")
    if "limit" in options:
        count = cursor.integer(options["limit"], "limit")
    null, keeplast = (cursor.boolean(options.get(name, "f"), name) for name in ("null", "keeplast"))
    return Head(DEFAULT if count is None and condition is None else count, condition, null, keeplast, cursor.source)


def _render(node: Head) -> str:
    parts: list[str] = []
    if node.condition is not None:
        parts.append(f"({render(node.condition)})")
    if node.count is not None:
        parts.append(f"limit={node.count}")
    parts += [f"{name}=true" for name, on in (("null", node.null), ("keeplast", node.keeplast)) if on]
    return " ".join(parts)


def _reads(node: Head, wanted: Wanted) -> Wanted:
    return needs(wanted, *fields(node.condition)) if node.condition is not None else wanted


def _condition(node: Head, context: Context) -> Callable[[Row], EvalValue] | None:
    if node.condition is None:
        return None
    return compile_expression(node.condition, context.env, node.source or SearchText("", "", ()))


def _number(node: Head) -> int | None:
    condition = node.condition
    return condition.value if isinstance(condition, Literal) and isinstance(condition.value, int) else None


def _whole(node: Head, context: Context) -> Whole:
    # A number in place of the condition is what a subsearch has returned.
    number = _number(node)
    test = _condition(node, context) if number is None else None

    def whole(table: Table) -> Table:
        count = node.count if number is None else number
        rows = table.rows if count is None else table.rows[:count]
        if test is None:
            return Table(rows, table.columns)
        kept: list[Row] = []
        for row in rows:
            result = truth(test(row))
            if result is True or (result is None and node.null):
                kept.append(row)
                continue
            if node.keeplast:
                kept.append(row)
            break
        return Table(kept, table.columns)

    return whole


def _volatility(node: Head) -> Volatility:
    return volatility(*((node.condition,) if node.condition is not None else ()))


HEAD = Command(
    name="head",
    syntax="head [<n>] | head <eval-expression> [null=<bool>] [keeplast=<bool>] [limit=<n>]",
    doc="Keeps the first rows (default: 10). In a raw search these are the newest events. With an "
    "expression, keeps rows up to the first row for which the expression is not true; "
    "`null=true` also continues after null, `keeplast=true` also keeps that row.",
    examples=(
        Example("| makeresults count=3 | streamstats count as n | head 2 | table n", ({"n": "1"}, {"n": "2"})),
        Example(
            "| makeresults count=3 | streamstats count as n | head n<2 keeplast=true | table n",
            ({"n": "1"}, {"n": "2"}),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=same_columns,
    whole=_whole,
    check=lambda node, context: void(_condition(node, context)),
    made=same,
    effect=effect(Effect.LIMITS),
    volatility=_volatility,
    patterns=lambda node: () if node.condition is None else tuple(patterns(node.condition)),
    known_as=("take", "limit", "first"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/head",
)
