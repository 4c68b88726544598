"""A finding together with the requests behind it: what the passes over findings work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import structs

from podhawk.commands.declare import Pipeline
from podhawk.detect.finding import Finding
from podhawk.detect.requests.request import Request
from podhawk.events.event import AuditEvent


class Match(msgspec.Struct, frozen=True):
    """A finding, and what it was made of.

    `requests` holds the one request of a request plan; of an aggregate plan those that are known, which may be none.
    `matched` are the stages of a request plan's request that the search matches, each by itself; of an aggregate plan
    there are none. `search` is the detection's search with its macros expanded, where the finding comes from one.
    """

    finding: Finding
    requests: tuple[Request, ...]
    matched: tuple[AuditEvent, ...] = ()
    search: Pipeline | None = None

    @property
    def request(self) -> Request | None:
        """The request of a request plan, else None."""
        return self.requests[0] if len(self.requests) == 1 else None

    def having(self, **changes: Any) -> Match:
        """The same match, its finding with other values."""
        return structs.replace(self, finding=structs.replace(self.finding, **changes))


Pass = Callable[[Sequence[Match]], Sequence[Match]]
"""A pass over all findings of a run: it returns the matches in the same order, their findings with more members set."""


def in_order(matches: Sequence[Match]) -> list[int]:
    """The positions of matches in order of time; those of equal times in the order of their ids."""
    return sorted(
        range(len(matches)), key=lambda number: (matches[number].finding.first_time, matches[number].finding.finding_id)
    )
