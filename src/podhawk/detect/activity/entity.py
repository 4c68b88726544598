"""What one entity did in a log: a user, a service account, an address, a pod or a node.

The name alone does not say which of these it is, so it is looked for in every place where it can stand; the summary
says in which it was found. Requests are counted at their last stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any, Final

from podhawk.detect.activity.addresses import address_of, is_same, spellings
from podhawk.detect.activity.brief import NODE_NAME, Brief, brief_of
from podhawk.detect.activity.kept import BoundedSet
from podhawk.detect.activity.value_counts import Occurrence, ValueCounts
from podhawk.detect.evaluate.related_events import OWNER_WRITES, POD_DELETIONS, is_end
from podhawk.detect.requests.actor import POD_NAME
from podhawk.detect.requests.components import SERVICE_ACCOUNT, Credentials
from podhawk.detect.requests.credentials import ISSUED
from podhawk.detect.requests.outcome import outcome_of
from podhawk.detect.requests.owner_writes import DELETES, KINDS, Write, owner_in, write_of
from podhawk.detect.requests.owners import Owners
from podhawk.detect.requests.request import Request, key_of, member
from podhawk.engine.fastpath.decoder import DecodedValues
from podhawk.engine.run.along import DigestPart, Focus
from podhawk.events.collected import CollectedEvent, CollectedLine, EventDecoder
from podhawk.events.event import AuditEvent, View
from podhawk.spl.clause import EVERYTHING, And, Clause, Compare, In, Or

NODE: Final = "system:node:"
MOST_USERS: Final = 64
"""Users of an address for whose requests the log is searched. If there are more, all of it is read."""
MOST_KNOWN: Final = 20_000
"""Kinds of events of which it is remembered what is counted."""
MOST_LINKS: Final = 20_000
"""Changes of owners, and pods made by controllers, that are kept."""

FACETS: Final = (
    "as",
    "users",
    "addresses",
    "agents",
    "actions",
    "outcomes",
    "tokens asked for",
    "impersonated",
    "impersonated by",
    "pods made",
    "done to it",
)
"""What is counted of an entity, in the order in which it is shown."""
_CONTROLLERS: Final = f"{SERVICE_ACCOUNT}kube-system:"
_OF_CONTROLLERS: Final[Clause] = Compare("user.username", "=", f"{_CONTROLLERS}*")
_MADE_BY_CONTROLLERS: Final[Clause] = And(
    (Compare("verb", "=", "create"), Compare("objectRef.resource", "=", "pods"), _OF_CONTROLLERS)
)
_CHANGES: Final[Clause] = Or((OWNER_WRITES, POD_DELETIONS))


def naming(name: str) -> Clause:
    """Selects the events in which an entity may have a part."""
    return Or(
        (
            In("user.username", (name, f"{NODE}{name}")),
            Compare("impersonatedUser.username", "=", name),
            In("sourceIPs{}", spellings(name)),
            And((Compare("objectRef.name", "=", name), In("objectRef.resource", ("pods", "nodes")))),
            *(Compare(f"user.extra.{key}{{}}", "=", name) for key in (POD_NAME, NODE_NAME)),
        )
    )


def focus_on(name: str, decoder: EventDecoder) -> tuple[list[DigestPart], Focus]:
    """The digest of an entity, and which events matter to it: those that name it. If it changed owners of pods, also
    those that show what controllers made of it in the same namespaces. If it is an address, a pod or a node, also all
    that its users did: how urgent a finding is depends on what else its actor did."""

    def linking() -> EntityDigest:
        return EntityDigest(name, decoder, links=True)

    def further(digest: EntityDigest) -> tuple[Clause, list[DigestPart]] | None:
        others = digest.other_users()
        if others is None:
            return EVERYTHING, []
        sides: list[Clause] = [In("user.username", others)] if others else []
        parts: list[DigestPart] = []
        if any(one.startswith(_CONTROLLERS) for one in (name, *others)):
            sides.append(_CHANGES)
        if namespaces := digest.namespaces_changed({name, *others}):
            there = In("objectRef.namespace", namespaces)
            made = And((_OF_CONTROLLERS, Compare("verb", "=", "create")))
            sides.append(And((there, Or((_CHANGES, made)))))
            if digest.namespaces_changed({name}):
                parts = [(And((there, one)), linking) for one in (_CHANGES, _MADE_BY_CONTROLLERS)]
        return (Or(tuple(sides)), parts) if sides else None

    return [(naming(name), lambda: EntityDigest(name, decoder))], Focus(naming(name), further)


class EntityDigest:
    """What one entity did. `decoder` masks secrets. With `links`, the digest takes events of anybody, and keeps what
    leads from pods to whoever caused them."""

    def __init__(self, name: str, decoder: EventDecoder, *, links: bool = False) -> None:
        self.name = name
        self._address = address_of(name)
        self._links = links
        self._decoder: EventDecoder | None = decoder
        self.events = Occurrence()
        self.requests = Occurrence()
        self.facets = {facet: ValueCounts() for facet in FACETS}
        self._writes: BoundedSet[Write] = BoundedSet(MOST_LINKS)
        self._made: BoundedSet[Request] = BoundedSet(MOST_LINKS)
        self._known: dict[DecodedValues, list[tuple[ValueCounts, str]] | None] = {}
        """What is counted of events that are alike in brief; None if the entity has no part in them."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_decoder": None, "_known": {}}

    def take(self, event: CollectedEvent) -> None:
        """Take an event into account."""
        assert self._decoder is not None
        brief = brief_of(event.text) if isinstance(event, CollectedLine) and self._decoder.by_receipt else None
        if brief is not None and self._links:
            if brief.ended and brief.links:
                self._link(self._decoder.event(event))
            return
        if brief is not None and brief.key is not None:
            self._take_brief(brief, brief.key, event)
            return
        found = self._decoder.outline(event)
        if self._links or needs_bodies(found.view.data):
            found = self._decoder.event(event)
        if self._links:
            if is_end(found):
                self._link(found)
            return
        roles = list(self._roles(found.view.data))
        if roles:
            self.events.add(1, found.time, found.time)
            if is_end(found):
                self.requests.add(1, found.time, found.time)
                for counts, value in self._facts(found, roles):
                    counts.add(value, found.time)
                self._link(found)

    def _take_brief(self, brief: Brief, key: DecodedValues, event: CollectedEvent) -> None:
        """Take an event of which nothing counts but what it shares with others."""
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            assert self._decoder is not None
            found = self._decoder.outline(event)
            roles = list(self._roles(found.view.data))
            self._known[key] = list(self._facts(found, roles)) if roles else None
        facts, time = self._known[key], brief.time
        if facts is not None:
            self.events.add(1, time, time)
            if brief.ended:
                self.requests.add(1, time, time)
                for counts, value in facts:
                    counts.add(value, time)

    def _roles(self, data: dict[str, Any]) -> Iterator[str]:
        """In which parts the entity appears in an event."""
        name, user = self.name, member(data, "user", "username")
        if user == name:
            yield "user"
        if user == f"{NODE}{name}":
            yield "node"
        if member(data, "impersonatedUser", "username") == name:
            yield "impersonated user"
        addresses = data.get("sourceIPs")
        if isinstance(addresses, list) and any(map(self._is_address, addresses)):
            yield "address" if self._is_address(addresses[-1]) else "address named by the client"
        if name in _extra(data, POD_NAME):
            yield "pod"
        if name in _extra(data, NODE_NAME):
            yield "node of a pod"
        if member(data, "objectRef", "name") == name and member(data, "objectRef", "resource") in ("pods", "nodes"):
            yield f"target ({member(data, 'objectRef', 'resource')})"

    def _is_address(self, found: Any) -> bool:
        if found == self.name:
            return True
        return self._address is not None and isinstance(found, str) and is_same(self._address, found)

    def _facts(self, event: AuditEvent, roles: list[str]) -> Iterator[tuple[ValueCounts, str]]:
        """What is counted of the end of a request."""
        for facet, value in self._named_facts(event, roles):
            if value:
                yield self.facets[facet], value

    def _named_facts(self, event: AuditEvent, roles: list[str]) -> Iterator[tuple[str, str]]:
        data = event.view.data
        request = Request(key_of(event), (event,))
        outcome = outcome_of(request)
        user, masked = member(data, "user", "username"), member(data, "impersonatedUser", "username")
        action = action_of(data)
        for role in roles:
            yield "as", role
        if all(role.startswith("target") for role in roles):
            yield "done to it", f"{action} by {masked or user}: {outcome}"
            return
        yield "users", user if user != self.name else ""
        addresses = data.get("sourceIPs")
        if isinstance(addresses, list) and addresses and isinstance(addresses[-1], str):
            yield "addresses", addresses[-1]
        yield "agents", member(data, "userAgent")
        yield "actions", action
        yield "outcomes", outcome
        if masked and masked != self.name:
            yield "impersonated", masked
        if masked == self.name and user != self.name:
            yield "impersonated by", user
        reference = (member(data, "objectRef", "namespace"), member(data, "objectRef", "name"))
        if member(data, "objectRef", "subresource") == "token" and outcome == "success":
            issued = member(data, "annotations", ISSUED)
            yield "tokens asked for", "/".join(reference) + (f" ({issued})" if issued else "")
        if _makes_pod(data) and outcome == "success":
            yield "pods made", "/".join(part for part in (reference[0], name_of_pod(request)) if part)

    def _link(self, event: AuditEvent) -> None:
        """Keep what leads from a pod that a controller made to whoever caused it."""
        data = event.view.data
        request = Request(key_of(event), (event,))
        write = write_of(request, Credentials())
        if write is not None:
            self._writes.add(f"{write.audit_id} {write.time} {write.kind} {write.namespace}/{write.name}", write)
        if _makes_pod(data) and member(data, "user", "username").startswith(_CONTROLLERS):
            slim = _slim(request)
            self._made.add(repr(slim.key), slim)

    def caused(self) -> ValueCounts:
        """The pods that controllers made on the entity's behalf, as far as the log shows who is behind them. A guess
        says so."""
        owners, found = Owners(self._writes), ValueCounts()
        for request in self._made:
            found_chain = owners.chain(request)
            chain = found_chain.links
            if found_chain.complete and chain[-1].user == self.name:
                data = request.last.view.data
                owner = f"{chain[0].kind.lower()} {chain[-1].name}"
                sure = "" if chain[-1].certain else ", likely"
                pod = member(data, "objectRef", "name") or "(name not logged)"
                found.add(f"{member(data, 'objectRef', 'namespace')}/{pod} ({owner}{sure})", request.last.time)
        return found

    def other_users(self) -> tuple[str, ...] | None:
        """The users that the entity had, if it is not a user itself; None if they are too many to ask for."""
        found = self.facets["users"]
        if "user" in self.facets["as"].values:
            return ()
        return tuple(sorted(found.values)) if found.complete and len(found) <= MOST_USERS else None

    def namespaces_changed(self, users: Set[str]) -> tuple[str, ...]:
        """The namespaces in which these users, as far as the digest knows, changed what owns pods, or deleted pods."""
        return tuple(sorted({one.namespace for one in self._writes if one.user in users}))

    @property
    def complete(self) -> bool:
        """Whether everything was kept that shows which pods are due to the entity."""
        return self._writes.complete and self._made.complete

    def merge(self, other: EntityDigest) -> None:
        """Take in what the entity did in another part of the log."""
        self.events.add(other.events.count, other.events.first, other.events.last)
        self.requests.add(other.requests.count, other.requests.first, other.requests.last)
        for facet, counts in other.facets.items():
            self.facets[facet].merge(counts)
        self._writes.merge(other._writes)
        self._made.merge(other._made)


