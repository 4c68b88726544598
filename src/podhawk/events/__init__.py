"""Bytes to audit events: recognising and unwrapping what API servers, clouds and shippers write."""

from podhawk.events.event import AuditEvent, Origin, View
from podhawk.events.fields import FlattenRules, fields_of, flatten, pick
from podhawk.events.read import InputReport, ReadOptions, check_recognised, expand_paths, read_events

__all__ = [
    "AuditEvent",
    "FlattenRules",
    "InputReport",
    "Origin",
    "ReadOptions",
    "View",
    "check_recognised",
    "expand_paths",
    "fields_of",
    "flatten",
    "pick",
    "read_events",
]
