"""A detection over the events of one request: the rows that its search gives, and the finding that they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec import structs
from msgspec.structs import replace

from podhawk.content.model import Detection
from podhawk.detect.evaluate.entities import risk_objects, threat_objects
from podhawk.detect.evaluate.finding_id import finding_id
from podhawk.detect.evaluate.message_tokens import Fields, fill, names_at_end
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.evaluate.row_template import MARKS, MOST, Remembered, identities, marked
from podhawk.detect.finding import Actor, Finding, Kind, Outcome, RequestInfo, Target
from podhawk.detect.match import Match
from podhawk.detect.requests.actor import SERVICE_ACCOUNT, actor_of
from podhawk.detect.requests.collected import fingerprint
from podhawk.detect.requests.credentials import credential_of
from podhawk.detect.requests.outcome import outcome_of
from podhawk.detect.requests.owners import Owners
from podhawk.detect.requests.request import Request, known_of, member
from podhawk.detect.requests.target import target_of
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.plan.stages import compile_stages
from podhawk.engine.search.compiled import Observed, ScanJob
from podhawk.engine.search.rows import row_of
from podhawk.events.event import AuditEvent
from podhawk.events.fields import pick
from podhawk.lazy import lazy
from podhawk.rows import OrderKey, Row, Table, Value
from podhawk.rows.values import as_text

T = TypeVar("T")
KINDS: Final[dict[str, Kind | None]] = {
    "anomaly": "intermediate",
    "ttp": "finding",
    "correlation": "incident",
    "hunting": None,
    "baseline": None,
    "investigation": None,
}
"""What a detection of a type makes; None makes nothing but rows. Source: the analytic types of Splunk's content,
https://github.com/splunk/security_content/wiki/Detection-Analytic-Types"""

NO_TOKENS: Final[Mapping[str, str]] = {}
MOST_ROWS: Final = 50
"""Rows and requests that a finding carries; its counts go on."""


def kind_of(detection: Detection) -> Kind | None:
    """What a detection's findings are, by its type; None where it makes none."""
    return KINDS.get(detection.type.strip().lower(), "intermediate")


class Evaluation:
    """A detection's search, ready to be run over a few events at a time."""

    def __init__(self, prepared: Prepared) -> None:
        assert prepared.request is not None
        self.detection = prepared.detection
        self.request = prepared.request
        context = prepared.request.context
        self.context = replace(context, env=replace(context.env, warn=self.request.observed.warn))
        plan = make_plan(self.request.pipeline, self.context)
        self.plan = plan
        self.job = ScanJob(plan, self.context, Observed())
        self._rest = compile_stages(plan.rest, self.context)
        self._names = names_at_end(plan.pipeline.stages)
        self.kind = kind_of(self.detection)
        # Functions that draw numbers or ask for the time give each event something of its own.
        self._identities = (
            identities(plan)
            if not (context.env.draws or "now(" in self.detection.search or "time(" in self.detection.search)
            else None
        )
        self._remembered: dict[Any, Remembered] = {}

    def wants(self, event: AuditEvent) -> bool:
        """Whether the search's first clause wants an event."""
        return self.job.test(self.probe(event))

    def probe(self, event: AuditEvent) -> Row:
        """What the search's first clause looks at."""
        job = self.job
        return row_of(event, job.view(event), job.probe_fields, OrderKey(), job.rules)

    def row(self, event: AuditEvent, *, alone: bool = False) -> Row:
        """The row of an event that the first clause wants, in an order that no way of reading the input changes.
        One that is alone at its time has nothing to stand before or after by anything else."""
        place = () if alone else (int.from_bytes(fingerprint(event), "big"),)
        order = OrderKey(-(event.time or 0.0), -(event.stage_time or 0.0), place)
        wanted = None if self.job.probe_fields is None else self.plan.wanted
        return row_of(event, self.job.view(event), wanted, order, self.job.rules)

    def start(self) -> Any:
        """An empty state."""
        return self.job.reducer.start() if self.job.reducer is not None else []

    def add(self, state: Any, events: Iterable[AuditEvent]) -> None:
        """Take events into a state."""
        events = list(events)
        self.add_rows(state, [self.row(event, alone=len(events) == 1) for event in events])

    def add_rows(self, state: Any, rows: Iterable[Row]) -> None:
        """Take rows of events into a state."""
        passed = self.job.stream(rows)
        if self.job.reducer is not None:
            self.job.reducer.add(state, passed)
        else:
            state.extend(passed)

    def finish(self, state: Any) -> Table:
        """The rows that the search gives for a state."""
        return self._rest(self.job.reduced(state))

    def rows(self, events: Sequence[AuditEvent]) -> Table:
        """The rows that the search gives over these events alone; its clock stands at the time of the first."""
        self.context.env.now = events[0].time or self.request.context.env.now
        state = self.start()
        self.add(state, events)
        return self.finish(state)

    def fields(self, rows: Sequence[Row], events: Sequence[AuditEvent]) -> Fields:
        """What a message of this detection can name."""

        def of_event(name: str) -> Iterator[Value]:
            for event in events:
                yield from pick(self.job.view(event), frozenset({name}), self.job.rules).values()

        return Fields(rows, self._names, of_event)

    def said(
        self, events: Sequence[AuditEvent], shared: dict[Any, Row] | None = None
    ) -> tuple[Remembered, tuple[dict[str, Any], ...]]:
        """What the search makes of the events of a request, and its rows. `shared` holds the rows that other searches
        have made of these events, by view and fields."""
        names = self._identities
        if names is None or len(events) != 1:
            said = self._say(self.rows(events), events, ())
            return said, said.rows
        row = self._shared(events[0], shared) if shared is not None else self.row(events[0], alone=True)
        identity = {name: row[name] for name in names if name in row}
        key = tuple(marked(row, names).items())
        known = self._remembered.get(key)
        if known is None:
            if len(self._remembered) >= MOST:
                self._remembered.clear()
            self.context.env.now = events[0].time or self.request.context.env.now
            state = self.start()
            self.add_rows(state, [row])
            known = self._say(self.finish(state), events, tuple(identity))
            if not known.general:
                self._identities = None
                return self.said(events)
            self._remembered[key] = known
        return known, known.rows_for(identity)

    def _shared(self, event: AuditEvent, shared: dict[Any, Row]) -> Row:
        """The row of an event, made once for all searches that want the same fields of it."""
        key = (id(event), id(self.job.view(event)), self.plan.wanted, self.job.probe_fields is None)
        known = shared.get(key)
        if known is None:
            known = shared[key] = self.row(event, alone=True)
        return known.copy()

    def _say(self, table: Table, events: Sequence[AuditEvent], names: Sequence[str]) -> Remembered:
        found = self.fields(table.rows, events)
        rows = tuple(shown(row, table) for row in table.rows[:MOST_ROWS])
        columns = tuple(
            (column, name)
            for name in names
            for column in dict.fromkeys(column for row in rows for column, cell in row.items() if cell == MARKS[name])
        )
        if not table.rows:
            return Remembered("", (), (), (), 0, ())
        return Remembered(
            title_of(self.detection, found),
            risk_objects(self.detection, found),
            threat_objects(self.detection, found),
            rows,
            len(table.rows),
            columns,
        )


