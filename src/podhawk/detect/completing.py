"""The stages of a request that no search asked for.

A search may want only some stages of a request (those that have a body, or those that have none yet), but what became
of it stands in the last one. Requests that were seen without their end are looked for in the input once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.search import SEARCH, Search
from podhawk.detect.request import RequestKey, member
from podhawk.detect.requests import Collected
from podhawk.engine.batch import Request
from podhawk.spl.clause import Clause, In
from podhawk.spl.text import plain

_ENDS: Final = frozenset({"ResponseComplete", "Panic"})


def unfinished(requests: Mapping[RequestKey, Collected]) -> list[str]:
    """The auditIDs of the requests whose end has not been seen."""
    return sorted({key.audit_id for key, one in requests.items() if key.audit_id and not _ended(one)})


def _ended(one: Collected) -> bool:
    for event in one.request.events:
        data = event.view.data
        # A failed log-in is written once, when the response starts.
        if member(data, "stage") in _ENDS or member(data, "responseStatus", "code") == "401":
            return True
    return False


def clause_of(audit_ids: Iterable[str]) -> Clause:
    """What selects the events with these auditIDs."""
    return In("auditID", tuple(audit_ids))


def gathering(clause: Clause, context: Context) -> Request:
    """A request to gather what a clause selects."""
    text = plain("", "the requests behind findings")
    return Request(Pipeline((Stage(SEARCH, Search(clause), "search"),), text), context)
