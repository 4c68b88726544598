"""What a noise class is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from podhawk.detect.finding import NoiseAction
from podhawk.detect.match import Match

Members = Callable[[Sequence[Match]], Sequence[bool]]


class NoiseClass(Struct, frozen=True):
    """A reason why a finding may not be worth a person's time. The rule fires all the same, and its rows stay.

    `members` tells of each match of a run whether it belongs; what becomes of those that do is the policy's choice:
    `tag` only says so, `lower` takes points off the priority, `hide` hides them and leaves them out of the risk.
    A `late` class needs to know which findings are in sight otherwise: it comes after the priority and lowers nothing.
    A class `of_events` goes by the events and the search alone: what it said of a finding stays.
    """

    name: str
    doc: str
    action: NoiseAction
    members: Members
    late: bool = False
    of_events: bool = False


def each(test: Callable[[Match], bool]) -> Members:
    """For a class that looks at one match at a time."""
    return lambda matches: [test(match) for match in matches]
