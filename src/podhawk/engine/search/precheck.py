"""A first look at a decoded line, before anything else is made of it.

Most lines that the sieve lets through still match no search. Here a line is decoded once, without spelling its
numbers out, and the searches that may want it read just the fields that their first clause asks for,
straight from the decoded object and only when they ask. Only a line that some search wants is then made
into an audit event.

What this look cannot decide exactly (a zero that may have been written -0, a name that can be reached in
several ways) raises `Unsure`, and the line is taken the long way, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from podhawk.events.event import AUDIT_KEYS, View
from podhawk.events.fields import FlattenRules, pick

if TYPE_CHECKING:
    from podhawk.engine.search.compiled import ScanJob

Value = str | tuple[str, ...] | None
Reader = Callable[[dict[str, Any]], Value]


class Unsure(Exception):
    """The quick look cannot tell; the long way can."""


def text_of(value: Any) -> str:
    """A scalar as a field's text."""
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


def _folded(values: list[Any]) -> Value:
    found = []
    for value in values:
        if value.__class__ in (dict, list):
            continue
        found.append(text_of(value))
    return None if not found else found[0] if len(found) == 1 else tuple(found)


def reader_of(name: str) -> Reader:
    """How to read a field by its flattened name from a plain audit event (which has no other top-level keys)."""
    head, dot, rest = name.partition(".")
    if not dot and head.endswith("{}") and head[:-2] in AUDIT_KEYS:
        return _list_reader(head[:-2])
    if not dot:
        return _scalar_reader(head)
    if head in AUDIT_KEYS and "." not in rest and "{}" not in rest.removesuffix("{}"):
        return _inner_reader(head, rest.removesuffix("{}"), rest.endswith("{}"))
    return _walking_reader(name, head.removesuffix("{}"))


def _scalar_reader(key: str) -> Reader:
    def read(data: dict[str, Any]) -> Value:
        value = data.get(key, data)
        return None if value is data or value.__class__ in (dict, list) else text_of(value)

    return read


def _list_reader(key: str) -> Reader:
    def read(data: dict[str, Any]) -> Value:
        value = data.get(key)
        if value.__class__ is str:
            raise Unsure
        return _folded(value) if value.__class__ is list and value else None

    return read


def _inner_reader(outer: str, key: str, listed: bool) -> Reader:
    def read(data: dict[str, Any]) -> Value:
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
    """Shippers rename and nest the keys of annotations, which the long way undoes."""
    if annotations.__class__ is not dict or any(
        "_" in key or value.__class__ is not str for key, value in annotations.items()
    ):
        raise Unsure


def _walking_reader(name: str, head: str) -> Reader:
    """Names that may be reached in several ways (keys with dots) are looked up as the long way does."""
    rules = FlattenRules()
    names = (name,)

    def read(data: dict[str, Any]) -> Value:
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
    """A decoded line as the row that a generated predicate reads: fields are fetched when asked for."""

    __slots__ = ("data", "fixed", "known", "readers")

    def __init__(self, readers: dict[str, Reader], fixed: dict[str, str]) -> None:
        self.readers = readers
        self.fixed = fixed
        self.data: dict[str, Any] = {}
        self.known: dict[str, Value] = {}

    def get(self, name: str) -> Value:
        known = self.known
        if name in known:
            return known[name]
        value = known[name] = self.fixed[name] if name in self.fixed else self.readers[name](self.data)
        return value

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Any:
        return (name for name in self.readers if self.get(name) is not None)


def _able(job: ScanJob) -> bool:
    """Whether a search's first clause can be decided from the decoded members alone."""
    fields = job.probe_fields
    return fields is not None and not fields & {"_raw", "_time"} and job.rules == FlattenRules()


class Precheck:
    """The first look for a set of searches."""

    def __init__(self, jobs: Sequence[ScanJob], fixed: dict[str, str]) -> None:
        self.jobs = jobs
        names = {name for job in jobs for name in job.probe_fields or ()}
        self.probe = Probe({name: reader_of(name) for name in names}, fixed)
        self.blind = frozenset(number for number, job in enumerate(jobs) if not _able(job))

    def narrow(self, data: dict[str, Any], numbers: frozenset[int]) -> frozenset[int]:
        """Those of the searches that want the event; all of them where only the slow path can tell. Counts the event
        for those that do not want it: the others will be offered it."""
        probe = self.probe
        probe.data = data
        probe.known = {}
        refused = []
        try:
            for number in numbers:
                if number in self.blind:
                    continue
                job = self.jobs[number]
                job.see(probe)  # type: ignore[arg-type]
                if not job.test(probe):  # type: ignore[arg-type]
                    refused.append(number)
        except Unsure:
            return numbers
        for number in refused:
            job = self.jobs[number]
            job.observed.offered += 1
            job.observed.selected += job.selects_native
        return numbers.difference(refused)
