"""The requests that an increment evaluates: those of its events, and earlier ones for which an answer changed.

A request may have stages in several increments. A change of an owner, or the issue of a token, that arrives after the
requests that it explains changes what is known of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from podhawk.detect.evaluate.evaluation import Evaluation
from podhawk.detect.evaluate.reach import Stretches, looked_at, stretches_of
from podhawk.detect.evaluate.selection import SearchSelection
from podhawk.detect.evaluate.windows import Schedule
from podhawk.detect.increment.evidence import (
    Changed,
    KeptEvent,
    KeptEvidence,
    component_hash,
    credential_hash,
    place_hash,
    request_hash,
)
from podhawk.detect.increment.state import Begun
from podhawk.detect.requests.actor import kind_of_actor
from podhawk.detect.requests.collected import CollectedRequest, collect, join
from podhawk.detect.requests.components import MANAGER, NODE, SERVICE_ACCOUNT, Credentials
from podhawk.detect.requests.credentials import credential_of
from podhawk.detect.requests.owner_writes import write_of
from podhawk.detect.requests.owners import Owners
from podhawk.detect.requests.request import Request, RequestKey, member
from podhawk.events.collected import EventDecoder
from podhawk.events.event import AuditEvent

Requests = dict[RequestKey, CollectedRequest]
_SYSTEM: str = f"{SERVICE_ACCOUNT}kube-system:"


class Recalled(Struct):
    """The requests to evaluate, with those that only aggregate plans look at again (`beside`), and what is known of who
    is behind them. `stretches` are by the number of the search. Of the requests, those `again` matter only to the
    searches `plans`, because only these changed, and to aggregate plans."""

    requests: Requests
    beside: Requests
    owners: Owners
    credentials: Credentials
    stretches: Mapping[int, Stretches] | None = None
    again: frozenset[RequestKey] = frozenset()
    plans: frozenset[int] = frozenset()
    postponed: Collection[str] = ()
    """The hashes of requests that a deferred search wants."""


def recall(
    kept: KeptEvidence,
    new: Requests,
    ends: Requests,
    begun: Begun,
    again: Collection[str],
    windows: Collection[str],
    evaluations: Sequence[Evaluation],
    schedules: Mapping[int, Schedule],
    selection: SearchSelection,
    deferred: frozenset[int],
    decoder: EventDecoder,
) -> Recalled:
    """What to evaluate for new requests, and for those that are to be evaluated again: those that `begun` names, and
    those of the hashes `again`; those of the hashes `windows` by aggregate plans alone. `ends` are ends that no search
    selects: they wait for their starts. `schedules` are those of the aggregate plans, by the number of the search. What
    `deferred` searches want is kept, and evaluated for the others only."""

    def load(hashes: Collection[str]) -> Requests:
        stored = ((event, selection.of(event, notes=kept.notes_of(event))) for _, event in kept.events_of(hashes))
        return without(collect(stored, decoder))

    postponed: set[str] = set()

    def without(requests: Requests) -> Requests:
        if not deferred:
            return requests
        postponed.update(request_hash(key) for key, one in requests.items() if one.searches & deferred)
        return {
            key: replace(one, wanted=tuple(wanted - deferred for wanted in one.wanted)) for key, one in requests.items()
        }

    known = {*map(request_hash, new), *again, *(begun.requests if begun.everything else ())}
    requests = join(without(new), load(known))
    starts = load({request_hash(key) for key in ends if key not in requests})
    requests = join(requests, {key: one for key, one in starts.items() if one.searches})
    requests = join(requests, {key: one for key, one in ends.items() if key in requests})
    kept.keep(_kept_events(new, schedules), waiting=_kept_events(ends))
    changed = Changed({}, set(), set())
    kept.learn_credentials((one.request for one in requests.values()), changed)
    requests = join(requests, load(_others(kept.depending(changed), requests)))
    shown = kept.credentials_of(_used(requests))
    kept.learn_writes({request_hash(key): write_of(one.request, shown) for key, one in requests.items()}, changed)
    requests = join(requests, load(_others(kept.depending(changed), requests)))
    for_windows = load(_others(windows, requests))
    changed_for = load(_others(begun.requests, {**requests, **for_windows}))
    plans = {number for number, one in enumerate(evaluations) if one.detection.key in begun.changed} - deferred
    looking = {number: schedule for number, schedule in schedules.items() if number not in deferred}
    stretches = stretches_of(kept, {**requests, **for_windows}, changed_for, plans, evaluations, looking)
    changed_for = {**changed_for, **for_windows}
    requests = {**requests, **changed_for}
    around, wanted = looked_at(stretches)
    beside = collect(_beside(kept, _others(around, requests), selection, schedules, wanted), decoder)
    every = {**requests, **beside}
    owners, credentials = Owners(kept.writes_in(_places(every))), kept.credentials_of(_used(every))
    return Recalled(
        requests, beside, owners, credentials, stretches, frozenset(changed_for), frozenset(plans), postponed
    )


def _beside(
    kept: KeptEvidence,
    hashes: Collection[str],
    selection: SearchSelection,
    aggregates: Container[int],
    wanted: Mapping[str, Collection[int]],
) -> Iterator[tuple[AuditEvent, Collection[int]]]:
    """Events that only aggregate plans look at again, with the searches that want them. Other searches matter only
    where a request has several events: they tell which of these findings show."""
    events = kept.events_of(hashes)
    stages = Counter(str(event.view.data.get("auditID")) for _, event in events)
    for print_, event in events:
        if print_ in wanted:
            yield event, wanted[print_]
        else:
            alone = stages[str(event.view.data.get("auditID"))] == 1
            yield event, selection.of(event, aggregates if alone else None, kept.notes_of(event))


def _others(hashes: Collection[str], requests: Requests) -> set[str]:
    return set(hashes) - set(map(request_hash, requests))


def _kept_events(requests: Requests, aggregates: Collection[int] = ()) -> Iterable[KeptEvent]:
    for one in requests.values():
        for event, wanted in one.pairs():
            yield kept_for(one.request, event, wanted if not wanted.isdisjoint(aggregates) else None)


def kept_for(request: Request, event: AuditEvent, wanted: Collection[int] | None = None) -> KeptEvent:
    """An event of a request, as a state keeps it."""
    key, credential = request.key, credential_of(request)
    return KeptEvent(
        event,
        request_hash(key),
        _place(request),
        credential_hash(key.cluster, credential) if credential else "",
        _component(key),
        wanted,
    )


def _place(request: Request) -> str:
    """The namespace in which the owners are that a controller acts for."""
    user = request.key.user
    if not user.startswith(SERVICE_ACCOUNT) or kind_of_actor(user, (), request) != "controller":
        return ""
    return place_hash(request.key.cluster, _namespace(request))


def _namespace(request: Request) -> str:
    return member(request.last.view.data, "objectRef", "namespace")


def _component(key: RequestKey) -> str:
    """The component whose address speaks for or against the user of a request."""
    if key.user.startswith(NODE):
        return component_hash(key.cluster, key.user)
    return component_hash(key.cluster, MANAGER) if key.user.startswith(_SYSTEM) or key.user == MANAGER else ""


def _used(requests: Requests) -> set[tuple[str, str]]:
    return {(key.cluster, id_) for key, one in requests.items() if (id_ := credential_of(one.request))}


def _places(requests: Requests) -> set[str]:
    return {place for one in requests.values() if (place := _place(one.request))}
