"""where: keep the rows for which an eval expression is true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Slip, Stream, Wanted, always, needs, same_columns
from podhawk.commands.properties import Effect, Resources, effect, same
from podhawk.functions.comparison import COMPARISONS
from podhawk.functions.evaluate import compile_condition, patterns, volatility
from podhawk.functions.lookups import looked_up
from podhawk.functions.registry import FUNCTIONS
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Binary, Expression, Field, fields, parse_expression, render, walk
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

_PLAIN = lazy_pattern(r"[A-Za-z_]\w*\Z")


def quoted_fields(expression: Expression, source: SearchText) -> Iterator[Slip]:
    """Fields in single quotes that need none, on the right of a comparison: most likely a text was meant."""
    for part in walk(expression):
        if isinstance(part, Binary) and part.operator in COMPARISONS and isinstance(part.right, Field):
            name = part.right.name
            if _PLAIN.match(name) and source.text.startswith("'", part.right.at):
                yield Slip(part.right.at, f"'{name}' is the field {name}; a text stands in double quotes: \"{name}\"")


class Where(Placed, frozen=True):
    expression: Expression
    source: SearchText


def _parse(cursor: Cursor) -> Where:
    if cursor.done:
        cursor.fail("expected an expression")
    node = Where(parse_expression(cursor), cursor.source)
    cursor.finish(unfinished(node.expression, "Join conditions with AND or OR."))
    return node


def unfinished(expression: Expression, usual: str) -> str:
    """The remedy for what follows an expression: `like user "b%"` lacks the parentheses of a call."""
    name = expression.name if isinstance(expression, Field) else ""
    return f"Write {name}(…) to call the function {name}." if name in FUNCTIONS else usual


def _reads(node: Where, wanted: Wanted) -> Wanted:
    return needs(wanted, *fields(node.expression))


def _stream(node: Where, context: Context) -> Stream:
    test = compile_condition(node.expression, context.env, node.source)

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        return (row for row in rows if test(row))

    return stream


WHERE = Command(
    name="where",
    syntax="where <eval-expression>",
    doc="Keeps rows for which an eval expression is true. AND binds tighter than OR, comparisons are "
    "case-sensitive, and both sides may be fields.",
    examples=(
        Example(
            '* | where code>=400 AND verb="get" | table code verb',
            ({"code": "403", "verb": "get"},),
            ('{"code":403,"verb":"get"}', '{"code":200,"verb":"get"}'),
        ),
        Example(
            "* | where actor=owner | table actor",
            ({"actor": "a"},),
            ('{"actor":"a","owner":"a"}', '{"actor":"a","owner":"A"}'),
        ),
    ),
    parse=_parse,
    render=lambda node: render(node.expression),
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    check=lambda node, context: void(_stream(node, context)),
    made=same,
    effect=effect(Effect.FILTERS),
    condition=lambda node: node.expression,
    volatility=lambda node: volatility(node.expression),
    resources=lambda node: Resources(lookups=tuple(looked_up(node.expression))),
    slips=lambda node: quoted_fields(node.expression, node.source),
    patterns=lambda node: tuple(patterns(node.expression)),
    known_as=("filter", "having"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/where",
)


def void(value: object) -> None:
    """Compiling was the check; its result is made again for each run."""
