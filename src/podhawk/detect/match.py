"""A finding together with the requests behind it: what the passes over findings work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from podhawk.commands.declare import Pipeline
from podhawk.detect.finding import Finding
from podhawk.detect.request import Request
from podhawk.events.event import AuditEvent


@dataclass(frozen=True, slots=True)
class Match:
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
        # As dataclasses.replace, at a quarter of its price: passes come through here several times for each finding.
        finding, made = self.finding, _new(Finding)
        for name in _MEMBERS:
            _put(made, name, changes[name] if name in changes else getattr(finding, name))
        return Match(made, self.requests, self.matched, self.search)


_MEMBERS = tuple(member.name for member in fields(Finding))
_new, _put = object.__new__, object.__setattr__


Pass = Callable[[Sequence[Match]], Sequence[Match]]
"""What looks at all findings of a run at once and gives them back, in the same order, with more said about them."""
