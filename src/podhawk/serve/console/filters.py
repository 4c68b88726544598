"""What the queue shows, as its URL says it. Each filter is declared once: its name, its choices, and its SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any, Final, get_args

import sqlalchemy as sql
from msgspec import Struct

from podhawk.detect.activity.identity_rows import SEVERITIES
from podhawk.detect.finding import ActorKind, Outcome
from podhawk.errors import UsageError
from podhawk.functions.times import resolve
from podhawk.serve.console.queue_index import CLOSED, INCIDENT, QUEUE
from podhawk.store.keys import column_text
from podhawk.store.triage import STATUSES

OPEN: Final = tuple(one for one in STATUSES if one not in CLOSED)
LONGEST: Final = 1000
"""Characters of a value in the URL."""
_LAST: Final = 1 << 53


class QueueFilter(Struct, frozen=True):
    """A filter: its name in the URL, in words, and its condition. `choices` are all values that it takes; without any
    it takes text."""

    name: str
    label: str
    condition: Callable[[str, float], Any]
    choices: tuple[str, ...] = ()
    preset: str = ""
    many: bool = False
    """Whether it may stand in the URL several times; then any of the values is enough."""


def _moment(text: str, now: float) -> float:
    return resolve(text, now, UTC)


def _number(text: str, name: str) -> int:
    if not text.isdecimal() or int(text) > 100:
        raise UsageError(f"{name} is not a number from 0 to 100: {text[:40]!r}")
    return int(text)


def _contains(column: Any, text: str) -> Any:
    return column.contains(text, autoescape=True)


def _in_list(column: Any) -> Callable[[str, float], Any]:
    return lambda text, now: _contains(column, f"|{text.replace('|', '¦')}|")


def _is(column: Any) -> Callable[[str, float], Any]:
    return lambda text, now: column == text


_SHOWN: Final = sql.literal_column(f"+{QUEUE.name}.shown", sql.Integer)
_STATUS: Final = sql.literal_column(f"+{QUEUE.name}.status", sql.String)
"""Columns by which most findings are alike. The sign keeps SQLite from choosing an index for them.

Source: https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
"""


def _shown(text: str, now: float) -> Any:
    hidden = {"hidden": _SHOWN == 0, "all": sql.true()}
    return hidden.get(text, _SHOWN == 1)


def _status(text: str, now: float) -> Any:
    groups = {"open": OPEN, "done": CLOSED, "any": STATUSES}
    return _STATUS.in_(groups.get(text, (text,)))


FILTERS: Final[tuple[QueueFilter, ...]] = (
    QueueFilter("earliest", "From", lambda text, now: QUEUE.c.last_time >= _moment(text, now)),
    QueueFilter("latest", "To", lambda text, now: QUEUE.c.first_time < _moment(text, now)),
    QueueFilter("priority", "Priority from", lambda text, now: QUEUE.c.urgency % INCIDENT >= _number(text, "priority")),
    QueueFilter(
        "severity",
        "Severity",
        lambda text, now: QUEUE.c.severity == SEVERITIES.index(text),
        tuple(reversed(SEVERITIES)),
        many=True,
    ),
    QueueFilter("status", "Status", _status, ("open", *STATUSES, "done", "any"), "open"),
    QueueFilter("show", "Show", _shown, ("visible", "hidden", "all"), "visible"),
    QueueFilter("detection", "Detection", _is(QUEUE.c.detection)),
    QueueFilter("story", "Story", _in_list(QUEUE.c.story)),
    QueueFilter("technique", "Technique", _in_list(QUEUE.c.technique)),
    QueueFilter("actor", "Actor contains", lambda text, now: _contains(QUEUE.c.identity, text)),
    QueueFilter("kind", "Kind of actor", _is(QUEUE.c.actor_kind), get_args(ActorKind), many=True),
    QueueFilter("outcome", "Outcome", _is(QUEUE.c.outcome), get_args(Outcome), many=True),
    QueueFilter("cluster", "Cluster", lambda text, now: QUEUE.c.cluster == column_text(text, 255)),
    QueueFilter("noise", "Noise class", _in_list(QUEUE.c.noise)),
    QueueFilter("hidden_by", "Hidden by", _is(QUEUE.c.hidden_by), ("exception", "noise", "throttled", "bar", "shadow")),
    QueueFilter("hiding", "Name of what hides", _is(QUEUE.c.hiding)),
    QueueFilter("type", "Type", _is(QUEUE.c.kind), ("incident", "finding", "intermediate"), many=True),
    QueueFilter("assignee", "Assignee", _is(QUEUE.c.assignee)),
    QueueFilter("identity", "Identity", _is(QUEUE.c.identity_key)),
    QueueFilter("rose", "New since", lambda text, now: QUEUE.c.rose > _moment(text, now)),
    QueueFilter("title", "Title contains", lambda text, now: _contains(QUEUE.c.title, text)),
)
BY_NAME: Final = {one.name: one for one in FILTERS}


class Chosen(Struct, frozen=True):
    """The filters that a URL chooses, the values of each; and what follows for SQL."""

    values: Mapping[str, tuple[str, ...]]
    conditions: tuple[Any, ...]
    clusters: tuple[str, ...]
    now: float = 0.0

    def one(self, name: str) -> str:
        """The value of a filter, or what is preset."""
        found = self.values.get(name)
        return found[0] if found else BY_NAME[name].preset

    def without(self, *names: str) -> Chosen:
        """The same without some filters."""
        return chosen({name: some for name, some in self.values.items() if name not in names}, self.clusters, self.now)

    def having(self, **values: str) -> Chosen:
        """The same with other values of some filters."""
        return chosen({**self.values, **{name: (one,) for name, one in values.items()}}, self.clusters, self.now)


def chosen(query: Mapping[str, Sequence[str]], clusters: tuple[str, ...], now: float) -> Chosen:
    """The filters of a query, for somebody who sees these clusters. Names that are no filter are not looked at. Raises
    UsageError, SearchError for a value that cannot be used."""
    values: dict[str, tuple[str, ...]] = {}
    conditions: list[Any] = []
    for one in FILTERS:
        given = tuple(dict.fromkeys(text.strip()[:LONGEST] for text in query.get(one.name, ()) if text.strip()))
        given = given if one.many else given[:1]
        for text in given:
            if one.choices and text not in one.choices:
                raise UsageError(
                    f"{one.label}: {text[:40]!r} is none of the choices", remedy=f"Choices: {', '.join(one.choices)}."
                )
        if given and given != (one.preset,):
            values[one.name] = given
        asked = [text for text in given or (one.preset,) if text]
        if asked:
            conditions.append(sql.or_(*(one.condition(text, now) for text in asked)))
    if "*" not in clusters:
        conditions.append(QUEUE.c.cluster.in_([column_text(one, 255) for one in clusters]))
    return Chosen(values, tuple(conditions), clusters, now)
