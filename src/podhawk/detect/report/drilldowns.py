"""Drilldown searches of a finding: the content's, with the finding's values in place of their tokens.

A token (`$user$`) stands for all values that the finding has of that field, quoted, with commas between them where the
search lists them (`IN ($user$)`) and OR'd else. `%original_detection_search%` is the detection's own search, and
`$info_min_time$` and `$info_max_time$` are the bounds of the finding.

Source: https://help.splunk.com/en/splunk-enterprise-security-8/administer/create-drilldown-searches
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from podhawk.detect.finding import Finding
from podhawk.spl.text import quote

_TOKEN: Final = re.compile(r'(?P<field>[\w.{}]+\s*(?P<operator>!?=)\s*)?(?P<quoted>"?)\$(?P<name>[^\s$]+)\$(?P=quoted)')
_ORIGINAL: Final = "%original_detection_search%"


class Drilldown(Struct, frozen=True):
    """A search that leads on from a finding; times are epoch seconds, None where the search is open there."""

    name: str
    search: str
    earliest: float | None
    latest: float | None


def drilldowns(finding: Finding) -> list[Drilldown]:
    """The finding's drilldowns, ready to run."""
    found = []
    for one in finding.detection.drilldowns:
        text = one.search.replace(_ORIGINAL, finding.detection.search)
        found.append(
            Drilldown(
                _fill_name(one.name, finding),
                fill(text, finding),
                _bound(one.earliest_offset, finding),
                _bound(one.latest_offset, finding),
            )
        )
    return found


def fill(search: str, finding: Finding) -> str:
    """A search with the values of the finding in place of its tokens; a field that it lacks matches nothing."""

    def put(found: re.Match[str]) -> str:
        values = values_of(found["name"], finding)
        if not found["field"]:
            return ", ".join(map(quote, values)) if values else '""'
        parts = [f"{found['field']}{quote(value)}" for value in values or ("",)]
        joiner = " OR " if found["operator"] == "=" else " "
        return parts[0] if len(parts) == 1 else f"({joiner.join(parts)})"

    return _TOKEN.sub(put, search)


def values_of(name: str, finding: Finding) -> Sequence[str]:
    """What a finding knows of a field: its rows, then its risk and threat objects."""
    found: dict[str, None] = {}
    for row in finding.rows:
        cell = row.get(name)
        for text in cell if isinstance(cell, list) else [cell]:
            if text:
                found[text] = None
    if not found:
        entities = [(one.field, one.value) for one in finding.risk_objects]
        entities += [(one.field, one.value) for one in finding.threat_objects]
        found = dict.fromkeys(value for field, value in entities if field == name)
    if not found and name in ("risk_object", "normalized_risk_object"):
        found = dict.fromkeys(one.value for one in finding.risk_objects)
    return list(found)


def _fill_name(name: str, finding: Finding) -> str:
    return _TOKEN.sub(lambda found: ", ".join(values_of(found["name"], finding)), name)


def _bound(offset: str, finding: Finding) -> float | None:
    if offset == "$info_min_time$":
        return finding.first_time
    if offset == "$info_max_time$":
        return finding.last_time + 0.001
    return None
