"""Who is behind a controller: from the object that it made to the person who wrote its template.

A controller makes pods for a ReplicaSet that another controller made for a Deployment that a person applied. Where
bodies are logged, each object names its owner (`ownerReferences`), and the way is certain as far as it is known who
wrote the template. At the Metadata level there are only names and times: a controller acts within seconds of the change
that made it act, so the latest change of an owner of that kind in the namespace is taken, if it is the only one; such a
link is a guess and says so. If several people may be behind it, all of them are listed and nobody is charged. Where
nobody is found, the chain is incomplete: it is not seen in this log.

A cause comes before its effect. Times are those at which the API server received the requests; there is no tolerance,
because a later change by somebody else would be taken for the cause.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from podhawk.detect.finding import ChainLink
from podhawk.detect.requests.owner_writes import MADE_BY, POD, Write, owner_in, template_made
from podhawk.detect.requests.request import Request, member

_MAKES_FOR: Final = {
    "replicaset-controller": "ReplicaSet",
    "daemon-set-controller": "DaemonSet",
    "statefulset-controller": "StatefulSet",
    "job-controller": "Job",
    "replication-controller": "ReplicationController",
    "deployment-controller": "Deployment",
    "cronjob-controller": "CronJob",
}
"""What each controller acts for."""

RECENT: Final = 15.0
"""Seconds before a controller's request in which what made it act is looked for first."""
DEEPEST: Final = 4
MOST: Final = 5
"""The number of possible owners that are listed."""
FEW: Final = 20
"""The number of changes that are looked at if none is recent."""

_Place = tuple[str, str, str]
"""A cluster, a namespace and a kind."""


class Chain(Struct, frozen=True):
    """What is known of who is behind a controller's request.

    `complete`: the links lead to somebody who is no controller. `possible` are several people of whom one is behind it.
    `trigger` is who made the controller act, if that is somebody else than the author of the template. `cause` is the
    request of the author, or of an autoscaler, that did so.
    """

    links: tuple[ChainLink, ...] = ()
    complete: bool = False
    possible: tuple[ChainLink, ...] = ()
    trigger: ChainLink | None = None
    cause: str = ""


class _Author(Struct, frozen=True):
    """Who wrote the template of an object: the change, and whether it is known that it was this one."""

    write: Write
    sure: bool


