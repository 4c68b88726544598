"""JSON functions. They take and give JSON as text; text that is not JSON gives null.

A value goes in as JSON where a JSON function made it, and quoted where it is any other text: use json()
to put the JSON that a field holds inside another value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from podhawk.functions import numbers
from podhawk.functions.comparison import truth
from podhawk.functions.declare import Build, Env, Evaluator, EvalValue, Function, Volatility
from podhawk.functions.jsonpath import (
    MISSING,
    JsonText,
    Spelled,
    dump,
    find,
    holders,
    json_value,
    parse,
    steps,
)
from podhawk.functions.multivalue import collapse
from podhawk.spl.expression import Expression
from podhawk.spl.text import SearchText

SOURCE = "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/json-functions"
JsonEdit = Callable[[Any, str, Any], None]
"""What one pair of a path (or key) and a value does to a document."""


def _document(value: EvalValue) -> Any:
    return MISSING if value is None or isinstance(value, tuple) else parse(numbers.text(value))


def _written(document: Any) -> EvalValue:
    try:
        return JsonText(dump(document))
    except RecursionError:
        return None


def _native(found: Any) -> EvalValue:
    """A JSON value as an eval value: text unquoted, numbers as numbers, the rest as JSON text."""
    if isinstance(found, Spelled):
        number = numbers.number(str(found))
        return str(found) if number is None else number
    if isinstance(found, str):
        return str(found)
    if found is None:
        return None
    return ("true" if found else "false") if isinstance(found, bool) else _written(found)


def _paired(name: str, start: int, run: Callable[[list[EvalValue]], EvalValue]) -> Build:
    """A function whose arguments from `start` on are pairs; checked before the run."""

    def build(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
        if (len(arguments) - start) % 2:
            raise source.error(
                f"{name}() takes pairs of a name and a value; the last name has no value", arguments[-1].at
            )
        return lambda row: run([evaluator(row) for evaluator in compiled])

    return build


def _object(values: list[EvalValue]) -> EvalValue:
    made: dict[str, Any] = {}
    for key, value in zip(values[::2], values[1::2], strict=True):
        if key is None or isinstance(key, tuple):
            return None
        made[numbers.text(key)] = json_value(value)
    return _written(made)


def _changing(change: JsonEdit) -> Callable[[list[EvalValue]], EvalValue]:
    def run(values: list[EvalValue]) -> EvalValue:
        document = _document(values[0])
        if document is MISSING:
            return None
        for path, value in zip(values[1::2], values[2::2], strict=True):
            if path is None or isinstance(path, tuple):
                return None
            change(document, numbers.text(path), json_value(value))
        return _written(document)

    return run


def _set(document: Any, path: str, value: Any) -> None:
    for container, key in holders(document, steps(path) or (), create=True):
        container[key] = value


def _set_exact(document: Any, key: str, value: Any) -> None:
    if isinstance(document, dict):
        document[key] = value


def _arrays(document: Any, path: str) -> list[list[Any]]:
    way = steps(path) if path else ()
    return [found for found in find(document, way) if isinstance(found, list)] if way is not None else []


def _as_arrays(document: Any, path: str) -> list[list[Any]]:
    """As `_arrays`; a value at the path that is no array becomes an array of that value first."""
    way = steps(path) if path else ()
    for container, key in holders(document, way) if way else ():
        if not isinstance(container[key], list):
            container[key] = [container[key]]
    return _arrays(document, path)


def _append(document: Any, path: str, value: Any) -> None:
    for array in _as_arrays(document, path):
        array.append(value)


def _extend(document: Any, path: str, value: Any) -> None:
    for array in _as_arrays(document, path):
        array.extend(list(value) if isinstance(value, list) else [value])


def _json(value: EvalValue) -> EvalValue:
    return None if _document(value) is MISSING else JsonText(numbers.text(value))


def _array_to_mv(value: EvalValue, quoted: EvalValue = False) -> EvalValue:
    document = _document(value)
    if not isinstance(document, list):
        return None
    keep = truth(quoted) is True
    return collapse([str(item) if isinstance(item, str) and not keep else dump(item) for item in document])


def _delete(value: EvalValue, *names: EvalValue) -> EvalValue:
    document = _document(value)
    if document is MISSING:
        return None
    for name in names:
        if isinstance(name, tuple):
            return None
        text = numbers.text(name)
        if isinstance(document, dict) and text in document:
            del document[text]
            continue
        for container, key in reversed(holders(document, steps(text) or ())):
            del container[key]
    return _written(document)


def _entries(value: EvalValue) -> EvalValue:
    document = _document(value)
    if isinstance(document, dict):
        return _written([{"key": key, "value": item} for key, item in document.items()])
    if isinstance(document, list):
        return _written([{"key": Spelled(index), "value": item} for index, item in enumerate(document)])
    return None


def _extract(value: EvalValue, *paths: EvalValue) -> EvalValue:
    document = _document(value)
    if document is MISSING:
        return None
    if not paths:
        return _native(document)
    answers: list[Any] = []
    for path in paths:
        way = None if isinstance(path, tuple) else steps(numbers.text(path))
        if way == (None,) and not isinstance(document, list):
            answers.append(document)  # `{}` means the whole document, if that is no array
            continue
        found = find(document, way) if way is not None else []
        if way is not None and None in way and found:
            answers.append(found)
        else:
            answers.append(found[0] if found else None)
    return _native(answers[0]) if len(paths) == 1 else _written(answers)


def _extract_exact(value: EvalValue, *keys: EvalValue) -> EvalValue:
    document = _document(value)
    if document is MISSING:
        return None
    if not keys:
        return _native(document)
    found = [
        document.get(numbers.text(key)) if isinstance(document, dict) and not isinstance(key, tuple) else None
        for key in keys
    ]
    return _native(found[0]) if len(keys) == 1 else _written(found)


def _has_key(value: EvalValue, key: EvalValue) -> EvalValue:
    document = _document(value)
    return isinstance(document, dict) and not isinstance(key, tuple) and numbers.text(key) in document


def _keys(value: EvalValue) -> EvalValue:
    document = _document(value)
    return _written(list(document)) if isinstance(document, dict) else None


def _array(*values: EvalValue) -> EvalValue:
    return _written([json_value(value) for value in values])


_DOC = r'"{\"a\":1,\"b\":[2]}"'

FAMILY: tuple[Function, ...] = (
    Function(
        "json",
        1,
        1,
        "The text, marked as JSON, if it is valid JSON; else null.",
        (f"json({_DOC})", '{"a":1,"b":[2]}'),
        run=_json,
        returns="string",
        source=SOURCE,
    ),
    Function(
        "json_object",
        0,
        None,
        "A JSON object from pairs of a key and a value.",
        ('json_object("verb", "get", "code", 200)', '{"verb":"get","code":200}'),
        build=_paired("json_object", 0, _object),
        returns="string",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "json_array",
        0,
        None,
        "A JSON array of the arguments.",
        ('json_array("a", 1, null())', '["a",1,null]'),
        run=_array,
        returns="string",
        takes_null=True,
        source=SOURCE,
    ),
    Function(
        "json_array_to_mv",
        1,
        2,
        "The elements of a JSON array as a multivalue. With true() as the second argument, texts keep their quotes.",
        (r'json_array_to_mv("[\"a\",1]")', ["a", "1"]),
        run=_array_to_mv,
        returns="multivalue",
        source=SOURCE,
    ),
    Function(
        "json_append",
        1,
        None,
        "Appends values to the arrays at the given paths of a JSON value. Each value becomes one element. A value at a "
        "path that is no array becomes the first element of one.",
        (f'json_append({_DOC}, "b", 3)', '{"a":1,"b":[2,3]}'),
        build=_paired("json_append", 1, _changing(_append)),
        returns="string",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "json_extend",
        1,
        None,
        "Appends values to the arrays at the given paths of a JSON value. A value that is an array "
        "adds each of its elements.",
        (f'json_extend({_DOC}, "b", json_array(3, 4))', '{"a":1,"b":[2,3,4]}'),
        build=_paired("json_extend", 1, _changing(_extend)),
        returns="string",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "json_set",
        1,
        None,
        "Sets values at the given paths of a JSON value. Missing objects on a path are created.",
        (f'json_set({_DOC}, "c.d", "x")', '{"a":1,"b":[2],"c":{"d":"x"}}'),
        build=_paired("json_set", 1, _changing(_set)),
        returns="string",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "json_set_exact",
        1,
        None,
        "Sets keys of a JSON object to values. Dots and braces in a key are taken literally.",
        (f'json_set_exact({_DOC}, "c.d", 2)', '{"a":1,"b":[2],"c.d":2}'),
        build=_paired("json_set_exact", 1, _changing(_set_exact)),
        returns="string",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "json_delete",
        2,
        None,
        "Removes the given keys, or the values at the given paths, from a JSON value.",
        (f'json_delete({_DOC}, "a")', '{"b":[2]}'),
        run=_delete,
        returns="string",
        source=SOURCE,
    ),
    Function(
        "json_entries",
        1,
        1,
        "The members of a JSON object, or the elements of a JSON array, as an array of objects with key and value.",
        (r'json_entries("{\"a\":1}")', '[{"key":"a","value":1}]'),
        run=_entries,
        returns="string",
        source=SOURCE,
    ),
    Function(
        "json_extract",
        1,
        None,
        "The value at a path: text without quotes, objects and arrays as JSON. A path with {} "
        "returns an array of all matches. Several paths return an array with one element per path.",
        (f'json_extract({_DOC}, "b{{0}}")', "2"),
        run=_extract,
        source=SOURCE,
    ),
    Function(
        "json_extract_exact",
        1,
        None,
        "The value of a top-level key. Dots and braces in the key are taken literally. Several keys return an array.",
        (r'json_extract_exact("{\"k8s.io/reason\":\"ok\"}", "k8s.io/reason")', "ok"),
        run=_extract_exact,
        source=SOURCE,
    ),
    Function(
        "json_has_key_exact",
        2,
        2,
        "Whether a JSON object has the given top-level key.",
        (f'if(json_has_key_exact({_DOC}, "a"), "yes", "no")', "yes"),
        run=_has_key,
        returns="boolean",
        source=SOURCE,
    ),
    Function(
        "json_keys",
        1,
        1,
        "The keys of a JSON object as a JSON array; null for anything else.",
        (f"json_keys({_DOC})", '["a","b"]'),
        run=_keys,
        returns="string",
        source=SOURCE,
    ),
    Function(
        "json_valid",
        1,
        1,
        "Whether the text is valid JSON.",
        ('if(json_valid("{"), "yes", "no")', "no"),
        run=lambda value: _document(value) is not MISSING,
        returns="boolean",
        source=SOURCE,
    ),
)
