"""Rows that are judged with the secrets in them and shown without.

A mask must not hide a finding: a search that asks for `curl` in a command must see it behind `password=` too. So
searches judge the events as they were read. What is shown comes from the masked events where these give as many rows;
otherwise the secrets are taken out of the cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any, Final

from podhawk.events.event import AuditEvent
from podhawk.events.redaction.mask import REDACTED
from podhawk.rows import Row, Table, Value, texts

_SHORTEST: Final = 6
"""Shorter secrets are taken out of a cell only if they are all of it."""


def as_read(event: AuditEvent) -> AuditEvent:
    """The event with its secrets, as searches judge it."""
    return event.unmasked or event


def _texts_of(events: Iterable[AuditEvent]) -> set[str]:
    """Every text of events."""
    return {text for event in events for text in _texts_in(event.view.data)}


def _texts_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _texts_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts_in(value)
    elif node is not None and not isinstance(node, bool):
        yield str(node)


def without_secrets(table: Table, events: Sequence[AuditEvent]) -> Table:
    """The rows of a table that were made of these events, with a mark in place of each value that is a secret, holds
    one or is a part of one. What an event shows unmasked stays: whoever writes his own name into a Secret must not
    vanish from the rows, and with them from the risk."""
    if all(event.unmasked is None for event in events):
        return table
    shown = _texts_of(events)
    secrets = _texts_of(map(as_read, events)) - shown - {""}
    rows = [Row({name: _cell(secrets, shown, value) for name, value in row.items()}, row.order) for row in table.rows]
    return Table(rows, table.columns)


def with_hidden(masked: Table, judged: Table) -> Table:
    """The rows of a search over masked events; if they are fewer than those over the events as they were read, these,
    with a mark in place of each value that the masked rows do not have."""
    if len(masked.rows) >= len(judged.rows):
        return masked
    known = {text for row in masked.rows for value in row.values() for text in texts(value)}
    rows = [Row({name: _known(known, value) for name, value in row.items()}, row.order) for row in judged.rows]
    return Table(rows, judged.columns)


def _known(known: Set[str], value: Value) -> Value:
    shown = tuple(text if text in known else REDACTED for text in texts(value))
    return shown if isinstance(value, tuple) else shown[0]


def _cell(secrets: Set[str], shown: Set[str], value: Value) -> Value:
    made = tuple(text if text in shown or not _tells(secrets, text) else REDACTED for text in texts(value))
    if all(text is not REDACTED for text in made):
        return value
    return made if isinstance(value, tuple) else made[0]


def _tells(secrets: Set[str], text: str) -> bool:
    low = text.lower()
    return text in secrets or any(
        (len(one) >= _SHORTEST and one.lower() in low) or (len(text) >= _SHORTEST and low in one.lower())
        for one in secrets
    )
