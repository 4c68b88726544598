"""A look at a decoded line before an event is made of it.

Most lines that the prefilter selects still match no search. The precheck gets a line that was decoded once, with plain
numbers, and reads just the fields that the first clauses ask for, straight from the decoded object and only when a
clause asks. Only a line that some search wants is then made into an audit event.

What cannot be decided exactly here (a zero that may have been written -0, a name that can be reached in several ways)
raises `Unsure`, and the line goes to all the searches in question, on the slow path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from podhawk.engine.search.collectors import Collector
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.engine.search.offer import note_present
from podhawk.events.event import AUDIT_KEYS, View
from podhawk.events.fields import FlattenRules, pick

FieldText = str | tuple[str, ...] | None
FieldReader = Callable[[dict[str, Any]], FieldText]


class Unsure(Exception):
    """Only the slow path can tell."""


def text_of(value: Any) -> str:
    """A scalar as the text of a field."""
    kind = value.__class__
    if kind is str:
        return str(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        if value == 0:
            raise Unsure
        return str(value)
    return str(value)


def _folded(values: list[Any]) -> FieldText:
    found = []
    for value in values:
        if value.__class__ in (dict, list):
            continue
        found.append(text_of(value))
    return None if not found else found[0] if len(found) == 1 else tuple(found)


def reader_of(name: str) -> FieldReader:
    """Code that reads a field by its flattened name from an audit event without members of other kinds."""
    head, dot, rest = name.partition(".")
    if head.endswith("{}") and not dot and "{}" not in head[:-2]:
        return _list_reader(head[:-2])
    if not dot:
        return _scalar_reader(head)
    if head in AUDIT_KEYS and "." not in rest and "{}" not in rest.removesuffix("{}"):
        return _inner_reader(head, rest.removesuffix("{}"), rest.endswith("{}"))
    return _walking_reader(name, head.removesuffix("{}"))


def _scalar_reader(key: str) -> FieldReader:
    def read(data: dict[str, Any]) -> FieldText:
        value = data.get(key, data)
        return None if value is data or value.__class__ in (dict, list) else text_of(value)

    return read


def _list_reader(key: str) -> FieldReader:
    def read(data: dict[str, Any]) -> FieldText:
        value = data.get(key)
        if value.__class__ is str:
            raise Unsure
        return _folded(value) if value.__class__ is list and value else None

    return read


def _inner_reader(outer: str, key: str, listed: bool) -> FieldReader:
    def read(data: dict[str, Any]) -> FieldText:
        inner = data.get(outer)
        if inner.__class__ is not dict or not inner:
            if inner.__class__ is str:
                raise Unsure
            return None
        if outer == "annotations":
            _check_annotations(inner)
        value = inner.get(key, inner)
        if listed:
            return _folded(value) if value.__class__ is list and value else None
        return None if value is inner or value.__class__ in (dict, list) else text_of(value)

    return read


def _check_annotations(annotations: Any) -> None:
    """Raise `Unsure` where a shipper may have renamed or nested the keys: the slow path undoes that."""
    if annotations.__class__ is not dict or any(
        "_" in key or value.__class__ is not str for key, value in annotations.items()
    ):
        raise Unsure


def _walking_reader(name: str, head: str) -> FieldReader:
    """Code for a name that can be reached in several ways (keys with dots): it is looked up as on the slow path."""
    rules = FlattenRules()
    names = (name,)

    def read(data: dict[str, Any]) -> FieldText:
        inner = data.get(head)
        if inner is None:
            return None
        if inner.__class__ is str:
            raise Unsure
        if head == "annotations":
            # Annotations are texts under flat keys, so the rest of the name is the key.
            _check_annotations(inner)
            found = inner.get(name[len("annotations.") :])
            return None if found is None else str(found)
        view = View(data, "", "", "", "", "", {}, {})
        value = pick(view, names, rules).get(name)
        if value == "0" or (isinstance(value, tuple) and "0" in value):
            raise Unsure
        return value  # type: ignore[return-value]

    return read


class Probe:
    """A decoded line as the row that a predicate reads: a field is read when it is asked for."""

    __slots__ = ("data", "fixed", "known", "readers")

    def __init__(self, readers: dict[str, FieldReader], fixed: dict[str, str]) -> None:
        self.readers = readers
        self.fixed = fixed
        self.data: dict[str, Any] = {}
        self.known: dict[str, FieldText] = {}

    def get(self, name: str) -> FieldText:
        known = self.known
        if name in known:
            return known[name]
        value = known[name] = self.fixed[name] if name in self.fixed else self.readers[name](self.data)
        return value

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.readers if self.get(name) is not None)


def _able(search: CompiledSearch) -> bool:
    """Whether the first clause of a search can be decided from the decoded members alone."""
    fields = search.probe_fields
    return fields is not None and not fields & {"_raw", "_time"} and search.rules == FlattenRules()


class Precheck:
    """The first clauses of a set of searches, asked about decoded lines. `fixed` are the fields that are the same for
    all events."""

    def __init__(self, collectors: Sequence[Collector], fixed: dict[str, str]) -> None:
        self._collectors = collectors
        names = {name for collector in collectors for name in collector.search.probe_fields or ()}
        self._probe = Probe({name: reader_of(name) for name in names}, fixed)
        self._unable = frozenset(number for number, collector in enumerate(collectors) if not _able(collector.search))

    def narrow(self, data: dict[str, Any], searches: frozenset[int]) -> frozenset[int]:
        """Those of the searches that may want the event. Counts the event for the others, to which it is not
        offered."""
        probe: Any = self._probe
        probe.data = data
        probe.known = {}
        refused = []
        try:
            for number in searches:
                if number in self._unable:
                    continue
                collector = self._collectors[number]
                note_present(collector, probe)
                if not collector.search.predicate(probe):
                    refused.append(number)
        except Unsure:
            return searches
        for number in refused:
            collector = self._collectors[number]
            collector.stats.offered += 1
            collector.stats.selected += collector.search.selects_native
        return searches.difference(refused)
