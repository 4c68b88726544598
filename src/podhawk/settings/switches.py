"""Every behaviour that can be turned, in one table.

Two kinds stand here. *Differences* are places where podhawk deliberately does something else than Splunk;
`--splunk-exact` turns all of them off. *Readings* are Splunk behaviours for which no sentence of its
documentation was found: the default is what is believed true, the switch is the other reading, to be
turned on once a real Splunk has shown it right.
"""

from __future__ import annotations

from dataclasses import dataclass

from podhawk.errors import UsageError, nearest


@dataclass(frozen=True, slots=True)
class Switch:
    """A named behaviour: what holds by default, and what holds when the switch is on."""

    name: str
    default: str
    turned: str
    difference: bool = False


SWITCHES: tuple[Switch, ...] = (
    Switch("phrase-boundaries", "a quoted phrase matches wherever its characters stand in _raw",
           "a quoted phrase must begin and end at a breaker, as a bare word must"),
)

DIFFERENCES: tuple[Switch, ...] = (
    Switch("fillnull-by-list", "fillnull without a list fills the fields that some row has",
           "it also fills the fields that the next stats, chart, timechart or top groups by, so that a published "
           "detection cannot go silent because no event in the input has, say, objectRef.name", True),
)

NAMES: frozenset[str] = frozenset(switch.name for switch in SWITCHES)


def chosen(names: list[str] | tuple[str, ...]) -> frozenset[str]:
    """The switches that are on. Raises UsageError for a name that no switch has."""
    for name in names:
        if name not in NAMES:
            raise UsageError(f"unknown switch {name!r}", remedy=nearest(name, NAMES) or
                             f"The switches are: {', '.join(sorted(NAMES))}.")
    return frozenset(names)
