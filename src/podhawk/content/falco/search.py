"""Conditions of Falco rules as searches.

A search is a clause that every matching event fulfils, so that most events are never decoded; then the condition
itself in `where`. Clauses of SPL do not regard case and Falco does, so the clause alone would match too much.

In Falco a test of a field that an event lacks is false, and its negation is true; in eval both are null. So `not` is
moved inwards to the tests, and a negated test says what a missing field means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct, field

from podhawk.content.falco.condition import ORDERINGS, AllOf, AnyOf, Comparison, FalcoField, Negation, Node
from podhawk.content.falco.fields import SELF, Reading, is_time, pattern_of, quoted, reading_of, text
from podhawk.errors import ContentError

ALWAYS: Final = "true()"
NEVER: Final = "false()"
NOTHING: Final = 'auditID="never" | where false()'
"""The search that no event matches; its clause costs nothing, since no line has the text."""
_KEPT: Final = ("_time", "auditID", "stage", "user.username", "sourceIPs{}")
"""Columns that every search of a rule has: what findings are about."""
_WITH_JSON: Final = ("contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex", "exists")
"""Operators for which `jevt.value` may point to an object."""
_OUTPUT: Final = re.compile(r"%(?:%|([A-Za-z]\w*(?:\.\w+)+(?:\[[^\]\s]*\])?))")
_GLOB: Final = re.compile(r"\[[^\]]*\]|\*|\?")


class RuleSearch(Struct):
    """The search of a rule, as it is written; `columns` are the fields of its output by their names in Falco."""

    steps: dict[str, str] = field(default_factory=dict)
    """What `eval` works out before the condition is tested, by column."""

    def column(self, of: FalcoField, reading: Reading) -> str:
        """A field in an expression: itself, or the column that `eval` gives it."""
        if reading.path:
            return reading.expression
        name = str(FalcoField(of.name, of.argument))
        if name not in self.steps:
            self.steps[name] = reading.expression
            if reading.then:
                self.steps[name + SELF] = reading.then.replace(SELF, quoted(name))
        return quoted(name)


def search_of(condition: Node, output: str) -> tuple[str, str, bool]:
    """The search of a condition, the message that an output becomes, and whether any event can match.

    Raises ContentError for what cannot be expressed.
    """
    made, shown = RuleSearch(), RuleSearch()
    test = _all(_exact(condition, True, made))
    message, columns = _message(output, shown)
    if test == NEVER:
        return NOTHING, message, False
    clause = " ".join(_top(_clause(condition))) or "*"
    used = {name: step for name, step in made.steps.items() if quoted(name.rstrip(SELF)) in test}
    lines = [clause, *_evals(used), *([f"where {test}"] if test != ALWAYS else [])]
    lines += _evals({name: step for name, step in shown.steps.items() if name not in used})
    names = dict.fromkeys((*_KEPT, *columns))
    lines.append("table " + " ".join(f'"{name}"' if re.search(r"[\s\[\],]", name) else name for name in names))
    return "\n| ".join(lines), message, True


def _evals(steps: dict[str, str]) -> Iterator[str]:
    for name, step in steps.items():
        yield f'eval "{name.rstrip(SELF)}"={step}'


def _message(output: str, made: RuleSearch) -> tuple[str, list[str]]:
    """An output with a token for each of its fields, and the columns that these need."""
    columns: list[str] = []

    def token(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%"
        name, bracket, argument = found[1].partition("[")
        of = FalcoField(name, argument.rstrip("]") if bracket else None)
        reading = reading_of(of, as_json=True)
        if reading.path or reading.expression == "_time":
            columns.append(reading.path or "_time")
        elif reading.expression == "_raw":
            columns.append("_raw")
        else:
            made.column(of, reading)
            columns.append(str(of))
        return f"${columns[-1]}$"

    return _OUTPUT.sub(token, " ".join(output.split())), columns


def _all(text: str) -> str:
    """A condition without the parentheses around the whole."""
    return text[1:-1] if text.startswith("(") and _closes_last(text) else text


def _closes_last(text: str) -> bool:
    depth, inside = 0, ""
    for place, one in enumerate(text):
        if inside:
            inside = "" if one == inside and text[place - 1] != "\\" else inside
        elif one in "\"'":
            inside = one
        elif one in "()":
            depth += 1 if one == "(" else -1
            if depth == 0:
                return place == len(text) - 1
    return False


def _exact(node: Node, wanted: bool, made: RuleSearch) -> str:
    """The condition (`wanted`) or its opposite, in eval; ALWAYS and NEVER are folded away."""
    match node:
        case Negation(part=part):
            return _exact(part, not wanted, made)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            every = isinstance(node, AllOf) == wanted
            found = list(dict.fromkeys(_exact(part, wanted, made) for part in _flat(node, parts)))
            ends, drops = (NEVER, ALWAYS) if every else (ALWAYS, NEVER)
            if ends in found:
                return ends
            joint = " AND " if every else " OR "
            found = [one for one in found if one != drops]
            if not found:
                return drops
            return found[0] if len(found) == 1 else "(" + joint.join(found) + ")"
        case Comparison():
            return _test(node, wanted, made)


def _flat(node: AllOf | AnyOf, parts: Sequence[Node]) -> Iterator[Node]:
    """The parts of a condition, and those of conditions of the same kind among them."""
    for part in parts:
        if isinstance(part, AllOf | AnyOf) and type(part) is type(node):
            yield from _flat(node, part.parts)
        else:
            yield part


def _test(test: Comparison, wanted: bool, made: RuleSearch) -> str:
    """One test, or its opposite."""
    if is_time(test.field):
        return _of_time(test, wanted)
    reading = reading_of(test.field, as_json=test.operator in _WITH_JSON)
    column = made.column(test.field, reading)
    if test.operator == "exists":
        return f"{'isnotnull' if wanted else 'isnull'}({column})"
    if reading.listed:
        return _of_list(test, column, wanted)
    if test.operator in ORDERINGS and test.field.name != "ka.response.code":
        raise ContentError(f"{test.field} is text, which podhawk does not order by {test.operator}")
    plain = not test.field.through and test.other is None
    if plain and (test.operator == "=" or (test.operator in ("in", "intersects") and len(test.values) == 1)):
        value = text(test.values[0])
        return f"{column}={value}" if wanted else f"(isnull({column}) OR {column}!={value})"
    if plain and test.operator == "!=":
        value = text(test.values[0])
        return f"{column}!={value}" if wanted else f"(isnull({column}) OR {column}={value})"
    found = _compared(test, _through(test.field, column), made)
    return found if wanted else f"(isnull({column}) OR NOT {found})"


def _of_time(test: Comparison, wanted: bool) -> str:
    if test.operator == "exists":
        return ALWAYS if wanted else NEVER
    if test.operator == "=" and test.values == ("0",):
        return NEVER if wanted else ALWAYS
    raise ContentError(f"{test.field} can only be tested with exists and =0")


def _of_list(test: Comparison, column: str, wanted: bool) -> str:
    if test.operator not in ("in", "intersects"):
        raise ContentError(f"{test.field} is a list, which {test.operator} does not compare")
    if test.other is not None:
        raise ContentError(f"{test.field} cannot be compared with the field {test.other}")
    if not test.values:
        return NEVER if wanted else ALWAYS
    inside = f"in({_through(test.field, column)}, {', '.join(map(text, test.values))})"
    if test.operator == "intersects":
        return f"{'isnotnull' if wanted else 'isnull'}(mvfilter({inside}))"
    others = f"mvfilter(NOT {inside})"
    if wanted:
        return f"(isnotnull({column}) AND isnull({others}))"
    return f"(isnull({column}) OR isnotnull({others}))"


def _through(of: FalcoField, column: str) -> str:
    """A column through the transformers of a field."""
    for one in reversed(of.through):
        match one:
            case "tolower":
                column = f"lower({column})"
            case "toupper":
                column = f"upper({column})"
            case "basename":
                column = f'replace({column}, "^.*/", "")'
            case "val":
                pass
            case _:
                raise ContentError(f"the transformer {one}() is not supported")
    return column


def _compared(test: Comparison, value: str, made: RuleSearch) -> str:
    """A test of text that is there."""
    operator = test.operator
    if test.other is not None:
        other = reading_of(test.other)
        if operator not in ("=", "!=") or other.listed:
            raise ContentError(f"{test.field} cannot be compared with the field {test.other} by {operator}")
        return f"{value}{operator}{_through(test.other, made.column(test.other, other))}"
    wanted = test.values[0] if test.values else ""
    match operator:
        case "=" | "!=" | "<" | "<=" | ">" | ">=":
            return f"{value}{operator}{text(wanted)}"
        case "in" | "intersects":
            return f"in({value}, {', '.join(map(text, test.values))})" if test.values else NEVER
        case "startswith":
            return f"substr({value}, 1, {len(wanted)})={text(wanted)}" if wanted else ALWAYS
        case "pmatch" if not test.values:
            return NEVER
        case _:
            return f"match({value}, {text(_pattern(operator, test.values))})"


def _pattern(operator: str, values: Sequence[str]) -> str:
    """The regular expression of an operator that needs one."""
    wanted = pattern_of(values[0])
    match operator:
        case "endswith":
            return wanted + r"\z"
        case "contains":
            return wanted
        case "icontains":
            return "(?i)" + wanted
        case "glob":
            return _glob(values[0])
        case "iglob":
            return "(?i)" + _glob(values[0])
        case "regex":
            return rf"\A(?:{values[0]})\z"
        case "pmatch":
            paths = "|".join(pattern_of(one.rstrip("/")) for one in values)
            return rf"\A(?:{paths})(?:/|\z)"
        case _:
            raise ContentError(f"the operator {operator} is not supported")


def _glob(glob: str) -> str:
    parts, end = [], 0
    for found in _GLOB.finditer(glob):
        parts += [pattern_of(glob[end : found.start()]), {"*": ".*", "?": "."}.get(found[0], found[0])]
        end = found.end()
    return r"(?s)\A" + "".join((*parts, pattern_of(glob[end:]))) + r"\z"


def _top(parts: Iterable[str]) -> Sequence[str]:
    return list(dict.fromkeys(parts))


def _clause(node: Node, wanted: bool = True) -> list[str]:
    """Clauses that every event fulfils for which the condition (`wanted`) or its opposite is true."""
    match node:
        case Negation(part=part):
            return _clause(part, not wanted)
        case Comparison():
            found = _clause_of(node, wanted)
            return [found] if found else []
        case AllOf(parts=parts) | AnyOf(parts=parts):
            alternatives = [_clause(part, wanted) for part in parts]
            if isinstance(node, AllOf) == wanted:
                return [one for part in alternatives for one in part]
            if not all(alternatives):
                return []
            joined = list(dict.fromkeys(_together(part) for part in alternatives))
            return joined if len(joined) == 1 else [f"({' OR '.join(joined)})"]


def _together(clauses: Iterable[str]) -> str:
    found = _top(clauses)
    return found[0] if len(found) == 1 else f"({' '.join(found)})"


def _clause_of(test: Comparison, wanted: bool) -> str:
    if is_time(test.field):
        return ""
    reading = reading_of(test.field, as_json=test.operator in _WITH_JSON)
    if not wanted:
        return f"NOT {reading.path}=*" if test.operator == "exists" and reading.path else ""
    if not reading.path or test.field.through or test.other is not None:
        return reading.clause
    path, values = reading.path, [_escaped(one) for one in test.values]
    match test.operator:
        case "=":
            return f'{path}="{values[0]}"'
        case "in" | "intersects" if values:
            return f'{path}="{values[0]}"' if len(values) == 1 else f"{path} IN ({', '.join(map(_named, values))})"
        case "startswith":
            return f'{path}="{values[0]}*"'
        case "endswith":
            return f'{path}="*{values[0]}"'
        case "contains" | "icontains":
            return f'{path}="*{values[0]}*"'
        case _:
            return reading.clause


def _named(value: str) -> str:
    return f'"{value}"'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
