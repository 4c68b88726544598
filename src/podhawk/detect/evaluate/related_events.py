"""Events that findings need although no search selects them.

If a controller made a request, the changes of the objects that it acts for show who is behind it. If a service account
made it, the request that issued its token does. The scan gathers both as text: which of them matter is known only
afterwards, and most are never decoded.

A search may select only some stages of a request, such as those with a body, but the outcome is in the last stage.
Requests that were seen without their end are searched for again, unless a search that selected them would also have
selected their end: then the input does not hold it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.search import SEARCH, Search
from podhawk.detect.evaluate.evaluation import Evaluation
from podhawk.detect.requests.actor import kind_of_actor
from podhawk.detect.requests.collected import CollectedRequest
from podhawk.detect.requests.components import MANAGER, NODE, OWNER_MAKERS, SERVICE_ACCOUNT
from podhawk.detect.requests.credentials import ISSUED, credential_of
from podhawk.detect.requests.owner_writes import DELETES, KINDS, WRITES
from podhawk.detect.requests.request import RequestKey, member
from podhawk.engine.run.batch import SearchJob
from podhawk.events.collected import CollectedEvent, CutLine
from podhawk.events.event import METADATA, AuditEvent
from podhawk.events.line_template import TextParts
from podhawk.spl.clause import EVERYTHING, And, Clause, Compare, In, Not, Or, fields
from podhawk.spl.text import plain

FEW: Final = 32
"""Up to this number of texts, searching a line for each of them costs less than splitting the line."""
_QUOTED: Final = re.compile(rb'"([^"]*)"')
_ENDS: Final = frozenset({"ResponseComplete", "Panic"})
_END: Final[Clause] = Or((In("stage", tuple(sorted(_ENDS))), Compare("responseStatus.code", "=", "401")))
_STARTS: Final = ("RequestReceived", "ResponseStarted")
_ANSWERED: Final = frozenset({"responseStatus", "responseObject", "requestObject", "annotations"})
"""Members that the first stage does not have."""
_SAME_IN_ALL: Final = frozenset(
    {
        "source",
        "sourcetype",
        "host",
        "index",
        "stage",
        "auditID",
        "level",
        "verb",
        "requestURI",
        "user.username",
        "user.uid",
        "user.groups{}",
        "userAgent",
        "sourceIPs{}",
        "objectRef.resource",
        "objectRef.namespace",
        "objectRef.subresource",
        "objectRef.apiGroup",
        "objectRef.apiVersion",
        "requestReceivedTimestamp",
    }
)
"""The stage, and the fields that the API server fills in from the first stage on.
Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/"""


def unfinished(requests: Mapping[RequestKey, CollectedRequest], evaluations: Sequence[Evaluation]) -> list[str]:
    """The auditIDs of the requests whose end may be in the input although no search selected it."""
    constant: dict[int, bool] = {}

    def sees(number: int) -> bool:
        if number not in constant:
            constant[number] = _constant(evaluations[number])
        return constant[number]

    return sorted(
        {
            key.audit_id
            for key, one in requests.items()
            if key.audit_id
            and not _ended(one)
            and not any(
                sees(number) and _wants_end(evaluations[number], event)
                for event, searches in one.pairs()
                for number in searches
            )
        }
    )


def _constant(evaluation: Evaluation) -> bool:
    """Whether a search selects events only by their stage and by fields that are the same in all stages."""
    probe = evaluation.search.probe_fields
    return probe is not None and probe <= _SAME_IN_ALL


def _wants_end(evaluation: Evaluation, event: AuditEvent) -> bool:
    """Whether a search that selects one stage of a request would select its end."""
    row = evaluation.probe(event)
    for stage in _ENDS:
        row["stage"] = stage
        if not evaluation.search.predicate(row):
            return False
    return True


def ends_of(evaluations: Sequence[Evaluation]) -> Clause | None:
    """Selects the ends of requests of which a search may select the start and not the end. In a stream they come hours
    later, or before the start; there is no second scan. None if no search is of this kind."""
    found = [
        relaxed
        for one in evaluations
        for stage in one.plan.pipeline.stages[:1]
        if isinstance(stage.node, Search) and _tells_stages(stage.node.clause)
        if (relaxed := _of_any_stage(stage.node.clause)) != EVERYTHING
    ]
    return And((Or(tuple(dict.fromkeys(found))), _END)) if found else None


def _tells_stages(clause: Clause) -> bool:
    """Whether a clause may hold for the start of a request and not for its end: it leaves the end out by its stage, or
    it wants something not to be there that only the answer brings."""
    return any(True in _may_be(clause, stage) and _turns(clause, stage) for stage in _STARTS)


def _turns(clause: Clause, start: str, *, wanted: bool = True) -> bool:
    """Whether a part of a clause that is `wanted` (or, inside NOT, unwanted) may hold at the start and not at the end
    (or the other way round). What an event has at its start it keeps."""
    match clause:
        case And(parts=parts) | Or(parts=parts):
            return any(_turns(part, start, wanted=wanted) for part in parts)
        case Not(part=part):
            return _turns(part, start, wanted=not wanted)
        case _ if "stage" in fields(clause):
            return wanted in _may_be(clause, start) and (not wanted) in _may_be(clause, "ResponseComplete")
        case _:
            return not wanted and any(_may_come(name, start) for name in fields(clause))


def _may_come(name: str, start: str) -> bool:
    """Whether a field may be there at the end of a request and not at its start. When a response starts, all is known
    but the answer itself."""
    if start == "ResponseStarted":
        return name.startswith(("responseObject", "responseStatus")) and name != "responseStatus.code"
    return name not in _SAME_IN_ALL


def _may_be(clause: Clause, stage: str) -> frozenset[bool]:
    """What a clause may say of an event of a stage, of which nothing else is known."""
    match clause:
        case And(parts=parts) | Or(parts=parts):
            every = [_may_be(part, stage) for part in parts]
            one = isinstance(clause, Or)  # one part that holds decides an Or, one that fails an And
            other = not one
            found = {one} if any(one in part for part in every) else set()
            return frozenset(found | {other} if all(other in part for part in every) else found)
        case Not(part=part):
            return frozenset(not value for value in _may_be(part, stage))
        case Compare(name="stage", operator="=" | "!=", value=value) if "*" not in value:
            return frozenset({(value == stage) is (clause.operator == "=")})
        case In(name="stage", values=values) if not any("*" in value for value in values):
            return frozenset({stage in values})
        case Compare() | In() if stage == "RequestReceived" and clause.name.split(".")[0].split("{")[0] in _ANSWERED:
            return frozenset({False})
        case _:
            return frozenset({True, False})


def _of_any_stage(clause: Clause) -> Clause:
    """The clause without what depends on the stage."""
    match clause:
        case And(parts=parts):
            kept = [one for part in parts if (one := _of_any_stage(part)) != EVERYTHING]
            return And(tuple(kept)) if kept else EVERYTHING
        case Or(parts=parts):
            some = tuple(map(_of_any_stage, parts))
            return EVERYTHING if EVERYTHING in some else Or(some)
        case _:
            named = fields(clause)
            return clause if named and named <= _SAME_IN_ALL - {"stage", *METADATA} else EVERYTHING


def _ended(one: CollectedRequest) -> bool:
    return any(map(is_end, one.request.events))


def is_end(event: AuditEvent) -> bool:
    """Whether an event is the last one of its request."""
    data = event.view.data
    # A failed log-in is written once, when the response starts.
    return member(data, "stage") in _ENDS or member(data, "responseStatus", "code") == "401"


def visible_part(one: CollectedRequest) -> CollectedRequest:
    """The part of a request that findings show: the stages that searches select, and the end if they select none.

    A state knows more stages than the second scan brings, and which ones depends on how the log was cut. The part that
    findings show must not depend on it.
    """
    wanted = [searches for searches in one.wanted if searches]
    if len(wanted) == len(one.wanted):
        return one
    ended = any(searches and is_end(event) for event, searches in one.pairs())
    pairs = [(event, searches) for event, searches in one.pairs() if searches or (not ended and is_end(event))]
    request = replace(one.request, events=tuple(event for event, _ in pairs))
    return CollectedRequest(request, tuple(searches for _, searches in pairs))


def served_by_controllers(requests: Mapping[RequestKey, CollectedRequest]) -> list[str]:
    """What names the changes of owners that matter: the namespaces in which controllers made requests, as the owners
    that they act for are in the same namespaces, and the controllers that make owners."""
    served = sorted(
        {
            member(one.request.last.view.data, "objectRef", "namespace")
            for key, one in requests.items()
            if key.user.startswith(SERVICE_ACCOUNT) and kind_of_actor(key.user, (), one.request) == "controller"
        }
    )
    return [*served, *OWNER_MAKERS] if served else []


def naming(
    gathered: Sequence[tuple[CollectedEvent, list[int]]], texts: Collection[str]
) -> list[tuple[CollectedEvent, list[int]]]:
    """The gathered events that may have one of these texts as a value. The others need not be decoded."""
    if not texts:
        return []
    if "" in texts:  # an event without the member matches too
        return list(gathered)
    named = {text.encode() for text in texts}
    quoted = [b'"' + text + b'"' for text in named]

    def any_in(line: bytes) -> bool:
        if len(quoted) > FEW:
            return not named.isdisjoint(_QUOTED.findall(line))
        return any(text in line for text in quoted)

    alike: dict[TextParts, bool] = {}

    def may_name(kept: CollectedEvent) -> bool:
        if isinstance(kept, CutLine):  # an identity is no name
            known = alike.get(kept.rest)
            if known is None:
                text = b"".join(kept.rest)
                known = alike[kept.rest] = b"\\" in text or any_in(text)
            return known
        return isinstance(kept, AuditEvent) or b"\\" in kept.text or any_in(kept.text)

    return [(kept, numbers) for kept, numbers in gathered if may_name(kept)]


def tokens_used(requests: Mapping[RequestKey, CollectedRequest]) -> list[str]:
    """What names the requests for tokens that matter: the ids of the tokens that service accounts used, as far as the
    events have them, and the components whose address these requests show."""
    ids = {
        id_
        for key, one in requests.items()
        if key.user.startswith(SERVICE_ACCOUNT) and (id_ := credential_of(one.request))
    }
    nodes = {key.user for key in requests if key.user.startswith(NODE)}
    components = {MANAGER for key in requests if key.user.startswith(SERVICE_ACCOUNT) or key.user == MANAGER}
    return sorted(ids | nodes | components)


TOKENS_ISSUED: Final[Clause] = Compare(f"annotations.{ISSUED}", "=", "*")
"""Selects the events that issued a token."""


def clause_of(audit_ids: Iterable[str]) -> Clause:
    """The clause that selects the events with these auditIDs."""
    return In("auditID", tuple(audit_ids))


OWNER_WRITES: Final[Clause] = And(
    (
        In("objectRef.resource", tuple(KINDS)),
        In("verb", tuple(sorted(WRITES))),
        Not(Compare("objectRef.subresource", "=", "status")),
    )
)
"""Selects the changes of objects that own other objects."""

POD_DELETIONS: Final[Clause] = And(
    (
        Or((In("verb", tuple(sorted(DELETES))), Compare("objectRef.subresource", "=", "eviction"))),
        Compare("objectRef.resource", "=", "pods"),
        Not(In("user.username", ("system:node:*", "system:serviceaccount:kube-system:*"))),
    )
)
"""Selects the deletions of pods that are not part of a controller's or a node's work."""


def gathering(clause: Clause, context: Context) -> SearchJob:
    """A search that gathers the events that a clause selects."""
    text = plain("", "related events of findings")
    return SearchJob(Pipeline((Stage(SEARCH, Search(clause), "search"),), text), context)
