"""What kind of thing a value is.

Text from events has no type of its own: a field whose text looks like a number counts as one here, a
text written in double quotes does not.
"""

from __future__ import annotations

from collections.abc import Callable

from podhawk.functions import jsonpath
from podhawk.functions.declare import Build, Env, Evaluator, EvalValue, Function, Volatility
from podhawk.functions.numbers import number
from podhawk.rows import Row
from podhawk.spl.expression import Expression, Field
from podhawk.spl.text import SearchText

SOURCE = (
    "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/informational-functions"
)


def _typed(test: Callable[[EvalValue], EvalValue]) -> Build:
    """A test that sees a field's numeric text as the number it spells."""

    def build(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
        inner = compiled[0]
        if not isinstance(arguments[0], Field):
            return lambda row: test(inner(row))

        def field(row: Row) -> EvalValue:
            value = inner(row)
            if isinstance(value, str):
                spelled = number(value)
                return test(value if spelled is None else spelled)
            return test(value)

        return field

    return build


def _is_number(value: EvalValue) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: EvalValue) -> bool:
    return _is_number(value) and (
        isinstance(value, int) or (isinstance(value, float) and value.is_integer() and not hasattr(value, "digits"))
    )


def _is_json(value: EvalValue, kind: type) -> bool:
    return isinstance(value, str) and isinstance(jsonpath.parse(value), kind)


def _typeof(value: EvalValue) -> EvalValue:
    if value is None:
        return "Invalid"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, tuple):
        return "Multivalue"
    return "String" if isinstance(value, str) else "Number"


FAMILY: tuple[Function, ...] = (
    Function(
        "isnull",
        1,
        1,
        "Whether the value is null. A missing field is null.",
        ('if(isnull(null()), "yes", "no")', "yes"),
        run=lambda value: value is None,
        returns="boolean",
        takes_null=True,
        source=SOURCE,
        known_as=("isempty", "is_null", "is_empty"),
    ),
    Function(
        "isnotnull",
        1,
        1,
        "Whether the value is not null. Empty text is not null.",
        ('if(isnotnull(""), "yes", "no")', "yes"),
        run=lambda value: value is not None,
        returns="boolean",
        takes_null=True,
        source=SOURCE,
        known_as=("isnotempty", "is_not_null"),
    ),
    Function(
        "isnum",
        1,
        1,
        "Whether the value is a number. A field counts if its text is a number.",
        ('if(isnum(4.5), "yes", "no")', "yes"),
        build=_typed(_is_number),
        returns="boolean",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "isint",
        1,
        1,
        "Whether the value is a whole number. A field counts if its text is a whole number.",
        ('if(isint(4.5), "yes", "no")', "no"),
        build=_typed(_is_integer),
        returns="boolean",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "isdouble",
        1,
        1,
        "Whether the value is a number, but not a whole number. A field counts if its text is such a number.",
        ('if(isdouble(4.5), "yes", "no")', "yes"),
        build=_typed(lambda value: _is_number(value) and not _is_integer(value)),
        returns="boolean",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "isstr",
        1,
        1,
        "Whether the value is text. A field does not count if its text is a number.",
        ('if(isstr("get"), "yes", "no")', "yes"),
        build=_typed(lambda value: isinstance(value, str)),
        returns="boolean",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "isbool",
        1,
        1,
        "Whether the value is a boolean. Always false for a field: booleans exist only inside expressions.",
        ('if(isbool(1==1), "yes", "no")', "yes"),
        run=lambda value: isinstance(value, bool),
        returns="boolean",
        takes_null=True,
        source=SOURCE,
    ),
    Function(
        "ismv",
        1,
        1,
        "Whether the value has more than one element.",
        ('if(ismv(split("a,b", ",")), "yes", "no")', "yes"),
        run=lambda value: isinstance(value, tuple),
        returns="boolean",
        takes_null=True,
        source=SOURCE,
    ),
    Function(
        "isarray",
        1,
        1,
        "Whether the value is the text of a JSON array.",
        ('if(isarray("[1, 2]"), "yes", "no")', "yes"),
        run=lambda value: _is_json(value, list),
        returns="boolean",
        takes_null=True,
        source=SOURCE,
    ),
    Function(
        "isobject",
        1,
        1,
        "Whether the value is the text of a JSON object.",
        ('if(isobject("{}"), "yes", "no")', "yes"),
        run=lambda value: _is_json(value, dict),
        returns="boolean",
        takes_null=True,
        source=SOURCE,
    ),
    Function(
        "typeof",
        1,
        1,
        "The type of the value as text: Number, String, Boolean, Multivalue, or Invalid for null.",
        ("typeof(12)", "Number"),
        build=_typed(_typeof),
        returns="string",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("gettype",),
    ),
)
