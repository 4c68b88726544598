"""What no search asked for, but findings need.

Where a controller acted, the changes of the objects that it acts for tell who is behind it; where a service account
did, the request that issued its token. The scan brings both along, as text: which of them matter is known only
afterwards, and most are never decoded.

A search may want only some stages of a request (those that have a body, or those that have none yet), but what became
of it stands in the last one. Requests that were seen without their end are looked for once more, unless a search that
wanted them would have wanted their end too: then it is not there.
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
from podhawk.detect.requests.actor import SERVICE_ACCOUNT, kind_of_actor
from podhawk.detect.requests.collected import Collected
from podhawk.detect.requests.credentials import ISSUED, credential_of
from podhawk.detect.requests.owners import KINDS, WRITES
from podhawk.detect.requests.request import RequestKey, member
from podhawk.engine.run.batch import Request
from podhawk.events.event import AuditEvent
from podhawk.events.kept import Kept
from podhawk.spl.clause import And, Clause, Compare, In, Not
from podhawk.spl.text import plain

FEW: Final = 32
"""Up to so many texts, looking for each of them costs less than taking a line apart."""
_QUOTED: Final = re.compile(rb'"([^"]*)"')
_ENDS: Final = frozenset({"ResponseComplete", "Panic"})
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
"""The stage, and what the API server knows of a request from its first stage on.
Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/"""


def unfinished(requests: Mapping[RequestKey, Collected], evaluations: Sequence[Evaluation]) -> list[str]:
    """The auditIDs of the requests whose end may stand in the input without any search having wanted it."""
    sees = [_constant(one) for one in evaluations]
    return sorted(
        {
            key.audit_id
            for key, one in requests.items()
            if key.audit_id
            and not _ended(one)
            and not any(
                sees[number] and _wants_end(evaluations[number], event)
                for event, searches in one.pairs()
                for number in searches
            )
        }
    )


def _constant(evaluation: Evaluation) -> bool:
    """Whether a search chooses events by their stage, and by what is the same in all stages of a request."""
    probe = evaluation.job.probe_fields
    return probe is not None and probe <= _SAME_IN_ALL


def _wants_end(evaluation: Evaluation, event: AuditEvent) -> bool:
    """Whether a search that wants one stage of a request would want its end."""
    row = evaluation.probe(event)
    for stage in _ENDS:
        row["stage"] = stage
        if not evaluation.job.test(row):
            return False
    return True


def _ended(one: Collected) -> bool:
    return any(map(_is_end, one.request.events))


def _is_end(event: AuditEvent) -> bool:
    data = event.view.data
    # A failed log-in is written once, when the response starts.
    return member(data, "stage") in _ENDS or member(data, "responseStatus", "code") == "401"


def told(one: Collected) -> Collected:
    """A request as findings show it: the stages that searches want, and its end where they want none.

    A memory knows more stages than a second look brings, and which ones depends on how the log was cut; what is told
    must not.
    """
    wanted = [searches for searches in one.wanted if searches]
    if len(wanted) == len(one.wanted):
        return one
    ended = any(searches and _is_end(event) for event, searches in one.pairs())
    pairs = [(event, searches) for event, searches in one.pairs() if searches or (not ended and _is_end(event))]
    request = replace(one.request, events=tuple(event for event, _ in pairs))
    return Collected(request, tuple(searches for _, searches in pairs))


def served_by_controllers(requests: Mapping[RequestKey, Collected]) -> list[str]:
    """The namespaces in which controllers made requests: there the owners that they act for are."""
    return sorted(
        {
            member(one.request.last.view.data, "objectRef", "namespace")
            for key, one in requests.items()
            if key.user.startswith(SERVICE_ACCOUNT) and kind_of_actor(key.user, (), one.request) == "controller"
        }
    )


def naming(gathered: Sequence[tuple[Kept, list[int]]], texts: Collection[str]) -> list[tuple[Kept, list[int]]]:
    """Those of the gathered events that may have one of these texts as a value; the others need not be decoded."""
    if not texts:
        return []
    if "" in texts:  # what has no such member has no such text either
        return list(gathered)
    named = {text.encode() for text in texts}
    quoted = [b'"' + text + b'"' for text in named]

    def any_in(line: bytes) -> bool:
        if len(quoted) > FEW:
            return not named.isdisjoint(_QUOTED.findall(line))
        return any(text in line for text in quoted)

    return [
        (kept, numbers)
        for kept, numbers in gathered
        if isinstance(kept, AuditEvent) or b"\\" in kept.text or any_in(kept.text)
    ]


def tokens_used(requests: Mapping[RequestKey, Collected]) -> list[str]:
    """The ids of the tokens that service accounts used, as far as events say."""
    return sorted(
        {
            id_
            for key, one in requests.items()
            if key.user.startswith(SERVICE_ACCOUNT) and (id_ := credential_of(one.request))
        }
    )


TOKENS_ISSUED: Final[Clause] = Compare(f"annotations.{ISSUED}", "=", "*")
"""What selects the events that issued any token."""


def clause_of(audit_ids: Iterable[str]) -> Clause:
    """What selects the events with these auditIDs."""
    return In("auditID", tuple(audit_ids))


OWNER_WRITES: Final[Clause] = And(
    (
        In("objectRef.resource", tuple(KINDS)),
        In("verb", tuple(sorted(WRITES))),
        Not(Compare("objectRef.subresource", "=", "status")),
    )
)
"""What selects the changes of objects that own others."""


def gathering(clause: Clause, context: Context) -> Request:
    """A request to gather what a clause selects."""
    text = plain("", "related events of findings")
    return Request(Pipeline((Stage(SEARCH, Search(clause), "search"),), text), context)