class _History:
    """The changes of one object, in order of time, and those of them that a chain asks for, so that an object that was
    changed many times is not gone through for each chain."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self.writes = writes
        self.templates = any(write.template for write in writes)
        self._people = [write for write in writes if write.actor != "controller"]
        self._wrote = [write for write in writes if write.wrote is not False]
        self._authors = [write for write in self._wrote if write.actor != "controller"]
        self._makers = [write for write in self._wrote if write.wrote]
        other = (one for one in self._authors if one.user != self._authors[0].user)
        self._shared = next((one.time for one in other), None)
        self._by_user: dict[str, list[Write]] = {}  # users in the order of their first change
        for write in self._authors:
            self._by_user.setdefault(write.user, []).append(write)
        self._firsts = [own[0] for own in self._by_user.values()]
        self._scaled: dict[str | None, list[Write]] = {}  # None: by controllers
        for write in writes:
            if write.wrote is False and not write.template:
                for user in (write.user, None) if write.actor == "controller" else (write.user,):
                    self._scaled.setdefault(user, []).append(write)

    def author(self, at: float, template: str, *, fresh: bool) -> _Author | None:
        """Who wrote the template that the object had at a time."""
        if self.templates:
            return _author(_until(self.writes, at), template, fresh=fresh)
        wrote = _until(self._wrote, at)
        if not wrote:
            return None
        author = _last(self._authors, at) or _last(self._makers, at) or wrote[-1]
        alone = self._shared is None or self._shared > at
        return _Author(author, author.wrote is True and alone)

    def people(self, at: float) -> tuple[ChainLink, ...]:
        """The people who may have written the template that the object had at a time."""
        found = [_last(self._by_user[first.user], at) for first in _until(self._firsts, at)[-MOST:]]
        return tuple(_link(write, False) for write in found if write is not None)

    def caused(self, time: float, user: str | None) -> list[Write]:
        """The last changes until a time: that by a person, and of those that are no part of the template those by
        `user` and by controllers."""
        found = [_last(self._people, time)]
        if user is not None:
            found += [_last(self._scaled.get(one, ()), time) for one in (user, None)]
        return [one for one in found if one is not None]


class Owners:
    """The changes of owners that are known, by cluster, kind and namespace, in order of time.

    Deletions of pods by people are kept by each owner that the name of the pod may go back to, and by person: of any
    number of them only the last counts.
    """

    def __init__(self, writes: Iterable[Write] = ()) -> None:
        self._all: dict[_Place, list[Write]] = {}
        named: dict[tuple[_Place, str], list[Write]] = {}
        self._deleted: dict[tuple[str, ...], list[Write]] = {}
        for write in sorted(set(writes), key=lambda write: (write.time, write.audit_id, write.name)):
            place = write.cluster, write.namespace, write.kind
            self._all.setdefault(place, []).append(write)
            named.setdefault((place, write.name), []).append(write)
            if write.kind == POD and write.actor not in ("controller", "node"):
                for owner in _owners_of(write.name):
                    self._deleted.setdefault((*place[:2], owner), []).append(write)
                    self._deleted.setdefault((*place[:2], owner, write.user), []).append(write)

        self._named = {key: _History(found) for key, found in named.items()}

    def chain(self, request: Request) -> Chain:
        """Who is behind a controller's request."""
        where = request.key.cluster, member(request.last.view.data, "objectRef", "namespace")
        time = request.events[0].time or request.events[0].stage_time or 0.0
        owner = owner_in(request)
        if owner is not None:
            return self._from(where, *owner, time, template_made(request), certain=True)
        return self._guess(where, _MAKES_FOR.get(request.key.user.rsplit(":", 1)[-1], ""), time)

    def _from(self, where: tuple[str, str], kind: str, name: str, time: float, made: str, *, certain: bool) -> Chain:
        """The chain from an owner whose name is known."""
        links: list[ChainLink] = []
        histories: list[_History] = []
        at, template, fresh = time, made, False
        others: tuple[ChainLink, ...] = ()
        while len(links) < DEEPEST:
            history = self._named.get(((*where, kind), name), _NO_HISTORY)
            histories.append(history)
            author = history.author(at, template, fresh=fresh)
            if author is None:
                others = history.people(at)
                break
            write, certain = author.write, certain and author.sure
            links.append(_link(write, certain))
            if write.actor != "controller":
                caused = [one for each in histories for one in each.caused(time, write.user)]
                caused += self._deletions(where, links, time, write.user)
                several = () if author.sure else history.people(at)
                possible = several if len(several) > 1 else ()
                return Chain(tuple(links), True, possible, _trigger(caused, write), _cause(caused, write))
            at, template, fresh = write.time, write.template, write.created
            if write.owner_kind:
                kind, name = write.owner_kind, write.owner_name
                continue
            kind, pattern = MADE_BY.get(write.kind, ("", None))
            parts = pattern.match(write.name) if pattern is not None else None
            if parts is None:
                break
            name, certain = parts[1], False
        trigger = _trigger([one for each in histories for one in each.caused(time, None)], None)
        return Chain(tuple(links), possible=others or (() if trigger is None else (trigger,)), trigger=trigger)

    def _guess(self, where: tuple[str, str], kind: str, time: float) -> Chain:
        """The chain of whatever was changed shortly before, else at any time before."""
        before = _until(self._all.get((*where, kind), []), time)
        recent = _from_on(before, time - RECENT)
        chains: list[Chain] = []
        for name, write in {write.name or write.audit_id: write for write in recent or before[-FEW:]}.items():
            if write.name:
                chains.append(self._from(where, kind, name, time, "", certain=False))
            elif write.actor != "controller":
                chains.append(Chain((_link(write, False),), True))
        if recent and len(chains) == 1:
            return chains[0]
        people = [link for one in chains for link in (one.links[-1:] if one.complete else one.possible)]
        if recent and len({link.user for link in people}) == 1:
            return Chain((people[-1],), True)  # whichever it was, this person is behind it
        return Chain(possible=tuple(dict.fromkeys(people))[-MOST:])

    def _deletions(self, where: tuple[str, str], links: Sequence[ChainLink], time: float, user: str) -> list[Write]:
        """The last deletions of pods of one of these owners, by somebody who is no part of the cluster: that by anybody
        and that by `user`. One whose pod is not named may be of any owner."""
        owners = {"", *(link.name for link in links)}
        keys = [key for owner in sorted(owners) for key in ((*where, owner), (*where, owner, user))]
        found = (_last(self._deleted.get(key, ()), time) for key in keys)
        return [one for one in found if one is not None]


