"""A detection over the events of one request: the rows that its search gives, and the finding that they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from podhawk.commands.declare import Whole
from podhawk.content.model import Detection
from podhawk.detect.evaluate.entities import risk_objects, threat_objects
from podhawk.detect.evaluate.finding_id import finding_id
from podhawk.detect.evaluate.group_bound import GROUPS
from podhawk.detect.evaluate.masked_rows import as_read, without_secrets
from podhawk.detect.evaluate.message_tokens import MessageFields, NamesBefore
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.evaluate.row_template import MARKS, MOST, RowTemplate, identities, marked
from podhawk.detect.evaluate.titles import title_of, with_outcome
from podhawk.detect.finding import MOST_ROWS, Finding, FindingKind
from podhawk.detect.match import Match
from podhawk.detect.requests.collected import fingerprint
from podhawk.detect.requests.facts import RequestFacts
from podhawk.detect.requests.request import Request
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.plan.runnable import Runnable
from podhawk.engine.plan.stages import compile_stages
from podhawk.engine.search.compiled import CompiledSearch, compile_search
from podhawk.engine.search.rows import row_of
from podhawk.events.event import AuditEvent
from podhawk.events.fields import pick
from podhawk.events.line_template import IDENTITY
from podhawk.functions.declare import Volatility
from podhawk.lazy import lazy
from podhawk.rows import OrderKey, Row, Table, Value
from podhawk.rows.values import as_text

T = TypeVar("T")
MOST_VALUES: Final = 10_000
"""Values that a cell of a finding's row has at most. Counts of values are exact."""
TRUNCATED: Final = "truncated"
"""The column that names the cells of a row that have fewer values than there were, and says if there were more groups
than are looked at."""
KINDS: Final[dict[str, FindingKind | None]] = {
    "anomaly": "intermediate",
    "ttp": "finding",
    "correlation": "incident",
    "hunting": None,
    "baseline": None,
    "investigation": None,
}
"""What a detection of a type makes; None makes nothing but rows. Source: the analytic types of Splunk's content,
https://github.com/splunk/security_content/wiki/Detection-Analytic-Types"""


def kind_of(detection: Detection) -> FindingKind | None:
    """What a detection's findings are, by its type; None where it makes none."""
    return KINDS.get(detection.type.strip().lower(), "intermediate")


def hunts(detection: Detection) -> bool:
    """Whether a detection is for hunting: its rows are for people to look through."""
    return detection.type.strip().lower() == "hunting"


