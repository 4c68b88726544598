"""A finding together with the requests behind it: what the passes over findings work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from podhawk.detect.finding import Finding
from podhawk.detect.request import Request


@dataclass(frozen=True, slots=True)
class Match:
    """A finding, and what it was made of.

    `requests` holds the one request of a request plan; of an aggregate plan those that are known, which may be none.
    """

    finding: Finding
    requests: tuple[Request, ...]

    @property
    def request(self) -> Request | None:
        """The request of a request plan, else None."""
        return self.requests[0] if len(self.requests) == 1 else None

    def having(self, **changes: Any) -> Match:
        """The same match, its finding with other values."""
        return Match(replace(self.finding, **changes), self.requests)


Pass = Callable[[Sequence[Match]], Sequence[Match]]
"""What looks at all findings of a run at once and gives them back, in the same order, with more said about them."""
