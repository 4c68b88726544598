"""eval: compute fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, plus
from podhawk.commands.properties import Effect, Resources, Sources, computed, effect, same
from podhawk.commands.shared.names import shown
from podhawk.commands.where import quoted_fields, unfinished, void
from podhawk.functions.declare import Evaluator, EvalValue
from podhawk.functions.evaluate import compile_value, patterns, volatility
from podhawk.functions.lookups import looked_up
from podhawk.functions.one_value import has_one_value
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, texts
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression, fields, parse_expression, render
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

_TARGET = lazy_pattern(r"[^\s=,|\"'()\[\]]+")
MOST: Final = 1 << 24
"""Characters of the longest text, and values of the largest multivalue, that eval stores."""
_DYNAMIC = lazy_pattern(r"\{([^{}]+)\}")


class Assignment(Struct, frozen=True):
    """`target=expression`; a `{name}` inside a target stands for the value of that field."""

    target: str
    expression: Expression


class Eval(Placed, frozen=True):
    assignments: tuple[Assignment, ...]
    source: SearchText


def target(cursor: Cursor) -> str:
    """The left side of an assignment, with its `=` taken."""
    at = cursor.at
    if cursor.peek() in "\"'":
        name = cursor.name()
    else:
        found = cursor.looking_at(_TARGET)
        if not found:
            cursor.fail("expected the name of a field to set")
        cursor.at = found.end()
        cursor.space()
        name = found[0]
    if cursor.peek(2) == "==":
        cursor.fail(f"expected = after {name}, found ==", "An assignment has the form name=expression.")
    if not cursor.take("="):
        raise cursor.error(f"expected = after {name}", at, len(name), "An assignment has the form name=expression.")
    return name


def assignments(cursor: Cursor) -> tuple[Assignment, ...]:
    """`a=…, b=…` up to the end."""
    found: list[Assignment] = []
    while not cursor.done:
        name = target(cursor)
        found.append(Assignment(name, parse_expression(cursor)))
        if not cursor.comma() and not cursor.done:
            cursor.finish(unfinished(found[-1].expression, "Separate assignments by commas."))
    if not found:
        cursor.fail("expected name=expression")
    return tuple(found)


def dynamic(name: str) -> tuple[str, ...]:
    """The fields whose values make up a target's name."""
    return tuple(_DYNAMIC.findall(name))


def _reads(node: Eval, wanted: Wanted) -> Wanted:
    if wanted is None:
        return None
    for assignment in reversed(node.assignments):
        wanted = wanted - {assignment.target} | fields(assignment.expression) | set(dynamic(assignment.target))
    return wanted


def _columns(node: Eval, columns: Columns) -> Columns:
    return plus(columns, *(item.target for item in node.assignments if not dynamic(item.target)))


def as_time(value: EvalValue) -> EvalValue:
    """A value of `_time`: a number, without the six decimals that strptime() gives its text."""
    number = as_number(value) if isinstance(value, str) else None
    if number is None:
        return value
    return int(number) if number == int(number) else number


def store(row: Row, name: str, value: EvalValue) -> None:
    """Put an expression's value into a field; null removes it."""
    if value is None:
        row.pop(name, None)
    else:
        row[name] = value if not isinstance(value, bool) else str(value)


def _too_large(name: str, context: Context) -> None:
    """Warn of a value that is too large, and is left out."""
    context.warn("eval-limit", f"{name} would have more than {MOST:,} characters or values")


def _setter(assignment: Assignment, evaluate: Evaluator, context: Context) -> Callable[[Row], None]:
    name = assignment.target
    if name == "_time":
        return lambda row: store(row, name, as_time(evaluate(row)))
    if not dynamic(name):

        def set_plain(row: Row) -> None:
            value = evaluate(row)
            if (value.__class__ is str or value.__class__ is tuple) and len(value) > MOST:
                _too_large(name, context)
                value = None
            store(row, name, value)

        return set_plain

    def set_dynamic(row: Row) -> None:
        made = _DYNAMIC.sub(lambda found: "".join(texts(row[found[1]])[:1]) if found[1] in row else "", name)
        value = evaluate(row)
        if (value.__class__ is str or value.__class__ is tuple) and len(value) > MOST:
            _too_large(name, context)
            value = None
        if made:
            store(row, made, value)

    return set_dynamic


def _stream(node: Eval, context: Context) -> Stream:
    setters = [
        _setter(item, compile_value(item.expression, context.env, node.source), context) for item in node.assignments
    ]

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for setter in setters:
                setter(row)
            yield row

    return stream


def _made(node: Eval, name: str) -> Sources:
    """An assigned column is computed from the fields that its expression reads, as they were before all assignments."""
    names = frozenset({name})
    sets = False
    for item in reversed(node.assignments):
        if item.target in names or dynamic(item.target):
            sets = True
            kept = names if dynamic(item.target) else names - {item.target}
            names = kept | fields(item.expression) | frozenset(dynamic(item.target))
    return (computed(names),) if sets else same(node, name)


def _one_value(node: Eval, name: str, before: Callable[[str], bool]) -> bool:
    known: dict[str, bool] = {}

    def of_field(field: str) -> bool:
        return known[field] if field in known else before(field)

    for item in node.assignments:
        if dynamic(item.target):
            return False
        known[item.target] = has_one_value(item.expression, of_field)
    return of_field(name)


EVAL = Command(
    name="eval",
    syntax="eval <field>=<expression> [, <field>=<expression>]…",
    doc="Computes fields from expressions, from left to right; each expression can use the fields "
    "set before it. Null removes a field. A boolean cannot be stored. `{name}` on the left "
    "stands for the value of that field. A text of more than 16,777,216 characters, or a multivalue of more values, "
    "is left out, with a warning.",
    examples=(
        Example('| makeresults | eval user="bob", greeting="hi ".user | table greeting', ({"greeting": "hi bob"},)),
        Example('* | eval failed=if(code>=400, "yes", "no") | table failed', ({"failed": "yes"},), ('{"code":403}',)),
    ),
    parse=lambda cursor: Eval(assignments(cursor), cursor.source),
    render=lambda node: ", ".join(f"{shown(item.target)}={render(item.expression)}" for item in node.assignments),
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    check=lambda node, context: void(_stream(node, context)),
    made=_made,
    one_value=_one_value,
    effect=effect(Effect.KEEPS),
    volatility=lambda node: volatility(*(item.expression for item in node.assignments)),
    resources=lambda node: Resources(lookups=tuple(looked_up(*(item.expression for item in node.assignments)))),
    slips=lambda node: (slip for item in node.assignments for slip in quoted_fields(item.expression, node.source)),
    patterns=lambda node: tuple(patterns(*(item.expression for item in node.assignments))),
    known_as=("extend", "let", "assign", "awk", "compute"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/eval",
)
