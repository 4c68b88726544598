"""lookup(): a lookup table inside an expression.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/
comparison-and-conditional-functions
"""

from __future__ import annotations

from collections.abc import Iterator

from podhawk.errors import PodhawkError
from podhawk.functions import numbers
from podhawk.functions.declare import Env, Evaluator, EvalValue, Function, Volatility
from podhawk.functions.jsonpath import JsonText, dump, parse
from podhawk.rows import Row
from podhawk.spl.expression import Call, Expression, Literal, walk
from podhawk.spl.text import SearchText

SOURCE = (
    "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/"
    "comparison-and-conditional-functions"
)


def looked_up(*expressions: Expression) -> Iterator[str]:
    """The names of the tables that expressions read."""
    for expression in expressions:
        for part in walk(expression):
            if isinstance(part, Call) and part.name == "lookup" and part.arguments:
                name = part.arguments[0]
                if isinstance(name, Literal) and isinstance(name.value, str):
                    yield name.value


def _lookup(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    named = arguments[0]
    if not isinstance(named, Literal) or not isinstance(named.value, str):
        raise source.error(
            "lookup() needs the name of a table in double quotes",
            named.at,
            remedy='For example: lookup("hosts.csv", …).',
        )
    if env.lookup is None:
        raise source.error("lookup() has no lookup tables here", named.at)
    try:
        table = env.lookup(named.value)
    except PodhawkError as error:
        raise source.error(error.message, named.at, len(named.value) + 2, error.remedy) from None
    inputs, wanted = compiled[1], compiled[2]

    def find(row: Row) -> EvalValue:
        given, names = _json(inputs(row)), _json(wanted(row))
        if not isinstance(given, dict) or not isinstance(names, list):
            return None
        keys = {name: value if isinstance(value, str) else dump(value) for name, value in given.items()}
        found = table.outputs(keys, [str(name) for name in names])
        made = {name: list(value) if isinstance(value, tuple) else numbers.text(value) for name, value in found.items()}
        return JsonText(dump(made)) if made else None

    return find


def _json(value: EvalValue) -> object:
    return None if value is None or isinstance(value, tuple) else parse(numbers.text(value))


LOOKUP = Function(
    "lookup",
    3,
    3,
    "Looks values up in a lookup table: its name, a JSON object of input fields and values, and a JSON array of output "
    "fields. The result is a JSON object of the output fields of the row that matches; null if none does.",
    ('lookup("teams", json_object("user", "ann"), json_array("team"))', '{"team":"red"}'),
    build=_lookup,
    returns="string",
    source=SOURCE,
    volatility=Volatility.IMMUTABLE,
)
