"""The requests that an increment evaluates: those of its events, and earlier ones for which an answer changed.

A request may have stages in several increments. A change of an owner, or the issue of a token, that arrives after the
requests that it explains changes what is known of these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from podhawk.detect.evaluate.evaluation import Evaluation
from podhawk.detect.evaluate.windows import Schedule
from podhawk.detect.increment.evidence import (
    Changed,
    Island,
    KeptEvent,
    KeptEvidence,
    WantedEvent,
    component_hash,
    credential_hash,
    place_hash,
    request_hash,
)
from podhawk.detect.requests.actor import kind_of_actor
from podhawk.detect.requests.collected import CollectedRequest, collect, fingerprint, join
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
    is behind them. `islands` are by the number of the search and the cluster."""

    requests: Requests
    beside: Requests
    owners: Owners
    credentials: Credentials
    islands: Mapping[tuple[int, str], Sequence[Island]]


def recall(
    kept: KeptEvidence,
    new: Requests,
    ends: Requests,
    again: Collection[str],
    evaluations: Sequence[Evaluation],
    schedules: Mapping[int, Schedule],
    decoder: EventDecoder,
) -> Recalled:
    """What to evaluate for new requests, and for those that are to be evaluated again. `ends` are ends that no search
    selects: they wait for their starts. `schedules` are those of the aggregate plans, by the number of the search."""

    def load(hashes: Collection[str]) -> Requests:
        stored = ((event, numbers_of(evaluations, event)) for event in kept.events_of(hashes))
        return collect(stored, decoder)

    requests = join(new, load({*map(request_hash, new), *again}))
    begun = load({request_hash(key) for key in ends if key not in requests})
    requests = join(requests, {key: one for key, one in begun.items() if one.searches})
    requests = join(requests, {key: one for key, one in ends.items() if key in requests})
    kept.keep(_kept_events(new), waiting=_kept_events(ends))
    changed = Changed({}, set(), set())
    kept.learn_credentials((one.request for one in requests.values()), changed)
    requests = join(requests, load(_others(kept.depending(changed), requests)))
    shown = kept.credentials_of(_used(requests))
    kept.learn_writes({request_hash(key): write_of(one.request, shown) for key, one in requests.items()}, changed)
    requests = join(requests, load(_others(kept.depending(changed), requests)))
    islands = _islands(kept, requests, evaluations, schedules)
    around = {hash_ for some in islands.values() for one in some for hash_ in one.requests}
    beside = load(_others(around, requests))
    every = {**requests, **beside}
    return Recalled(
        requests, beside, Owners(kept.writes_in(_places(every))), kept.credentials_of(_used(every)), islands
    )


def numbers_of(evaluations: Sequence[Evaluation], event: AuditEvent) -> list[int]:
    """The numbers of the searches that select a kept event."""
    return [number for number, one in enumerate(evaluations) if one.wants(event)]


def _others(hashes: Collection[str], requests: Requests) -> set[str]:
    return set(hashes) - set(map(request_hash, requests))


def _islands(
    kept: KeptEvidence, requests: Requests, evaluations: Sequence[Evaluation], schedules: Mapping[int, Schedule]
) -> dict[tuple[int, str], Sequence[Island]]:
    times: dict[tuple[int, str], set[float]] = {}
    for number in schedules:
        wanted = []
        for key, one in requests.items():
            for event in one.events_for(number):
                time = event.stage_time or event.time or 0.0
                times.setdefault((number, key.cluster), set()).add(time)
                wanted.append(
                    WantedEvent(
                        evaluations[number].detection.key,
                        key.cluster,
                        time,
                        fingerprint(event).hex(),
                        request_hash(key),
                    )
                )
        kept.keep_wanted(wanted)
    return {
        (number, cluster): kept.islands(
            evaluations[number].detection.key, cluster, around, 2 * schedules[number].longest
        )
        for (number, cluster), around in times.items()
    }


def _kept_events(requests: Requests) -> Iterable[KeptEvent]:
    for one in requests.values():
        for event in one.request.events:
            yield kept_for(one.request, event)


def kept_for(request: Request, event: AuditEvent) -> KeptEvent:
    """An event of a request, as a state keeps it."""
    key, credential = request.key, credential_of(request)
    return KeptEvent(
        event,
        request_hash(key),
        _place(request),
        credential_hash(key.cluster, credential) if credential else "",
        _component(key),
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
