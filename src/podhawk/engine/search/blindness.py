"""Why a search that is silent could not have fired on an input."""

from __future__ import annotations

from podhawk.engine.search.stats import SearchStats
from podhawk.events.options import InputReport


def reason_it_cannot_fire(stats: SearchStats, report: InputReport) -> str:
    """Why a silent search can never fire on this input, or nothing."""
    if stats.offered and not stats.selected:
        return "no event has the source, sourcetype, host or index that the search selects"
    if not stats.unseen or not stats.offered:
        return ""
    names = ", ".join(sorted(stats.unseen)[:3])
    bodies = any(name.startswith(("requestObject", "responseObject")) for name in stats.unseen)
    levels = sorted(level for level in report.by_level if level)
    if bodies and levels and not set(levels) & {"Request", "RequestResponse"}:
        return f"no event has {names}: bodies are not logged at level {', '.join(levels)}"
    return "" if report.prefiltered else f"no event that it could match has {names}"
