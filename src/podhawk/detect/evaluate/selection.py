"""Which searches want an event that is at hand, such as one that a state keeps.

A scan decides that for lines. An increment asks it of every kept event that it looks at again, so that asking each of
a hundred searches would cost more than all the rest. Most clauses require fields to equal one of some texts (see
`podhawk.engine.fastpath.clause_index`), and a look at these leaves a few searches to ask.
"""

from __future__ import annotations

from collections.abc import Container, Sequence, Set
from typing import Any

from podhawk.detect.evaluate.evaluation import Evaluation
from podhawk.detect.increment.evidence import SEARCHES, Notes
from podhawk.engine.fastpath.clause_index import equals
from podhawk.events.event import AuditEvent, View
from podhawk.functions import patterns


class SearchSelection:
    """The searches of a run, by the events that they want."""

    def __init__(self, evaluations: Sequence[Evaluation]) -> None:
        self._evaluations = evaluations
        # Where field names are read in any case, a value may stand under another name.
        self._equal = [
            () if one.search.probe_fields is None else tuple(equals(one.search.clause)) for one in evaluations
        ]
        self._native: dict[tuple[str, str, str, str], frozenset[int]] = {}

    def of(self, event: AuditEvent, among: Container[int] | None = None, notes: Notes | None = None) -> list[int]:
        """The numbers of the searches that want an event; with `among` those of some, which are always the same. The
        answer stays in `notes`, if there are any."""
        if notes is None:
            return self._of(event, among)
        key = SEARCHES, among is None
        found: list[int] | None = notes.get(key)
        if found is None:
            every = notes.get((SEARCHES, True))
            chosen = None if among is None or every is None else [number for number in every if number in among]
            found = notes[key] = self._of(event, among) if chosen is None else chosen
        return found

    def _of(self, event: AuditEvent, among: Container[int] | None) -> list[int]:
        native = self._selecting(event)
        values = _Values(event.view)
        return [
            number
            for number, (one, equal) in enumerate(zip(self._evaluations, self._equal, strict=True))
            if (among is None or number in among)
            and (number not in native or all(values.may_be(*each) for each in equal))
            and one.wants(event)
        ]

    def _selecting(self, event: AuditEvent) -> frozenset[int]:
        """The searches that see the event itself, and not what carried it."""
        view = event.view
        key = (view.source, view.sourcetype, view.host, view.index)
        known = self._native.get(key)
        if known is None:
            every = enumerate(self._evaluations)
            known = self._native[key] = frozenset(number for number, one in every if one.search.selects(view))
        return known


class _Values:
    """The values of an event by the names of fields."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._known: dict[str, str | None] = {}

    def may_be(self, name: str, texts: Set[str]) -> bool:
        """Whether a field may be one of some texts, which are case-folded."""
        if name not in self._known:
            self._known[name] = self._text(name)
        value = self._known[name]
        return value is None or value in texts

    def _text(self, name: str) -> str | None:
        """The value, case-folded; "" where there is none; None where more than the name must be looked at."""
        view = self._view
        if name in view.aliases or name in view.indexed or not name.replace(".", "").isalnum():
            return None
        value: Any = view.data
        for part in name.split("."):
            if type(value) is not dict or any("." in key for key in value):
                return None
            if part not in value:
                return ""
            value = value[part]
        return patterns.fold(value) if type(value) is str else None