def request_match(evaluation: Evaluation, request: Request, events: Sequence[AuditEvent], about: About) -> Match | None:
    """The finding of a request plan about a request, of which the search wants these events; None if it gives no
    row."""
    detection = evaluation.detection
    kind = evaluation.kind
    if kind is None:
        return None
    said, rows = evaluation.said(events, about.shared)
    if not said.row_count:
        return None
    return Match(
        Finding(
            finding_id=finding_id(detection, request.key),
            detection=detection,
            kind=kind,
            first_time=about.span[0],
            last_time=about.span[1],
            title=said.title,
            severity=detection.severity,
            risk_score=detection.risk_score,
            cluster=request.key.cluster,
            actor=about.actor,
            target=about.target,
            outcome=about.outcome,
            risk_objects=said.risk_objects,
            threat_objects=said.threat_objects,
            evaluable=not any(event.missing for event in request.events),
            request_count=1,
            requests=(about.info,),
            row_count=said.row_count,
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
    return tuple(event for event in events if evaluation.said((event,))[0].row_count) or tuple(events)


class About:
    """What is said of a request whichever detection it is that matched; worked out when it is asked for, because most
    requests that a search wants give no row."""

    def __init__(self, request: Request, owners: Owners, tokens: Mapping[str, str] = NO_TOKENS) -> None:
        self._request, self._owners, self._tokens = request, owners, tokens
        self._known = known_of(request)
        self.shared: dict[Any, Row] = {}

    @lazy
    def actor(self) -> Actor:
        """Who made the request, and who is behind it."""
        request = self._request
        actor = self._once(actor_of)
        if actor.kind == "controller" and request.key.user.startswith(SERVICE_ACCOUNT):
            chain, complete = self._owners.chain(request)
            actor = structs.replace(actor, chain=chain, chain_complete=complete)
        if self._tokens and actor.kind in ("serviceaccount", "controller"):
            actor = structs.replace(actor, token_issuer=self._tokens.get(credential_of(request), ""))
        return actor

    @lazy
    def target(self) -> Target:
        """What the request is about."""
        return self._once(target_of)

    @lazy
    def outcome(self) -> Outcome:
        """What became of it."""
        return self._once(outcome_of)

    @lazy
    def info(self) -> RequestInfo:
        """The request as findings name it."""
        key = self._request.key
        return structs.replace(
            self._once(info_of),
            audit_id=key.audit_id,
            received=key.received,
            source=str(self._request.events[0].origin),
        )

    def _once(self, work: Callable[[Request], T]) -> T:
        """What is worked out of a request, worked out once for all that differ from it only in their identity."""
        if self._known is None:
            return work(self._request)
        found: T | None = self._known.get(work)
        if found is None:
            found = self._known[work] = work(self._request)
        return found

    @lazy
    def span(self) -> tuple[float, float]:
        """When it began and ended, as far as the log says."""
        times = times_of(self._request)
        return (min(times), max(times)) if times else (0.0, 0.0)


def title_of(detection: Detection, fields: Fields) -> str:
    """The detection's message about these rows, its name where it has none."""
    return fill(detection.title or detection.message, fields).strip() or detection.name


def times_of(request: Request) -> list[float]:
    """When a request was received and its stages written, as far as the log says."""
    return [time for event in request.events for time in (event.time, event.stage_time) if time is not None]


def info_of(request: Request) -> RequestInfo:
    """A request as a finding names it."""
    data = request.last.view.data
    codes = [
        code
        for event in reversed(request.events)
        if (code := member(event.view.data, "responseStatus", "code")).lstrip("-").isdigit()
    ]
    stages = dict.fromkeys(member(event.view.data, "stage") for event in request.events)
    return RequestInfo(
        request.key.audit_id,
        member(data, "verb"),
        request.key.uri,
        tuple(stage for stage in stages if stage),
        int(codes[0]) if codes else None,
        request.key.user,
        request.key.received,
        str(request.events[0].origin),
    )


def shown(row: Row, table: Table) -> dict[str, Any]:
    """A row as results show it."""
    cells: dict[str, Any] = dict.fromkeys(table.columns or ())
    for name, value in row.items():
        cells[name] = list(value) if isinstance(value, tuple) else as_text(value)
    return cells
