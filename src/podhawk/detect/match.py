"""A finding together with the requests behind it: what the passes over findings work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import structs

from podhawk.commands.declare import Pipeline
from podhawk.detect.finding import Finding, Suppression
from podhawk.detect.requests.credentials import credential_of
from podhawk.detect.requests.privilege import privileges
from podhawk.detect.requests.request import Request
from podhawk.events.event import AuditEvent


class Known(msgspec.Struct, frozen=True):
    """What is known of the events behind a finding of an earlier run, which are not at hand: what they give power over,
    the credential of a single request, the noise classes that go by the events and the search alone, the exception, and
    whether it rests on events of which the state keeps no secrets. `request` is what a state knows the one request by,
    of the finding of a request plan; `windows` are the ends of the first and the last window of an aggregate plan, and
    `by_key` is what a state knows its by-key by."""

    powers: tuple[str, ...] = ()
    credential: str = ""
    classes: tuple[str, ...] = ()
    suppressed_by: Suppression | None = None
    masked: bool = False
    request: str = ""
    windows: tuple[float, float] = (0.0, 0.0)
    by_key: str = ""


class Match(msgspec.Struct, frozen=True):
    """A finding, and what it was made of.

    `requests` holds the one request of a request plan; of an aggregate plan those that are known, which may be none.
    `matched` are the stages of a request plan's request that the search matches, each by itself; of an aggregate plan
    there are none. `search` is the detection's search with its macros expanded, where the finding comes from one.
    `known` stands in for the events of a finding that an earlier run made. `windows` are the ends of the first and the
    last window of an aggregate plan that gave rows; `by_key` is what a state knows its by-key by.
    """

    finding: Finding
    requests: tuple[Request, ...]
    matched: tuple[AuditEvent, ...] = ()
    search: Pipeline | None = None
    known: Known | None = None
    windows: tuple[float, float] | None = None
    by_key: str = ""

    @property
    def powers(self) -> tuple[str, ...]:
        """What the requests give power over, each once."""
        if self.known is not None:
            return self.known.powers
        return tuple(dict.fromkeys(one for request in self.requests for one in privileges(request)))

    @property
    def credential(self) -> str:
        """The id of the credential of the one request; "" if the log does not have it."""
        if self.known is not None:
            return self.known.credential
        return "" if self.request is None else credential_of(self.request)

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
