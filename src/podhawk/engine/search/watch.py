"""What the prefilter would hide: events that a search could not be decided on, and fields that it expects.

A line without a body cannot match a search for something in the body, so the prefilter passes over it. That is right
for the result, and wrong for what is said about it: if the body was never logged, the search is not silent but blind.
So the prefilter also looks for the lines that a search might match if their bodies were known (`relaxed`), and for the
names of fields that no audit event has by itself. Of these lines the first that answers the question is enough.

Nearly all such lines in a log with bodies have one. They are told by their text, without decoding them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from podhawk.engine.prefilter.literals import LineLiteral, LiteralGroups, groups_of
from podhawk.engine.search.collectors import Collector
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.engine.search.offer import note_present
from podhawk.engine.search.rows import row_of
from podhawk.events.audit_fields import WRITES, is_audit_field, unknown_in
from podhawk.events.candidates import Searches
from podhawk.events.event import AuditEvent
from podhawk.events.fields import of_body
from podhawk.rows import OrderKey
from podhawk.spl.clause import EVERYTHING, And, Clause, Compare, In, Not, Or, Term, walk

Watched = tuple[LiteralGroups, int]
"""The literals of lines to look at, and the number of the search on whose behalf."""

_BODY: Final = {
    "requestObject": re.compile(rb'"requestObject" ?: ?[{\[]'),
    "responseObject": re.compile(rb'"responseObject" ?: ?[{\[]'),
}
_PLAIN: Final = b'{"kind":"Event",'
_RECEIVED: Final = re.compile(
    rb'\{"kind":"Event","apiVersion":"[^"]*","level":"Request(?:Response)?","auditID":"[^"]*","stage":"RequestReceived"'
)
_LITERAL_RUN: Final = re.compile(r"[ !#-%'-.0-;=?-\[\]-~]+")
_ENDS: Final[LiteralGroups] = (frozenset({LineLiteral("ResponseComplete", True, True)}),)
"""The events that have both bodies, if any event has."""
_PLACEHOLDER: Final[LiteralGroups] = (frozenset({LineLiteral("skipped-too-big-size-object")}),)
"""What AKS puts in place of a large body. Source: https://learn.microsoft.com/azure/aks/monitor-aks-reference"""


def relaxed(clause: Clause) -> Clause:
    """The clause with all that it says of bodies taken out: what matches it might match the clause, if its bodies were
    known."""
    match clause:
        case And(parts=parts):
            kept = tuple(one for one in map(relaxed, parts) if one is not EVERYTHING)
            return EVERYTHING if not kept else kept[0] if len(kept) == 1 else And(kept)
        case Or(parts=parts):
            sides = tuple(map(relaxed, parts))
            return EVERYTHING if any(one is EVERYTHING for one in sides) else Or(sides)
        case Not(part=part):
            return EVERYTHING if any(of_body(getattr(one, "name", "")) for one in walk(part)) else clause
        case Compare(name=name) | In(name=name) if of_body(name):
            return EVERYTHING
        case Term():
            return EVERYTHING  # a word may stand in what a provider cut
        case _:
            return clause


def watched_by(number: int, search: CompiledSearch) -> Iterator[Watched]:
    """What is to be looked for on behalf of a search."""
    if not search.selects_native:
        return  # the prefilter passes over none of the lines that it could select
    if search.bodies:
        clause = relaxed(search.clause)
        if search.bodies == {"requestObject"}:
            clause = And((clause, In("verb", tuple(sorted(WRITES)))))
        values = tuple(group for group in groups_of(clause) if not any(literal.key for literal in group))
        yield values or _ENDS, number
    if any(isinstance(part, Term) and part.text != "*" for part in walk(search.clause)):
        yield _PLACEHOLDER, number
    for name in sorted(search.expected):
        if not is_audit_field(name):
            yield _name_of(name), number


def _name_of(name: str) -> LiteralGroups:
    """The literal of a field's name: the last part of it, which is the key of a member."""
    last = name.replace("{}", "").rpartition(".")[2]
    run = max(_LITERAL_RUN.findall(last), key=len, default="")
    return (frozenset({LineLiteral(run, closes=last.endswith(run))}),) if run else _ENDS


class Watch:
    """Looks at lines on behalf of searches, until what is asked about each of them is answered. `watched` is what the
    prefilter looks for, each with the number of the search."""

    def __init__(self, collectors: Sequence[Collector], within: Callable[[float | None], bool]) -> None:
        self._collectors = collectors
        self._within = within
        self.watched = tuple(one for number, each in enumerate(collectors) for one in watched_by(number, each.search))
        self._open: set[int] = set()
        self.restart()

    def restart(self) -> None:
        """Ask again about all searches: their stats begin anew."""
        self._open = {number for _, number in self.watched}

    def wants(self, line: bytes, numbers: Searches) -> Searches:
        """Those of the searches on whose behalf a line must be decoded."""
        asked = self._open & numbers if numbers is not None else self._open
        if not asked or not line.startswith(_PLAIN) or line.count(b'"auditID"') != 1:
            return frozenset(asked)
        received = _RECEIVED.match(line) is not None  # the bodies stand in a later event
        return frozenset(number for number in asked if self._asks_of(number, line, received))

    def _asks_of(self, number: int, line: bytes, received: bool) -> bool:
        collector = self._collectors[number]
        if any(not is_audit_field(name) for name in collector.stats.unseen):
            return True
        return not received and not all(_BODY[body].search(line) for body in collector.search.bodies)

    def look(self, event: AuditEvent, numbers: Searches) -> None:
        """Look at an event of such a line."""
        if not self._within(event.time):
            return
        for number in sorted(numbers if numbers is not None else self._open):
            collector = self._collectors[number]
            search, stats = collector.search, collector.stats
            if search.selected_view(event) is not event.view:
                continue
            probe = row_of(event, event.view, search.probe_fields, OrderKey(), search.rules)
            note_present(collector, probe)
            unknown = unknown_in(event)
            if stats.passed_over is None and unknown is not None and search.undecided(probe, unknown):
                stats.passed_over = event.origin
            if stats.passed_over is not None or not search.bodies:
                strange = [name for name in stats.unseen if not is_audit_field(name)]
                if not strange:
                    self._open.discard(number)
