"""A run as findings: matches, what is noise, how urgent each is, the risk they add up to, the incidents this makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.content.model import Content
from podhawk.detect.evaluate.pipeline import Source, detect, reads_risk
from podhawk.detect.evaluate.plan_kind import PlanKind
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.finding import Finding
from podhawk.detect.increment.state import Change, DetectionState, EarlierFindings
from podhawk.detect.match import Match
from podhawk.detect.noise.registry import NoisePolicy, with_noise
from podhawk.detect.rank.exceptions import SiteException, with_exceptions
from podhawk.detect.rank.moved_tokens import with_moved_tokens
from podhawk.detect.rank.priority import PriorityPolicy, with_priority
from podhawk.detect.rank.visibility import with_throttling, with_visibility
from podhawk.detect.risk.factors import RiskPolicy
from podhawk.detect.risk.incidents import incident_matches
from podhawk.detect.risk.scoring import risk_events
from podhawk.detect.risk_event import RiskEvent
from podhawk.engine.run.batch import Runner
from podhawk.runtime import no_collection


class Policies(Struct, frozen=True):
    """What a site decides: noise, priority, risk, exceptions."""

    noise: NoisePolicy = field(default_factory=NoisePolicy)
    priority: PriorityPolicy = field(default_factory=PriorityPolicy)
    risk: RiskPolicy = field(default_factory=RiskPolicy)
    exceptions: Sequence[SiteException] = ()


class RunFindings(Struct):
    """What a run found. `matches` come in order of time, incidents after what they are made of; `risk` includes what
    findings of earlier runs added that this one says nothing of.

    With a state, `changes` says what the run changed, `gone` are the records of findings that are no more, and
    `earlier` are known findings that the run did not evaluate. Without one, `changes` is None.
    """

    matches: list[Match]
    risk: list[RiskEvent]
    kinds: Mapping[str, PlanKind]
    hunted: Mapping[str, int] = field(default_factory=dict)
    """How many rows each hunting detection gave, by its key."""
    changes: Mapping[str, Change] | None = None
    gone: Sequence[Mapping[str, Any]] = ()
    earlier: Sequence[Finding] = ()

    def told(self, *, all_known: bool = False) -> list[Finding]:
        """The findings to print: with a state those that are new or revised, or everything known."""
        if self.changes is None:
            return self.findings
        if all_known:
            return [*self.earlier, *self.findings]
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
) -> RunFindings:
    """Everything that the detections find in the input and in the events that the state keeps.

    `rules` gives more searches over risk that make incidents; it is called only if there is any risk. `check` raises if
    the input turns out to be unusable; then nothing is written to the state.
    """
    with no_collection(), state.locked() if state is not None else nullcontext():
        detected = detect(prepared, content, source, runner, context, state)
        check()
        matches = settle(detected.matches, policies, context.env.now)
        risk = risk_events((match.finding for match in matches), policies.risk)
        earlier = state.earlier(matches, detected.evaluated) if state is not None else EarlierFindings()
        searches = [one for one in (*prepared, *(rules() if risk or state is not None else ())) if reads_risk(one)]
        by_id = {match.finding.finding_id: match for match in (*earlier.matches, *matches)}
        incidents = sorted(
            incident_matches(searches, content, [*earlier.risk, *risk], by_id),
            key=lambda match: (match.finding.first_time, match.finding.finding_id),
        )
        raised = with_visibility(incidents, policies.priority.bar)
        found = RunFindings([*matches, *raised], [*earlier.risk, *risk], detected.kinds, detected.hunted)
        if state is not None:
            evaluated = detected.evaluated.union(one.detection.key for one in searches)
            written = state.write(found.matches, risk, evaluated)
            found.matches, found.changes, found.gone = written.matches, written.changes, written.gone
            found.earlier = [match.finding for match in earlier.matches]
    return found


def settle(matches: Sequence[Match], policies: Policies, now: float) -> list[Match]:
    """Matches with noise, exceptions, throttling, priority and visibility: each pass sees what those before it said."""
    matches = with_moved_tokens(matches)
    matches = with_noise(matches, policies.noise)
    matches = with_exceptions(matches, policies.exceptions, now)
    matches = with_priority(matches, policies.priority)
    matches = with_visibility(matches, policies.priority.bar)
    matches = with_noise(matches, policies.noise, late=True)
    matches = with_throttling(matches, policies.priority.bar)
    return with_visibility(matches, policies.priority.bar)