def _owners_of(pod: str) -> list[str]:
    """The names of owners that a pod's name may begin with; "" if it has none."""
    return [pod[:place] for place, letter in enumerate(pod) if letter == "-" and place] if pod else [""]


def _time(write: Write) -> float:
    return write.time


def _until(writes: Sequence[Write], time: float) -> Sequence[Write]:
    return writes[: bisect.bisect_right(writes, time, key=_time)]


def _last(writes: Sequence[Write], time: float) -> Write | None:
    place = bisect.bisect_right(writes, time, key=_time)
    return writes[place - 1] if place else None


def _from_on(writes: Sequence[Write], time: float) -> Sequence[Write]:
    return writes[bisect.bisect_left(writes, time, key=_time) :]


_NO_HISTORY: Final = _History(())


def _author(changes: Sequence[Write], template: str, *, fresh: bool) -> _Author | None:
    """Who wrote the template that an object has after these changes; the one given, where that is known. `fresh`: what
    was made of it was made because the template had changed."""
    wrote = [write for write in changes if write.wrote is not False or write.template]
    if template and any(write.template for write in wrote):
        same = [number for number, write in enumerate(wrote) if write.template in (template, "")]
        if not same:
            return None  # whoever wrote this template is not in the log
        latest = same[-1] == len(wrote) - 1
        wrote = wrote[: same[-1] + 1]
    else:  # of several templates it may be any
        latest = len({write.template for write in wrote}) < 2
    if not wrote:
        return None
    first = len(wrote) - 1
    if not wrote[first].template:
        people = [write for write in wrote if write.actor != "controller"]
        author = people[-1] if people else next((write for write in wrote[::-1] if write.wrote), wrote[-1])
        return _Author(author, latest and author.wrote is True and len({write.user for write in people}) <= 1)
    while first and wrote[first - 1].template == wrote[first].template:
        first -= 1
    author = wrote[first]
    changed = first > 0 and bool(wrote[first - 1].template)
    if author.wrote is False and not changed:
        return None  # it had this template before the log begins
    return _Author(author, latest and (changed or author.created or (fresh and author.wrote is True)))


def _people(changes: Sequence[Write]) -> tuple[ChainLink, ...]:
    """The people who may have written a template."""
    found = {
        write.user: _link(write, False) for write in changes if write.actor != "controller" and write.wrote is not False
    }
    return tuple(found.values())[-MOST:]


def _trigger(caused: Sequence[Write], author: Write | None) -> ChainLink | None:
    """The last change by a person, if the author of the template did not make it."""
    people = [write for write in caused if write.actor != "controller"]
    last = max(people, key=lambda write: (write.time, write.audit_id), default=None)
    if last is None or (author is not None and (last.time <= author.time or last.user == author.user)):
        return None
    return _link(last, False)


def _cause(caused: Sequence[Write], author: Write) -> str:
    """The last scale or deletion after the template was written, by its author or an autoscaler. What others do with
    a template is not theirs to answer for."""
    later = [
        write
        for write in caused
        if write.wrote is False
        and not write.template
        and write.time > author.time
        and (write.actor == "controller" or write.user == author.user)
    ]
    return max(later, key=lambda write: (write.time, write.audit_id)).audit_id if later else ""


def _link(write: Write, certain: bool) -> ChainLink:
    return ChainLink(
        write.kind, write.namespace, write.name, write.user, write.audit_id, certain, write.groups, write.address
    )
