"""The incidents that an increment changes: those of the risk objects whose risk changed.

A search over risk sees one risk object of one cluster at a time, so that the incidents of the others stay. A search
that groups by something else sees all risk events of a cluster, or of all clusters, and is asked again as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from msgspec import Struct

from podhawk.content.model import Content
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.increment.kept import KeptFindings, KeptRisk, SeriesRow, series_key
from podhawk.detect.match import Match
from podhawk.detect.passes.scored import Again
from podhawk.detect.risk.incidents import RiskSearch, incident_matches, is_wide
from podhawk.detect.risk_event import RiskEvent

_WIDE: Final = series_key(["wide"])


def entity_key(*entity: str) -> str:
    """The key of the incidents of a risk object, by its type, value and cluster."""
    return series_key(["entity", *entity])


class IncidentChange(Struct, frozen=True):
    """Incidents that were looked at again, each with its row in the series of incidents; the keys of all incidents that
    were; and the risk of the risk objects."""

    matches: Sequence[Match] = ()
    rows: Mapping[str, SeriesRow] = {}
    keys: frozenset[str] = frozenset()
    risk: Sequence[RiskEvent] = ()


def incidents_with(
    kept: KeptFindings,
    risk: KeptRisk,
    searches: Sequence[Prepared],
    content: Content,
    objects: Collection[tuple[str, str, str]],
    again: Again,
) -> IncidentChange:
    """The incidents of risk objects whose risk changed, and those of searches that see more than these."""
    if not objects:
        return IncidentChange()
    made = [RiskSearch(one, content) for one in searches]
    wide = [one for one, search in zip(searches, made, strict=True) if is_wide(search)]
    narrow = [one for one, search in zip(searches, made, strict=True) if not is_wide(search)]
    events = risk.risk_of_objects(objects)
    of_objects = _matches(kept, narrow, content, events, again)
    of_all = _matches(kept, wide, content, risk.risk_of_clusters(None), again) if wide else []
    rows = {}
    for match, key in (*((one, _key_of(one)) for one in of_objects), *((one, _WIDE) for one in of_all)):
        finding = match.finding
        rows[finding.finding_id] = SeriesRow(key, finding.first_time, finding.finding_id)
    keys = {entity_key(*one) for one in objects}
    return IncidentChange([*of_objects, *of_all], rows, frozenset({*keys, *([_WIDE] if wide else ())}), events)


def _key_of(match: Match) -> str:
    (gained,) = match.finding.risk_objects
    return entity_key(gained.type, gained.value, match.finding.cluster)


def _matches(
    kept: KeptFindings, searches: Sequence[Prepared], content: Content, events: Sequence[RiskEvent], again: Again
) -> list[Match]:
    if not events or not searches:
        return []

    def findings(ids: Collection[str]) -> dict[str, Match]:
        return {match.finding.finding_id: match for match in again(kept.load(ids))}

    return incident_matches(searches, content, events, findings)
