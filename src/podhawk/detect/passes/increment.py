"""One increment: what its events change, pass by pass, and nothing else.

Findings are evaluated, settled, scored and joined to incidents, in this order. Each step says what it changed, and the
next one looks at that. What is written last are the incidents, because they read the findings and the risk of the state
as this increment leaves them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct

from podhawk.content.model import Content
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.increment.kept import KeptMatch, ObjectKey, Verdicts
from podhawk.detect.increment.state import NONE_RETIRED, Change, DetectionState, Evaluated, Retired, ToWrite, Written
from podhawk.detect.match import Match
from podhawk.detect.passes.entities import incidents_with
from podhawk.detect.passes.scored import risk_with, rows_of_risk
from podhawk.detect.passes.settle import Policies, Settled, Sweep, settled_again
from podhawk.detect.rank.exceptions import SiteException
from podhawk.detect.rank.visibility import with_visibility


class Incremented(Struct, frozen=True):
    """What an increment looked at again, incidents last; what it wrote; the risk objects whose risk it changed; how
    many findings are known."""

    matches: list[Match]
    written: Written
    objects: frozenset[ObjectKey]
    known: int


def increment(
    state: DetectionState,
    matches: Sequence[Match],
    gone: Collection[str],
    searches: Sequence[Prepared],
    content: Content,
    policies: Policies,
    now: float,
    *,
    everything: bool = False,
    retired: Retired = NONE_RETIRED,
) -> Incremented:
    """Take matches into a state, and out of it the findings that are gone. `everything` says that these are all."""

    def again(known: Sequence[KeptMatch]) -> list[Match]:
        return settled_again(known, policies, now)

    sweep = Sweep(policies, now, state.findings)
    settled = sweep.run(matches, gone)
    charged = [_with_rows(one) for one in settled if one.match.finding.detection.key not in retired.detections]
    silent = [one for one in settled if one.match.finding.detection.key in retired.detections]
    leaving = [*gone, *retired.findings]
    charges = [*sweep.gone.get("charge", ()), *retired.charges]
    risk = risk_with(state.findings, state.risk, charged, leaving, charges, policies.risk, again)
    written = state.write([_to_write(one) for one in (*charged, *silent)], gone)
    state.write_risk(risk.events)
    changed = incidents_with(state.findings, state.risk, searches, content, risk, again)
    raised = with_visibility(
        sorted(changed.matches, key=lambda match: (match.finding.first_time, match.finding.finding_id)),
        policies.priority.bar,
    )
    ids = {match.finding.finding_id for match in raised}
    keys = None if everything else changed.keys
    over = state.incidents(keys, [one.detection.key for one in searches]) - ids
    state.findings.take_out(ids | over)
    incidents = state.write(
        [ToWrite(match, Verdicts(), match, [("incident", changed.rows[match.finding.finding_id])]) for match in raised],
        over,
    )
    changes: dict[str, Change] = {**written.changes, **incidents.changes}
    found = Written([*written.matches, *incidents.matches], changes, [*written.gone, *incidents.gone])
    return Incremented(found.matches, found, frozenset(risk.objects), state.count())


def _with_rows(one: Settled) -> Settled:
    return msgspec.structs.replace(one, rows={**one.rows, **rows_of_risk(one.match.finding)})


def _to_write(one: Settled) -> ToWrite:
    return ToWrite(one.raw, one.verdicts, one.match, [(name, row) for name, rows in one.rows.items() for row in rows])


Digests = dict[int, tuple[Prepared, str, str]]
"""The digests of detections that have been made, by the id of what was prepared, which is kept alive."""


def evaluated(
    prepared: Sequence[Prepared],
    exceptions: Sequence[SiteException],
    layouts: Mapping[str, str],
    known: Digests | None = None,
) -> list[Evaluated]:
    """The detections that a run evaluates, with digests of all that their findings depend on, and of the exceptions
    that name them. `layouts` say how the state keeps what their plans want, by their keys. `known` keeps the digests
    that are made."""
    found = []
    known = {} if known is None else known
    for one in prepared:
        if one.request is None:
            continue
        if id(one) not in known:
            stages = [stage.command.render(stage.node) for stage in one.request.pipeline.stages]
            content = msgspec.structs.replace(one.detection, file="", home="", search_line=0)
            layout = layouts.get(one.detection.key)
            digest = _digest([stages, msgspec.to_builtins(content), *([layout] if layout else ())])
            known[id(one)] = one, digest, _digest(stages)
        named = [
            (each.name, each.when, each.owner, each.reason, each.expires.isoformat())
            for each in exceptions
            if each.named(one.detection)
        ]
        _, digest, search = known[id(one)]
        found.append(Evaluated(one.detection, digest, search, _digest(named) if named else ""))
    return found


def digest_of(policies: Policies) -> str:
    """A digest of what a site decides about all findings: exceptions are about those of the detections they name."""
    noise, priority, risk = policies.noise.chosen, policies.priority, policies.risk
    baseline = policies.normal.digest() if policies.normal else ""
    return _digest([noise, priority.points, priority.bar, risk.cap, risk.factors, *filter(None, [baseline])])


def _digest(parts: Sequence[object]) -> str:
    return blake2b(msgspec.json.encode(parts, order="deterministic", enc_hook=str), digest_size=12).hexdigest()
