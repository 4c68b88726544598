"""What the editor asks for while somebody types: faults, and what may be written at the caret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from podhawk.authoring.editor import SearchFault, complete, search_faults
from podhawk.serve.console.hunt.question import LONGEST
from podhawk.serve.console.loaded_content import loaded_site
from podhawk.serve.console.page import Page, Visit
from podhawk.serve.searches.pool import Hunt


class TextPart(Struct, frozen=True):
    """A run of a search; `level` says that a fault is about it."""

    text: str
    level: str = ""


def marked(text: str, faults: Sequence[SearchFault]) -> list[TextPart]:
    """The text in parts, with those that faults are about. Where two overlap, the first counts."""
    parts: list[TextPart] = []
    at = 0
    for one in sorted(faults, key=lambda fault: fault.start):
        if one.start < at or one.end <= one.start:
            continue
        parts += [TextPart(text[at : one.start]), TextPart(text[one.start : one.end], one.level)]
        at = one.end
    return [part for part in (*parts, TextPart(text[at:])) if part.text]


def faults_of(visit: Visit, text: str) -> list[SearchFault]:
    """What is wrong with a search."""
    site = loaded_site(visit.console)
    return search_faults(text, site.content.macros, site.context())


def check_view(visit: Visit) -> Mapping[str, Any]:
    """The faults of a text, as it stands in the editor."""
    text = visit.asked("q").replace("\r\n", "\n")[: LONGEST + 1]
    faults = faults_of(visit, text)
    return {"faults": faults, "parts": marked(text, faults)}


def complete_view(visit: Visit) -> Mapping[str, Any]:
    """What may be written at the caret. `at` counts UTF-16 units, as browsers do; so do `back` and `ahead`, the text
    before and after the caret that a completion replaces."""
    text = visit.asked("q").replace("\r\n", "\n")[: LONGEST + 1]
    given = visit.asked("at")
    at = _characters(text, int(given) if given.isdecimal() and len(given) < 7 else 0)
    fields, values = known_from(_last(visit))
    found = complete(text, at, loaded_site(visit.console).content, fields, values)
    return {
        "items": found.items,
        "back": _units(text[found.start : at]),
        "ahead": _units(text[at : found.end]),
    }


def _characters(text: str, units: int) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "replace"))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _last(visit: Visit) -> Hunt | None:
    async def find() -> Hunt | None:
        return visit.console.pool.last(visit.token.name, visit.token.clusters)

    return visit.console.in_loop(find)


def known_from(hunt: Hunt | None) -> tuple[list[str], dict[str, list[str]]]:
    """The fields of a result, and their values: names that the schema of audit events does not know."""
    overview = hunt.answer.overview if hunt is not None and hunt.answer is not None else None
    if overview is None:
        return [], {}
    return (
        [one.name for one in overview.fields],
        {one.name: [value for value, _ in one.top if len(value) < 100] for one in overview.fields},
    )


CHECK: Final = Page("/hunt/check", "Check", "viewer", "hunt_check.html", check_view)
COMPLETE: Final = Page("/hunt/complete", "Completions", "viewer", "hunt_complete.html", complete_view)
