"""Rows whose columns are the members of an audit event, under names of their own.

The names may have a prefix in common (`kubernetes.audit.`). Log Analytics keeps audit events in the tables AKSAudit
and AKSAuditAdmin (`AuditId`, `RequestUri`, `SourceIps` …); databases write names in lower case, with underscores, or
with a suffix for the type. A name stands for a member if both are the same without case, underscores and the like.

Source: https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from podhawk.events import hides
from podhawk.events.decode import encode_json
from podhawk.events.envelope import Carrier, Envelope, Format, Layer, Record
from podhawk.events.event import AUDIT_KEYS
from podhawk.events.formats.aks import SOURCETYPE, cluster_of
from podhawk.events.formats.native import event_or_reject
from podhawk.events.formats.shipper import said_beside
from podhawk.events.reasons import is_audit_event
from podhawk.events.time import epoch_of

_MARKS: Final = re.compile(r"[^a-z0-9]+")
_TYPED: Final = re.compile(r"_[sdgtb]\Z")
"""What the data collector of Log Analytics puts behind the names of a custom table."""
_MEMBERS: Final = {
    **{_MARKS.sub("", name.lower()): name for name in AUDIT_KEYS},
    "requestreceivedtime": "requestReceivedTimestamp",
    "stagereceivedtime": "stageTimestamp",
}
_ID: Final = re.compile(rf"(?:\A(?=.)|[{hides.PREFIXES}](?=auditID))(auditID|{'|'.join(hides.IDS)})\Z")
_LISTS: Final = frozenset({"sourceIPs", "user.groups"})
_LONGEST: Final = 60
_NEVER_GIVEN: Final = frozenset({"impersonatedUser"})
"""What the tables of Log Analytics have no column for."""


def member_of(column: str) -> str | None:
    """The member of an audit event that a column is named after."""
    if len(column) > _LONGEST:
        return None
    return _MEMBERS.get(_MARKS.sub("", column.lower()))


def is_event_column(column: str) -> bool:
    """Whether a column is one that tables of audit events have, and no others."""
    return _is_id(column) or column.lower().startswith(("protopayload", "proto_payload"))


def _renamed(value: dict[str, Any]) -> dict[str, Any]:
    """The row with the members under their own names; empty cells are left out."""
    names = {name: _TYPED.sub("", name) for name in value}
    if not any(plain != name and _ID.search(plain) for name, plain in names.items()):
        names = {name: name for name in value}  # nobody put types behind them
    prefix = next((name[: -len(_own(name))] for name in names.values() if _ID.search(name)), "")
    listed = bool(prefix) and all(type(cell) is list and len(cell) == 1 for cell in value.values())
    found: dict[str, Any] = {}
    for column, cell in value.items():
        name = names[column].removeprefix(prefix)
        if listed and name not in _LISTS:
            cell = cell[0]
        if cell is not None and cell != "":
            found[member_of(name) or name] = cell
    return found


def _own(column: str) -> str:
    """The last part of a column's name, where that is the one of an audit event's id."""
    found = _ID.search(column)
    return found[1] if found is not None else column


def _recognise(value: Any) -> bool:
    if type(value) is not dict or is_audit_event(value) or not any(map(_is_id, value)):
        return False
    return is_audit_event(_renamed(value))


@lru_cache(maxsize=4096)
def _is_id(column: str) -> bool:
    return len(column) <= _LONGEST and _ID.search(_TYPED.sub("", column)) is not None


def _unwrap(record: Record) -> Layer:
    data = _renamed(record.value)
    yield from event_or_reject(data, None, _envelope(record.value, record.envelope))


def _envelope(value: dict[str, Any], envelope: Envelope) -> Envelope:
    said = said_beside(value, envelope, "columns")
    resource = value.get("_ResourceId") or value.get("ResourceId")
    if not isinstance(resource, str):
        return said
    moment = epoch_of(value.get("TimeGenerated"))
    carrier = Carrier(SOURCETYPE, str(resource), value, encode_json(value))
    found = said.within("columns", time=moment, cluster=cluster_of(str(resource)), carrier=carrier)
    return found if _has_impersonation(value) else found.within("columns", missing=found.missing | _NEVER_GIVEN)


def _has_impersonation(value: dict[str, Any]) -> bool:
    return any(member_of(column) == "impersonatedUser" for column in value)


COLUMNS: Final = Format(
    name="columns",
    doc="Rows of a table whose columns are the members of an audit event under names of their own: AKSAudit and "
    "AKSAuditAdmin of Log Analytics (exported by a diagnostic setting, queried with `az`, or through the REST API), "
    "tables of databases. The cluster is the last part of `_ResourceId`.",
    recognise=_recognise,
    unwrap=_unwrap,
    certain=True,
    hides=hides.COLUMNS,
    example='{"TimeGenerated":"2026-11-01T10:00:00.5Z","Level":"Metadata","AuditId":"7f0a","Stage":"ResponseComplete",'
    '"Verb":"get","User":"{\\"username\\":\\"alice\\"}","SourceIps":"[\\"10.0.0.7\\"]","RequestReceivedTime":'
    '"2026-11-01T10:00:00.000001Z","Type":"AKSAudit","_ResourceId":"/subscriptions/0/resourcegroups/rg/providers/'
    'microsoft.containerservice/managedclusters/prod-eu"}\n',
)
