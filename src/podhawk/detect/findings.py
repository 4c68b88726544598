"""A run as findings: matches, what is noise, how urgent each is, the risk they add up to, the incidents this makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.content.model import Content
from podhawk.detect.evaluate.pipeline import (
    Detected,
    Scanned,
    SearchSet,
    Source,
    detect,
    reads_risk,
    scan,
    searches_of,
)
from podhawk.detect.evaluate.plan_kind import PlanKind
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.finding import Finding
from podhawk.detect.increment.state import Begun, Change, DetectionState
from podhawk.detect.match import Match
from podhawk.detect.passes.increment import digest_of, evaluated, increment
from podhawk.detect.passes.settle import Policies, settle
from podhawk.detect.rank.visibility import with_visibility
from podhawk.detect.risk.incidents import incident_matches
from podhawk.detect.risk.scoring import risk_events
from podhawk.detect.risk_event import RiskEvent
from podhawk.engine.run.batch import Runner
from podhawk.runtime import no_collection

TRIES: Final = 3
"""How often an increment is evaluated while others may write."""


class RunFindings(Struct):
    """What a run found. `matches` come in order of time, incidents after what they are made of.

    `read_risk` gives the risk events. With a state, these are the findings that the run looked at, and the risk is that
    of the risk objects that it changed.
    `changes` says what the run changed, `gone` are the records of findings that are no more, `known` counts what is
    known, and `everything` reads it; `began` are the detections that begin with this run although the state has read
    events before. Without a state, `changes` is None.
    """

    matches: list[Match]
    read_risk: Callable[[], Sequence[RiskEvent]]
    kinds: Mapping[str, PlanKind]
    hunted: Mapping[str, int] = field(default_factory=dict)
    """How many rows each hunting detection gave, by its key."""
    changes: Mapping[str, Change] | None = None
    gone: Sequence[Mapping[str, Any]] = ()
    known: int = 0
    everything: Callable[[], Sequence[Finding]] = tuple
    began: Sequence[str] = ()

    @property
    def risk(self) -> Sequence[RiskEvent]:
        """The risk events."""
        return self.read_risk()

    def told(self, *, all_known: bool = False) -> list[Finding]:
        """The findings to print: with a state those that are new or revised, or everything known."""
        if self.changes is None:
            return self.findings
        if all_known:
            return list(self.everything())
        return [one for one in self.findings if one.finding_id in self.changes]

    def rose(self) -> list[Finding]:
        """The visible findings that call for attention: with a state those that are new or rose, else all."""
        changes = self.changes
        if changes is None:
            return self.visible
        return [one for one in self.visible if one.finding_id in changes and changes[one.finding_id].rose]

    @property
    def findings(self) -> list[Finding]:
        return [match.finding for match in self.matches]

    @property
    def visible(self) -> list[Finding]:
        """The findings to be seen, the most urgent first."""
        return visible_of(self.findings)

    def hidden(self) -> Iterator[tuple[str, str, int]]:
        """How many findings are hidden, by what hides them: (what, name, number)."""
        counts: Counter[tuple[str, str]] = Counter()
        for one in self.findings:
            if not one.visible:
                counts[_why_hidden(one)] += 1
        for (what, name), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            yield what, name, count

    def noise(self) -> Counter[tuple[str, str]]:
        """How many findings each noise class has, by class and action."""
        return Counter((hit.noise_class, hit.action) for one in self.findings for hit in one.noise)


def visible_of(findings: Iterable[Finding]) -> list[Finding]:
    """Those of the findings that are to be seen, incidents first, then the most urgent first."""
    return sorted(
        (one for one in findings if one.visible),
        key=lambda one: (one.kind != "incident", -one.priority, one.first_time, one.finding_id),
    )


def _why_hidden(one: Finding) -> tuple[str, str]:
    if one.suppressed_by is not None:
        return "exception", one.suppressed_by.name
    hiding = next((hit.noise_class for hit in one.noise if hit.action == "hide"), None)
    if hiding is not None:
        return "noise", hiding
    return ("throttling", one.detection.name) if one.throttled else ("priority", "below the bar")


def find(
    prepared: Sequence[Prepared],
    rules: Callable[[], Sequence[Prepared]],
    content: Content,
    source: Source,
    runner: Runner,
    context: Context,
    policies: Policies,
    state: DetectionState | None = None,
    check: Callable[[], None] = lambda: None,
    *,
    backfill: bool = False,
    accept: Collection[str] | None = None,
    searches: SearchSet | None = None,
    again: Collection[str] = (),
    windows: Collection[str] = (),
) -> RunFindings:
    """Everything that the detections find in the input; with a state, what the input changes in it.

    `rules` gives more searches over risk that make incidents; it is called only if there is any risk. `check` raises if
    the input turns out to be unusable; then nothing is written to the state. With `backfill` the input is what the
    state has read before, for the sake of detections that did not exist then. With `accept`, detections of the state
    that are not among these, by key, are retired. `searches` are those of `prepared`, if they have been made already.
    `again` are hashes of known requests that are to be evaluated again, `windows` those of which only aggregate plans
    are.
    """
    now = context.env.now
    with no_collection():
        made = searches or searches_of(prepared, content, context, remembers=state is not None)
        scanned = scan(made, source, runner, context)
        check()
        if state is not None:
            over_risk = [one for one in (*prepared, *rules()) if reads_risk(one)]
            chosen = _Known(backfill, accept, again, windows)
            return _Increment(scanned, prepared, over_risk, content, policies, now, state, chosen).run()
        detected = detect(scanned)
        matches = settle(detected.matches, policies, now)
        risk = risk_events((match.finding for match in matches), policies.risk)
        over_risk = [one for one in (*prepared, *(rules() if risk else ())) if reads_risk(one)]
        by_id = {match.finding.finding_id: match for match in matches}
        incidents = sorted(
            incident_matches(over_risk, content, risk, lambda ids: by_id),
            key=lambda match: (match.finding.first_time, match.finding.finding_id),
        )
        raised = with_visibility(incidents, policies.priority.bar)
        return RunFindings([*matches, *raised], lambda: risk, detected.kinds, detected.hunted)


class _Draft(Struct, frozen=True):
    """An increment that has been evaluated, and is not written."""

    begun: Begun
    detected: Detected
    matches: Sequence[Match]
    gone: Collection[str]


class _Known(Struct, frozen=True):
    """What an increment is told about what the state knows: see `find`."""

    backfill: bool
    accept: Collection[str] | None
    again: Collection[str]
    windows: Collection[str]


class _Increment:
    """An increment. It is evaluated while others may write to the state, and written if nobody has; else it is
    evaluated again. Where others write all the time, it excludes them from the evaluation on."""

    def __init__(
        self,
        scanned: Scanned,
        prepared: Sequence[Prepared],
        searches: Sequence[Prepared],
        content: Content,
        policies: Policies,
        now: float,
        state: DetectionState,
        known: _Known,
    ) -> None:
        self._scanned, self._prepared, self._searches, self._content = scanned, prepared, searches, content
        self._policies, self._now, self._state = policies, now, state
        self._known = known

    def run(self) -> RunFindings:
        """Evaluate and write it."""
        for _ in range(TRIES):
            with self._state.snapshot():
                draft = self._evaluated()
            with self._state.locked() as unchanged:
                if unchanged:
                    self._state.take()
                    return self._written(draft)
        with self._state.locked():
            return self._written(self._evaluated())

    def _evaluated(self) -> _Draft:
        state = self._state
        searches, known = self._scanned.searches, self._known
        every = [*self._prepared, *self._searches]
        chosen = evaluated(every, self._policies.exceptions, searches.layouts, searches.digests)
        begun = state.begin(chosen, digest_of(self._policies), backfill=known.backfill, content=known.accept)
        detected = detect(self._scanned, state.evidence, begun, known.again, known.windows)
        ids = {match.finding.finding_id for match in detected.matches}
        gone = state.known_about(detected.looked, [match.finding for match in detected.matches]) - ids
        matches = detected.matches
        if begun.everything:
            kept = state.findings.load(state.every_finding() - ids - gone)
            matches = [*matches, *(one.match for one in kept)]
        return _Draft(begun, detected, matches, gone)

    def _written(self, draft: _Draft) -> RunFindings:
        state, begun, detected = self._state, draft.begun, draft.detected
        state.postpone(detected.postponed)
        found = increment(
            state,
            draft.matches,
            draft.gone,
            self._searches,
            self._content,
            self._policies,
            self._now,
            everything=begun.everything,
            retired=begun.retired,
        )
        return RunFindings(
            found.matches,
            lambda: state.known_risk(found.objects),
            detected.kinds,
            detected.hunted,
            found.written.changes,
            found.written.gone,
            found.known,
            state.known,
            [one.detection.name for one in self._prepared if one.detection.key in begun.new and not reads_risk(one)],
        )
