"""What the prefilter would hide: events that a search could not be decided on, and fields that it expects.

A line without a body cannot match a search for something in the body, so the prefilter passes over it. That is right
for the result, and wrong for what is said about it: if the body was never logged, the search is not silent but blind.
So the prefilter also looks for the lines that a search might match if their bodies were known (`relaxed`), and for the
names of fields that no audit event has by itself. Of these lines the first that answers the question is enough.

Nearly all such lines in a log with bodies have one. They are told by their text, without decoding them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from podhawk.engine.fastpath.clause_index import misses, required
from podhawk.engine.fastpath.decoded import make_row
from podhawk.engine.fastpath.decoder import NOT_OF_SHAPE, DecodedValues, Shape, reader
from podhawk.engine.fastpath.reader import clause_fields
from podhawk.engine.prefilter.choice import spellings
from podhawk.engine.prefilter.literals import LineLiteral, LiteralGroups, groups_of
from podhawk.engine.prefilter.prefilter import is_one_event
from podhawk.engine.search.collectors import Collector
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.engine.search.offer import note_present
from podhawk.engine.search.rows import row_of
from podhawk.events.audit_fields import WRITES, is_audit_field, unknown_in
from podhawk.events.candidates import Searches
from podhawk.events.event import BODIES, AuditEvent
from podhawk.events.fields import of_body
from podhawk.rows import OrderKey
from podhawk.spl.clause import EVERYTHING, And, Clause, Compare, In, Not, Or, Term, walk

Watched = tuple[LiteralGroups, int]
"""The literals of lines to look at, and the number of the search on whose behalf."""

_STARTS: Final = {body: (b'"%s":{' % body.encode(), b'"%s":[' % body.encode()) for body in BODIES}
"""How the API server begins a body. A line in which it begins otherwise is decoded."""
_NONE: Final[frozenset[int]] = frozenset()
_WITHOUT_LOSS: Final = re.compile(
    rb'\{"kind":"Event","apiVersion":"[^"]*","level":"Request(?:Response)?","auditID":"[^"]*","stage":"'
    rb'(?:RequestReceived"|[^"]*","requestURI":"[^"]*","verb":"(delete|get|list|watch)")'
)
"""The beginning of events that may lack a body where bodies are logged: it stands in a later event, or the request
has or needs none."""
_LITERAL_RUN: Final = re.compile(r"[ !#-%'-.0-;=?-\[\]-~]+")
_LEVEL: Final = re.compile(rb'\{"kind":"Event","apiVersion":"[^"]*","level":"([^"]*)"')
_LOGGED: Final[dict[bytes, tuple[str, ...]]] = {b"None": (), b"Metadata": (), b"Request": ("requestObject",)}
"""The bodies that a level may have: a body may hold the name of the other."""
_MOST_KNOWN: Final = 10_000
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


class _Outside:
    """Whether the values outside the bodies rule a search out, remembered by these values."""

    def __init__(self, search: CompiledSearch, names: frozenset[str], fixed: dict[str, str]) -> None:
        self.names = sorted(name for name in names if not of_body(name))
        self._search, self._fixed = search, fixed
        self._read = reader(self.names)
        self._required = required(search.clause, self.names)
        self._known: dict[DecodedValues, bool] = {}

    def rules_out(self, event: Any) -> bool:
        values = self._read(event)
        found = self._known.get(values)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[values] = misses(self._required, values) or self._search.ruled_out(
                make_row(self.names, values, self._fixed)
            )
        return found


class Watch:
    """Looks at lines on behalf of searches, until what is asked about each of them is answered. `watched` is what the
    prefilter looks for, each with the number of the search. `fixed` are the fields that are the same for all events."""

    def __init__(
        self, collectors: Sequence[Collector], within: Callable[[float | None], bool], fixed: dict[str, str]
    ) -> None:
        self._collectors = collectors
        self._within = within
        self.watched = tuple(one for number, each in enumerate(collectors) for one in watched_by(number, each.search))
        self.asking: set[int] = set()
        """The numbers of the searches about which something is still asked."""
        self._asked: dict[Searches, tuple[frozenset[int], tuple[tuple[str, bytes, bytes], ...], bool]] = {}
        self._strange = frozenset(
            number
            for number, one in enumerate(collectors)
            if any(not is_audit_field(name) for name in one.search.expected)
        )
        self.bodies = {
            number: frozenset[str]() if number in self._strange else collectors[number].search.bodies
            for _, number in self.watched
        }
        """The bodies that each search needs; none for one that is to see events with bodies too."""
        self._literals: dict[int, list[list[tuple[bytes, ...]]]] = {}
        for groups, number in self.watched:
            self._literals.setdefault(number, []).append([spellings(group) for group in groups])
        fields = {number: clause_fields(collectors[number].search) for _, number in self.watched}
        self._outsides = {
            number: _Outside(collectors[number].search, names, fixed)
            for number, names in fields.items()
            if names is not None
        }
        read = (name for one in self._outsides.values() for name in one.names)
        self._decode = Shape(frozenset(read)).decode
        self.restart()

    def restart(self) -> None:
        """Ask again about all searches: their stats begin anew."""
        self.asking.clear()
        self.asking.update(number for _, number in self.watched)
        self._asked.clear()

    def wants(self, line: bytes, numbers: Searches, one_event: bool = False) -> Searches:
        """Those of the searches on whose behalf a line must be decoded. `numbers` are those that it may be about."""
        known = self._asked.get(numbers)
        if known is None:
            asked = frozenset(self.asking & numbers if numbers is not None else self.asking)
            known = self._asked[numbers] = asked, self._bodies_of(asked), not asked.isdisjoint(self._strange)
        asked, bodies, strange = known
        if not asked:
            return asked
        if one_event or is_one_event(line, 0, len(line)):
            lossless = _WITHOUT_LOSS.match(line)
            if lossless is not None:
                bodies = tuple(one for one in bodies if one[0] == "responseObject") if lossless[1] else ()
            level = _LEVEL.match(line)
            logged = _LOGGED.get(level[1], BODIES) if level is not None else BODIES
            missing = [
                body for body, start, other in bodies if body not in logged or (start not in line and other not in line)
            ]
            if not missing and not strange:
                return _NONE  # nearly every line ends here
            asked = frozenset(number for number in asked if self._lacks(number, missing))
            return self._not_ruled_out(asked, line) if asked else asked
        if numbers is None:
            return asked
        low = line.lower()
        return frozenset(number for number in asked if self._may_be_about(number, low))

    def _bodies_of(self, numbers: Iterable[int]) -> tuple[tuple[str, bytes, bytes], ...]:
        """The bodies that searches need, each with how it may begin in a line."""
        needed = frozenset[str]().union(*(self._collectors[number].search.bodies for number in numbers))
        return tuple((body, *_STARTS[body]) for body in sorted(needed))

    def _lacks(self, number: int, missing: Sequence[str]) -> bool:
        """Whether a search needs one of the bodies that a line lacks, or a field that no event had so far."""
        return not self._collectors[number].search.bodies.isdisjoint(missing) or self._misses(number)

    def _misses(self, number: int) -> bool:
        """Whether no event so far had a field that a search expects, and that audit events do not have."""
        return number in self._strange and any(
            not is_audit_field(name) for name in self._collectors[number].stats.unseen
        )

    def _not_ruled_out(self, asked: frozenset[int], line: bytes) -> frozenset[int]:
        """Those of the searches that the values outside the bodies do not rule out."""
        try:
            event = self._decode(line)
        except NOT_OF_SHAPE:
            return asked
        return frozenset(number for number in asked if self._misses(number) or not self._rules_out(number, event))

    def _rules_out(self, number: int, event: Any) -> bool:
        outside = self._outsides.get(number)
        return outside is not None and outside.rules_out(event)

    def _may_be_about(self, number: int, low: bytes) -> bool:
        """Whether a line has a literal of each group of anything that is watched for a search."""
        return any(all(any(one in low for one in spelled) for spelled in groups) for groups in self._literals[number])

    def look(self, event: AuditEvent, numbers: Searches) -> None:
        """Look at an event of such a line."""
        if not self._within(event.time):
            return
        for number in sorted(numbers if numbers is not None else self.asking):
            collector = self._collectors[number]
            search, stats = collector.search, collector.stats
            if search.selected_view(event) is not event.view:
                continue
            probe = row_of(event, event.view, search.probe_fields, OrderKey(), search.rules)
            note_present(collector, probe)
            unknown = unknown_in(event)
            if stats.passed_over is None and unknown is not None and search.undecided(probe, unknown):
                stats.passed_over = event.origin
            if (stats.passed_over is not None or not search.bodies) and not self._misses(number):
                self.asking.discard(number)
                self._asked.clear()