class Evaluation:
    """A detection's search, ready to be run over a few events at a time."""

    def __init__(self, prepared: Prepared) -> None:
        assert prepared.request is not None
        self.detection = prepared.detection
        self.request = prepared.request
        context = prepared.request.context
        self.context = replace(context, env=replace(context.env))
        answer = prepared.runnability
        self.plan = answer.plan if isinstance(answer, Runnable) else make_plan(self.request.pipeline, self.context)
        self.kind = kind_of(self.detection)
        self._templates: dict[Any, RowTemplate] = {}
        self._beside: frozenset[str] = frozenset()
        """Fields of events that no row has and that a message, or an object of the risk, names."""

    # Of many detections no event is evaluated.
    @lazy
    def search(self) -> CompiledSearch:
        """The search, compiled."""
        return compile_search(self.plan, self.context)

    @lazy
    def _rest(self) -> Whole:
        return compile_stages(self.plan.rest, self.context)

    @lazy
    def _names(self) -> NamesBefore:
        return NamesBefore(self.plan.pipeline.stages)

    @lazy
    def _identities(self) -> frozenset[str] | None:
        return identities(self.plan)

    def wants(self, event: AuditEvent) -> bool:
        """Whether the search's first clause wants an event."""
        return self.search.predicate(self.probe(event))

    def probe(self, event: AuditEvent) -> Row:
        """What the search's first clause looks at."""
        search, event = self.search, as_read(event)
        return row_of(event, search.view(event), search.probe_fields, OrderKey(), search.rules)

    def row(self, event: AuditEvent, *, alone: bool = False) -> Row:
        """The row of an event that the first clause wants, in an order that no way of reading the input changes.
        One that is alone at its time has nothing to stand before or after by anything else."""
        place = () if alone else (int.from_bytes(fingerprint(event), "big"),)
        order = OrderKey(-(event.time or 0.0), -(event.stage_time or 0.0), place)
        search, event = self.search, as_read(event)
        return row_of(event, search.view(event), search.row_fields, order, search.rules)

    def start(self) -> Any:
        """An empty state."""
        return self.search.reducer.start()

    def add(self, state: Any, events: Iterable[AuditEvent]) -> None:
        """Take events into a state."""
        events = list(events)
        self.add_rows(state, [self.row(event, alone=len(events) == 1) for event in events])

    def add_rows(self, state: Any, rows: Iterable[Row]) -> None:
        """Take rows of events into a state."""
        self.search.reducer.add(state, self.search.stream(rows))

    @lazy
    def streams_the_same(self) -> bool:
        """Whether the stages before the grouping make the same of a row at any time."""
        return all(stage.command.volatility(stage.node) is Volatility.IMMUTABLE for stage in self.plan.mapped)

    def streamed(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Rows as they reach the grouping, to be changed at will. What `streams_the_same` has been streamed already."""
        copies = (row.copy() for row in rows)
        return copies if self.streams_the_same else self.search.stream(copies)

    def finish(self, state: Any) -> Table:
        """The rows that the search gives for a state."""
        return self._rest(self.search.table(state))

    def rows(self, events: Sequence[AuditEvent]) -> Table:
        """The rows that the search gives over these events alone; its clock stands at the time of the first."""
        self.context.env.now = events[0].time or self.request.context.env.now
        state = self.start()
        self.add(state, events)
        return self.finish(state)

    def fields(self, rows: Sequence[Row], events: Sequence[AuditEvent]) -> MessageFields:
        """What a message of this detection can name."""

        def of_event(name: str) -> Iterator[Value]:
            for event in events:
                yield from pick(self.search.view(event), frozenset({name}), self.search.rules).values()

        return MessageFields(rows, self._names, of_event)

    def evaluate(
        self, events: Sequence[AuditEvent], shared: dict[Any, Row] | None = None
    ) -> tuple[RowTemplate, tuple[dict[str, Any], ...]]:
        """What the search gives for the events of a request, and its rows. `shared` holds the rows that other searches
        have made of these events, by view and fields."""
        names = self._identities
        if names is None or len(events) != 1 or events[0].unmasked is not None:
            template = self._template(self._shown_rows(events), events, ())
            return template, template.rows
        row = self._shared(events[0], shared) if shared is not None else self.row(events[0], alone=True)
        identity = {name: row[name] for name in names if name in row}
        held = tuple(marked(row, names).items())
        known = self._templates.get((*held, *self._said_beside(events[0])))
        if known is None:
            if len(self._templates) >= MOST:
                self._templates.clear()
            self.context.env.now = events[0].time or self.request.context.env.now
            state = self.start()
            self.add_rows(state, [row])
            known = self._template(self.finish(state), events, tuple(identity))
            if not known.general or self._beside.intersection(IDENTITY):
                self._identities = None
                return self.evaluate(events)
            self._templates[(*held, *self._said_beside(events[0]))] = known
        return known, known.rows_for(identity)

    def _said_beside(self, event: AuditEvent) -> tuple[Any, ...]:
        """What an event holds of the fields that are named and that no row has: two events that differ there do not
        share a template."""
        if not self._beside:
            return ()
        return tuple(sorted(pick(self.search.view(event), self._beside, self.search.rules).items()))

    def _shown_rows(self, events: Sequence[AuditEvent]) -> Table:
        """The rows that the search gives over these events, without the secrets of these."""
        table = self.rows(events)
        if not table.rows or all(event.unmasked is None for event in events):
            return table
        hidden, alone = [replace(event, unmasked=None) for event in events], len(events) == 1
        if all(
            self.row(event, alone=alone) == self.row(other, alone=alone)
            for event, other in zip(events, hidden, strict=True)
        ):
            return table  # the search reads no secret
        masked = self.rows(hidden)
        return masked if len(masked.rows) == len(table.rows) else without_secrets(table, events)

    def _shared(self, event: AuditEvent, shared: dict[Any, Row]) -> Row:
        """The row of an event, made once for all searches that want the same fields of it."""
        key = (id(event), id(self.search.view(event)), self.search.row_fields)
        known = shared.get(key)
        if known is None:
            known = shared[key] = self.row(event, alone=True)
        return known.copy()

    def _template(self, table: Table, events: Sequence[AuditEvent], names: Sequence[str]) -> RowTemplate:
        found = self.fields(table.rows, events)
        rows = tuple(shown(row, table) for row in table.rows[:MOST_ROWS])
        columns = tuple(
            (column, name)
            for name in names
            for column in dict.fromkeys(column for row in rows for column, cell in row.items() if cell == MARKS[name])
        )
        if not table.rows:
            return RowTemplate("", (), (), (), 0, ())
        template = RowTemplate(
            title_of(self.detection, found),
            risk_objects(self.detection, found),
            threat_objects(self.detection, found),
            rows,
            len(table.rows),
            columns,
        )
        if not found.from_events <= self._beside:
            self._beside |= found.from_events
            self._templates.clear()  # they do not tell these apart
        return template


def request_match(
    evaluation: Evaluation, request: Request, events: Sequence[AuditEvent], facts: RequestFacts
) -> Match | None:
    """The finding of a request plan about a request, of which the search wants these events; None if it gives no
    row."""
    detection = evaluation.detection
    kind = evaluation.kind
    if kind is None:
        return None
    template, rows = evaluation.evaluate(events, facts.shared)
    if not template.row_count:
        return None
    return Match(
        Finding(
            finding_id=finding_id(detection, request.key),
            detection=detection,
            kind=kind,
            first_time=facts.span[0],
            last_time=facts.span[1],
            title=with_outcome(template.title, facts.outcome),
            severity=detection.severity,
            risk_score=detection.risk_score,
            cluster=request.key.cluster,
            actor=facts.actor,
            target=facts.target,
            outcome=facts.outcome,
            risk_objects=template.risk_objects,
            threat_objects=template.threat_objects,
            evaluable=not any(event.missing for event in request.events),
            request_count=1,
            requests=(facts.info,),
            row_count=template.row_count,
            rows=rows,
        ),
        (request,),
        _matched(evaluation, events),
        evaluation.plan.pipeline,
    )


def _matched(evaluation: Evaluation, events: Sequence[AuditEvent]) -> tuple[AuditEvent, ...]:
    """Those of the events that the first clause wants which also come through the rest of the search."""
    if len(events) == 1:
        return tuple(events)
    return tuple(event for event in events if evaluation.evaluate((event,))[0].row_count) or tuple(events)


def shown(row: Row, table: Table) -> dict[str, Any]:
    """A row as results show it."""
    cells: dict[str, Any] = dict.fromkeys(table.columns or ())
    cut = []
    for name, value in row.items():
        if name == TRUNCATED and value == GROUPS:
            cut.append(GROUPS)
        elif isinstance(value, tuple) and len(value) > MOST_VALUES:
            cells[name] = fewer(value)
            cut.append(name)
        else:
            cells[name] = list(value) if isinstance(value, tuple) else as_text(value)
    if cut:
        cells[TRUNCATED] = cut
    return cells


def fewer(values: Sequence[str]) -> list[str]:
    """`MOST_VALUES` of more values, in their order: those with the lowest hash, whatever the order of events was."""
    hashes = [blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest() for value in values]
    last = sorted(hashes)[MOST_VALUES - 1]
    return [value for value, hash_ in zip(values, hashes, strict=True) if hash_ <= last][:MOST_VALUES]
