"""The facts of a request that findings show: actor, target, outcome, times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from msgspec import UNSET, structs

from podhawk.detect.finding import Actor, ActorKind, Outcome, RequestInfo, Target
from podhawk.detect.requests.actor import actor_of
from podhawk.detect.requests.components import SERVICE_ACCOUNT, Credentials
from podhawk.detect.requests.outcome import outcome_of
from podhawk.detect.requests.owners import Owners
from podhawk.detect.requests.request import Request, known_of, member
from podhawk.detect.requests.target import target_of
from podhawk.lazy import lazy
from podhawk.rows import Row

T = TypeVar("T")
NO_CREDENTIALS: Final = Credentials()


class RequestFacts:
    """The facts of a request, the same for every detection that selects it.

    Each is computed when it is first read, because most requests that a search selects give no row. `credentials` is
    what the log shows of tokens. `shared` holds the rows made of the request's events, for all detections.
    """

    def __init__(self, request: Request, owners: Owners, credentials: Credentials = NO_CREDENTIALS) -> None:
        self._request, self._owners, self._credentials = request, owners, credentials
        self._known = known_of(request)
        self.shared: dict[Any, Row] = {}

    @lazy
    def actor(self) -> Actor:
        """Who made the request, and who is behind it."""
        request = self._request
        actor = self._once(actor_of)
        if actor.kind in ("controller", "node"):
            borrowed = self._credentials.contradiction(request, actor.source_ip)
            if borrowed:
                actor = structs.replace(actor, kind=_really(actor), borrowed=borrowed)
        if actor.kind == "controller" and request.key.user.startswith(SERVICE_ACCOUNT):
            found = self._owners.chain(request)
            actor = structs.replace(
                actor,
                chain=found.links,
                chain_complete=found.complete,
                possible=found.possible or UNSET,
                trigger=found.trigger or UNSET,
                cause=found.cause or UNSET,
            )
        if actor.kind in ("serviceaccount", "controller"):
            actor = structs.replace(actor, token_issuer=self._credentials.issuer(request))
        return actor

    @lazy
    def target(self) -> Target:
        """What the request is about."""
        return self._once(target_of)

    @lazy
    def outcome(self) -> Outcome:
        """The outcome of the request."""
        return self._once(outcome_of)

    @lazy
    def info(self) -> RequestInfo:
        """The request as findings list it."""
        key = self._request.key
        return structs.replace(
            self._once(info_of),
            audit_id=key.audit_id,
            received=key.received,
            source=str(self._request.events[0].origin),
        )

    def _once(self, work: Callable[[Request], T]) -> T:
        """The result of `work`, computed once for all requests that differ only in their identity."""
        if self._known is None:
            return work(self._request)
        found: T | None = self._known.get(work)
        if found is None:
            found = self._known[work] = work(self._request)
        return found

    @lazy
    def span(self) -> tuple[float, float]:
        """The first and last time of the request, in epoch seconds; 0 if the log has none."""
        times = times_of(self._request)
        return (min(times), max(times)) if times else (0.0, 0.0)


def _really(actor: Actor) -> ActorKind:
    """The kind of an actor who uses the credential of a component: that of anybody who has such a name."""
    if actor.kind == "node":
        return "node"
    return "serviceaccount" if actor.user.startswith(SERVICE_ACCOUNT) else "human"


def times_of(request: Request) -> list[float]:
    """The times at which a request was received and its stages were written, as far as the log has them."""
    return [time for event in request.events for time in (event.time, event.stage_time) if time is not None]


def info_of(request: Request) -> RequestInfo:
    """The request as findings list it."""
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
