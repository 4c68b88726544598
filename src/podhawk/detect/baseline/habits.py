"""The habits of a baseline: what an identity does here, as a person of the site has reviewed and committed it.

A habit is narrow. It names the detection, the identity, the address, the verb, the kind of object, the namespace, the
outcome and what the request gives power over; all of them must be equal. Only addresses may be networks, and only the
names of namespaces, objects and impersonated users may have wildcards. So a stolen account at another address, a
success after failures, and another namespace are outside. Names are the requester's word: they narrow a habit, and all
else that it rests on is the word of the server and of the site.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from msgspec import Struct, field, structs

from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content
from podhawk.detect.finding import identity_of
from podhawk.detect.match import Match
from podhawk.detect.requests.target import ADDED
from podhawk.errors import ContentError
from podhawk.functions.patterns import fold, in_network, network, wildcard

HABITS: Final = "kube_baseline_habits"
COMPONENTS: Final = "kube_baseline_components"
_EXACT: Final = (
    "cluster",
    "detection",
    "identity",
    "user",
    "verb",
    "resource",
    "subresource",
    "outcome",
    "powers",
)
HABIT_COLUMNS: Final = (*_EXACT, "effective_user", "address", "namespace", "name")
"""The columns by which a habit is found."""
NOBODY: Final = frozenset({"anonymous", "unauthenticated", "unknown"})
_NUMBERED: Final = re.compile(r"(?:-(?=[a-z]*\d)[a-z0-9]+)+\Z")


class Habit(Struct, frozen=True, order=True):
    """One habit; in `effective_user`, `namespace` and `name`, `*` stands for any text. `address` is an address or a
    network."""

    cluster: str
    detection: str
    identity: str
    user: str
    effective_user: str
    verb: str
    resource: str
    subresource: str
    outcome: str
    powers: str
    address: str
    namespace: str
    name: str

    @property
    def exact(self) -> tuple[str, ...]:
        """What must be equal."""
        return tuple(getattr(self, column) for column in _EXACT)

    def holds(self, other: Habit) -> bool:
        """Whether the rest fits, of a habit with an equal `exact`."""
        return (
            within(other.address, self.address)
            and _fits(self.effective_user, other.effective_user)
            and _fits(self.namespace, other.namespace)
            and _fits(self.name, other.name)
        )


def _fits(pattern: str, name: str) -> bool:
    if "*" not in pattern:
        return pattern == name
    return wildcard(fold(pattern))(fold(name))


def within(address: str, known: str) -> bool:
    """Whether an address is the one that is known, or lies in the network that is known."""
    if address == known:
        return True
    net = network(known)
    return net is not None and in_network(address, net)


def habit_of(match: Match) -> Habit:
    """What a finding would be a case of, with its own names."""
    finding = match.finding
    actor, target = finding.actor, finding.target
    return Habit(
        finding.cluster,
        finding.detection.name,
        identity_of(finding),
        actor.user,
        actor.effective_user,
        " ".join(sorted({request.verb for request in finding.requests})),
        target.resource,
        target.subresource,
        finding.outcome,
        ", ".join(sorted(match.powers)),
        actor.source_ip,
        target.namespace,
        target.name,
    )


def stem(name: str) -> str:
    """A name with `*` for what was made up: a number, or what controllers add."""
    for pattern in (ADDED, _NUMBERED):
        short = pattern.sub("", name)
        if short != name:
            return f"{short}-*"
    return name


def is_known(match: Match) -> bool:
    """Whether a finding is that of somebody: of nobody in particular there are no habits."""
    return match.finding.kind != "incident" and match.finding.actor.kind not in NOBODY


class SiteBaseline(Struct, frozen=True):
    """The habits and components of a site. A component has addresses or networks of its own, by its user."""

    habits: Mapping[tuple[str, ...], Sequence[Habit]] = field(default_factory=dict)
    components: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.habits or self.components)

    def covers(self, match: Match) -> bool:
        """Whether a finding is a habit. What shows a credential in other hands never is."""
        if match.finding.actor.borrowed or not is_known(match):
            return False
        own = habit_of(match)
        return any(known.holds(own) for known in self.habits.get(own.exact, ()))

    def elsewhere(self, match: Match) -> str:
        """What shows that a declared component's credential was used elsewhere, in words; "" if nothing does."""
        actor = match.finding.actor
        known = self.components.get(actor.user, ())
        if not known or not actor.source_ip or actor.borrowed:
            return ""
        if any(within(actor.source_ip, one) for one in known):
            return ""
        return f"used from {actor.source_ip}, not from {', '.join(known)}, which the baseline declares"

    def digest(self) -> str:
        """What stands for the whole of it."""
        made = blake2b(digest_size=12)
        for habit in sorted(habit for some in self.habits.values() for habit in some):
            made.update(repr(habit).encode())
        made.update(repr(sorted((user, *known) for user, known in self.components.items())).encode())
        return made.hexdigest()


def with_declared(matches: Sequence[Match], baseline: SiteBaseline) -> list[Match]:
    """The matches, the actors of those that use a declared component's credential elsewhere marked as `borrowed`."""
    if not baseline.components:
        return list(matches)
    return [
        match.having(actor=structs.replace(match.finding.actor, borrowed=why))
        if (why := baseline.elsewhere(match))
        else match
        for match in matches
    ]


def baseline_of(content: Content) -> SiteBaseline:
    """The baseline in the lookups of the content; empty if it has none. Only what is committed counts: tables that
    searches wrote do not. Raises ContentError for a table that lacks a column."""
    store = LookupStore(content, None, False)
    habits: defaultdict[tuple[str, ...], list[Habit]] = defaultdict(list)
    for row in _rows(content, store, HABITS, HABIT_COLUMNS):
        one = Habit(**{column: row.get(column, "") for column in HABIT_COLUMNS})
        habits[one.exact].append(one)
    components: defaultdict[str, list[str]] = defaultdict(list)
    for row in _rows(content, store, COMPONENTS, ("user", "address")):
        if row.get("user") and row.get("address"):
            components[row["user"]].append(row["address"])
    return SiteBaseline(dict(habits), dict(components))


def _rows(content: Content, store: LookupStore, name: str, columns: Sequence[str]) -> Iterable[Mapping[str, str]]:
    if name not in content.lookups:
        return ()
    table = store.get(name)
    missing = [column for column in columns if column not in table.columns]
    if missing and table.rows:
        raise ContentError(
            f"lookup {name!r} has no column {missing[0]!r}", remedy=f"Its columns are {', '.join(columns)}."
        )
    return table.rows