def needs_bodies(data: dict[str, Any]) -> bool:
    """Whether what a digest says of an event depends on its bodies: those of pods and their owners, and dry runs. The
    body of a delete may say that it is one."""
    if member(data, "verb") in DELETES:
        return True
    resource = member(data, "objectRef", "resource")
    if resource in KINDS or resource == "pods":
        return member(data, "verb") not in ("get", "list", "watch")
    return "dryRun" in member(data, "requestURI")


def action_of(data: dict[str, Any]) -> str:
    """What a request asks for: the verb, the resource and the namespace; for other requests the path."""
    verb, resource = member(data, "verb") or "(no verb)", member(data, "objectRef", "resource")
    if not resource:
        return f"{verb} {member(data, 'requestURI').partition('?')[0]}"
    subresource, namespace = member(data, "objectRef", "subresource"), member(data, "objectRef", "namespace")
    what = f"{resource}/{subresource}" if subresource else resource
    return f"{verb} {what}" + (f" -n {namespace}" if namespace else "")


def name_of_pod(request: Request) -> str:
    """The name of a pod that a request made: of the response where the server chose it."""
    data = request.last.view.data
    return member(data, "objectRef", "name") or member(data, "responseObject", "metadata", "name")


def _makes_pod(data: dict[str, Any]) -> bool:
    reference = data.get("objectRef")
    return (
        member(data, "verb") == "create"
        and isinstance(reference, dict)
        and reference.get("resource") == "pods"
        and not reference.get("subresource")
    )


def _extra(data: dict[str, Any], name: str) -> list[Any]:
    user = data.get("user")
    extra = user.get("extra") if isinstance(user, dict) else None
    found = extra.get(name) if isinstance(extra, dict) else None
    return found if isinstance(found, list) else []


def _slim(request: Request) -> Request:
    """The request with nothing but what leads to its owner: bodies are large."""
    event, owner = request.last, owner_in(request)
    data: dict[str, Any] = {
        "objectRef": {"namespace": member(event.view.data, "objectRef", "namespace"), "name": name_of_pod(request)},
        "user": {"username": request.key.user},
    }
    if owner is not None:
        reference = {"kind": owner[0], "name": owner[1], "controller": True}
        data["requestObject"] = {"metadata": {"ownerReferences": [reference]}}
    small = AuditEvent(View(data, ""), None, event.time, event.stage_time, event.origin)
    return Request(request.key, (small,))
