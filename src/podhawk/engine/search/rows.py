"""Events to rows: the view that a search sees, and the fields that are taken from it."""

from __future__ import annotations

from functools import lru_cache

from podhawk.events.event import METADATA, AuditEvent, View
from podhawk.events.fields import FlattenRules, fields_of, pick
from podhawk.events.line_template import IDENTITY, LineTemplate
from podhawk.functions.declare import Env
from podhawk.functions.predicates import decide
from podhawk.rows import OrderKey, Row
from podhawk.spl.clause import Clause

_INTERNAL = frozenset({"_time", "_raw", *METADATA})


@lru_cache(maxsize=512)
def _flattened(names: frozenset[str]) -> frozenset[str]:
    return names - _INTERNAL


def metadata(view: View) -> Row:
    """The fields that an indexer sets on every event."""
    return Row({"index": view.index, "host": view.host, "source": view.source, "sourcetype": view.sourcetype})


def chooses(base: Clause, view: View, env: Env) -> bool:
    """Whether a view can match a base clause as far as its source, sourcetype, host and index tell."""
    return decide(base, metadata(view), lambda name: name not in METADATA, env) is not False


def rules_of(switches: frozenset[str]) -> FlattenRules:
    """How JSON becomes fields under the switches that are set."""
    return FlattenRules(
        null_as_text="json-null-absent" not in switches,
        empty_string_is_value="json-empty-text-absent" not in switches,
        empty_container_is_value="json-empty-container-value" in switches,
        numbers_keep_spelling="json-numbers-normalised" not in switches,
        booleans_as_words="json-booleans-as-digits" not in switches,
        keep_duplicates="json-duplicates-dropped" not in switches,
        nested_array_braces="json-nested-arrays-plain" not in switches,
        extraction_cutoff=5000 if "spath-cutoff" in switches else 0,
    )


def order_of(event: AuditEvent, place: tuple[int, ...]) -> OrderKey:
    """The order key of an event: newest first, then latest stage first, then by its place in the input."""
    return OrderKey(
        -(event.time or 0.0),
        -(event.stage_time or 0.0) if event.time is not None else 0.0,
        (*place, event.origin.line, event.origin.item),
    )


def row_of(event: AuditEvent, view: View, names: frozenset[str] | None, order: OrderKey, rules: FlattenRules) -> Row:
    """The row of an event in a view, with some of its fields (None: all of them)."""
    if event.template is not None and names is not None and view is event.view and not rules.extraction_cutoff:
        return _from_template(event, event.template, view, names, order, rules)
    return _made(event, view, names, order, rules)


def _from_template(
    event: AuditEvent, template: LineTemplate, view: View, names: frozenset[str], order: OrderKey, rules: FlattenRules
) -> Row:
    """The row, made from that of an event that differs only in its identity."""
    first: Row | None = template.known.get((names, rules))
    if first is None:
        first = template.known[names, rules] = _made(event, view, names, order, rules)
    if "_time" in names and (event.time is None) is ("_time" in first):
        return _made(event, view, names, order, rules)
    row = Row(first, order)
    for name in IDENTITY:
        if name in names:
            row[name] = view.data[name]
    if event.time is not None and "_time" in names:
        row["_time"] = int(event.time) if event.time == int(event.time) else event.time
    if "_raw" in names:
        row["_raw"] = view.raw
    return row


def _made(event: AuditEvent, view: View, names: frozenset[str] | None, order: OrderKey, rules: FlattenRules) -> Row:
    row = Row((), order)
    if event.time is not None and (names is None or "_time" in names):
        row["_time"] = int(event.time) if event.time == int(event.time) else event.time
    if names is None or "_raw" in names:
        row["_raw"] = view.raw
    for name, text in metadata(view).items():
        if names is None or name in names:
            row[name] = text
    found = fields_of(view, rules) if names is None else pick(view, _flattened(names), rules)
    for name, value in found.items():
        if name not in _INTERNAL:
            row[name] = value
    return row
