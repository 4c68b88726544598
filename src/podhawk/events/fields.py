"""Fields out of JSON, by Splunk's rules for JSON events.

An object step adds `.name`, an array step adds `{}`: `user.groups{}`, `items{}.metadata.name`. A key
is never split, whatever dots it has, so `annotations` → `authorization.k8s.io/decision` is the field
`annotations.authorization.k8s.io/decision`. All values are text; a field met more than once is
multivalue, in document order. What Splunk's documentation leaves open is a switch of `FlattenRules`.

`flatten` gives everything. `pick` gives the named fields only and visits only what can lead to them: a
name is cut at every point where a key might end, and the walk goes on where its path is one of the cuts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from podhawk.events.decode import JsonNumber
from podhawk.events.event import BODIES, View
from podhawk.events.salvage import salvage
from podhawk.rows import Value


class FlattenRules(Struct, frozen=True):
    """How JSON becomes fields where Splunk's documentation does not say; the defaults are what it is known to do.

    null_as_text: JSON null is the value `null` (else no field).
    empty_string_is_value: `""` is an empty value (else no field).
    empty_container_is_value: `{}` and `[]` give an empty value (else no field).
    numbers_keep_spelling: `1.0` and `1e3` stay as written (else `1` and `1000`).
    booleans_as_words: `true`/`false` (else `1`/`0`).
    keep_duplicates: a value met twice under one name is kept twice.
    nested_array_braces: an array in an array is `a{}{}` (else `a{}`).
    extraction_cutoff: only the first so many characters of the event are looked at; 0 is no limit. Splunk's
        `[spath] extraction_cutoff` is 5000, which does not apply to events indexed as `_json`.
    """

    null_as_text: bool = True
    empty_string_is_value: bool = True
    empty_container_is_value: bool = False
    numbers_keep_spelling: bool = True
    booleans_as_words: bool = True
    keep_duplicates: bool = True
    nested_array_braces: bool = True
    extraction_cutoff: int = 0


JSON_SWITCHES: Final = FlattenRules()


def head_of(name: str) -> str:
    """The top-level member that a field belongs to."""
    return name.partition(".")[0].partition("{")[0]


def of_body(name: str) -> bool:
    """Whether a field belongs to a request or response body."""
    return head_of(name) in BODIES


def flatten(data: Mapping[str, Any], rules: FlattenRules = JSON_SWITCHES) -> list[tuple[str, str]]:
    """Every (field name, text) pair, in document order; a name occurs once per value."""
    pairs: list[tuple[str, str]] = []
    _walk(data, None, pairs, rules, None)
    return pairs


def fields_of(view: View, rules: FlattenRules = JSON_SWITCHES) -> dict[str, Value]:
    """The view's fields in order of first appearance, then indexed fields, then aliases."""
    fields = _grouped(flatten(_data(view, rules), rules), rules)
    for name, value in view.indexed.items():
        fields.setdefault(name, value)
    for alias, target in view.aliases.items():
        if target in fields and alias not in fields:
            fields[alias] = fields[target]
    return fields


def pick(view: View, names: Iterable[str], rules: FlattenRules = JSON_SWITCHES) -> dict[str, Value]:
    """Those of the named fields that the view has, with the values that `fields_of` gives."""
    wanted = frozenset(names)
    aliases = {alias: target for alias, target in view.aliases.items() if alias in wanted}
    sought = wanted | frozenset(aliases.values()) if aliases else wanted
    pairs: list[tuple[str, str]] = []
    _walk(_data(view, rules), None, pairs, rules, (sought, _cuts(sought)))
    fields = _grouped(pairs, rules)
    for name, value in view.indexed.items():
        if name in wanted:
            fields.setdefault(name, value)
    for alias, target in aliases.items():
        if target in fields and alias not in fields:
            fields[alias] = fields[target]
    return {name: value for name, value in fields.items() if name in wanted} if aliases else fields


def _data(view: View, rules: FlattenRules) -> Mapping[str, Any]:
    if rules.extraction_cutoff and len(view.raw) > rules.extraction_cutoff:
        return salvage(view.raw[: rules.extraction_cutoff]).members
    return view.data


@lru_cache(maxsize=512)
def _cuts(names: frozenset[str]) -> frozenset[str]:
    """Every beginning of a name that may be the path of an inner object or array."""
    found = set()
    for name in names:
        for place, character in enumerate(name):
            if character == ".":
                found.add(name[:place])
            elif character == "{" and name.startswith("{}", place):
                found.add(name[:place])
                found.add(name[: place + 2])
    return frozenset(found)


_Only = tuple[frozenset[str], frozenset[str]]


def _walk(node: Any, path: str | None, out: list[tuple[str, str]], rules: FlattenRules, only: _Only | None) -> None:
    if isinstance(node, Mapping):
        for key, value in node.items():
            name = key if path is None else f"{path}.{key}"
            kind = type(value)
            if kind is str:
                if (only is None or name in only[0]) and (value or rules.empty_string_is_value):
                    out.append((name, value))
            elif kind is dict or kind is list:
                _enter(value, name, out, rules, only)
            elif only is None or name in only[0]:
                _scalar(value, name, out, rules)
        return
    path = path or ""
    inner = path + "{}" if rules.nested_array_braces or not path.endswith("{}") else path
    wanted = only is None or inner in only[0]
    for value in node:
        if isinstance(value, (dict, list)):
            _enter(value, inner, out, rules, only)
        elif wanted:
            _scalar(value, inner, out, rules)


def _enter(node: Any, name: str, out: list[tuple[str, str]], rules: FlattenRules, only: _Only | None) -> None:
    if node:
        if only is None or name in only[1]:
            _walk(node, name, out, rules, only)
    elif rules.empty_container_is_value:
        full = name if isinstance(node, dict) else name + "{}"
        if only is None or full in only[0]:
            out.append((full, ""))


def _scalar(value: Any, name: str, out: list[tuple[str, str]], rules: FlattenRules) -> None:
    if isinstance(value, JsonNumber):
        out.append((name, str(value) if rules.numbers_keep_spelling else _plain(value)))
    elif isinstance(value, str):
        if value or rules.empty_string_is_value:
            out.append((name, value))
    elif value is None:
        if rules.null_as_text:
            out.append((name, "null"))
    elif value is True:
        out.append((name, "true" if rules.booleans_as_words else "1"))
    elif value is False:
        out.append((name, "false" if rules.booleans_as_words else "0"))
    else:  # a number that did not come from JSON text
        out.append((name, str(value)))


def _plain(number: JsonNumber) -> str:
    try:
        value = float(number)
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    except (ValueError, OverflowError):
        return str(number)


def _grouped(pairs: list[tuple[str, str]], rules: FlattenRules) -> dict[str, Value]:
    single: dict[str, Value] = {}
    many: dict[str, list[str]] = {}
    for name, text in pairs:
        if name not in single:
            single[name] = text
        elif name in many:
            many[name].append(text)
        else:
            many[name] = [single[name], text]  # type: ignore[list-item]
    for name, values in many.items():
        kept = values if rules.keep_duplicates else list(dict.fromkeys(values))
        single[name] = tuple(kept) if len(kept) > 1 else kept[0]
    return single
