"""Detections that run in shadow: their findings are made, marked and kept, and nobody is told of them.

To the state it is an exception that holds for everything a detection finds: such findings are hidden and add no risk.
When the detection leaves the shadow, its findings are evaluated again without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from msgspec.structs import replace

from podhawk.arguments import policies_of
from podhawk.content.model import Content
from podhawk.content.selection import select
from podhawk.detect.evaluate.evaluation import kind_of
from podhawk.detect.passes.settle import Policies
from podhawk.detect.rank.exceptions import SiteException
from podhawk.errors import UsageError
from podhawk.serve.accepted import accepted
from podhawk.settings.resolve import Settings
from podhawk.spl.clause import EVERYTHING

SHADOW_OWNER: Final = "podhawk serve --shadow"
"""The owner of the exceptions, which tells them from those of people."""


def in_shadow(content: Content, settings: Settings) -> list[SiteException]:
    """An exception for each detection that runs in shadow. Raises UsageError for a pattern that matches nothing, and
    for a detection that makes incidents: these are made of what is seen."""
    patterns = settings.values.get("shadow") or ()
    if not patterns:
        return []
    found = []
    for one in select(content, patterns):
        if kind_of(one) == "incident":
            raise UsageError(
                f"{one.name} makes incidents out of risk and cannot run in shadow",
                remedy="Name detections that read events.",
            )
        found.append(
            SiteException("shadow", one.name, "*", EVERYTHING, SHADOW_OWNER, "It runs in shadow.", date.max, one.file)
        )
    return found


def served_policies(content: Content, settings: Settings) -> Policies:
    """What the site decides, with the exceptions for detections in shadow and those that people accepted. Whatever the
    service evaluates, in an increment, a job or a search, it evaluates by these. Raises UsageError and ContentError.
    """
    policies = policies_of(settings)
    return replace(policies, exceptions=(*in_shadow(content, settings), *policies.exceptions, *accepted(settings)))


def is_shadow(record: Mapping[str, Any]) -> bool:
    """Whether the record of a finding is marked as one of a detection in shadow."""
    suppressed = record.get("suppressed_by")
    return isinstance(suppressed, dict) and suppressed.get("owner") == SHADOW_OWNER
