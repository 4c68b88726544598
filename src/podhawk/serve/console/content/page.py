"""`/content`: every detection, and `/content/KEY`: all about one, with its tune view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from podhawk.authoring.pages.highlight import pieces
from podhawk.content.model import Detection
from podhawk.detect.report.tuning import exception_for, written
from podhawk.errors import StateUnavailableError, UsageError
from podhawk.serve.accepted import are_accepted
from podhawk.serve.console.content.asked import EARLIEST, answered
from podhawk.serve.console.content.shown import MEANINGS, exceptions_of, key_of, shown_detections
from podhawk.serve.console.exception_dialog import radius_of
from podhawk.serve.console.hunt.question import HuntQuestion, clock
from podhawk.serve.console.loaded_content import LoadedSite, loaded_site
from podhawk.serve.console.page import Action, Done, Download, File, Page, Visit, nothing_here
from podhawk.serve.searches.pool import Hunt
from podhawk.serve.searches.process import ExceptionQuestion

_LONGEST: Final = 2000
_SORTS: Final[Mapping[str, Any]] = {
    "name": lambda one: one.name.lower(),
    "volume": lambda one: (-one.volume.visible, -one.volume.total, one.name.lower()),
    "last": lambda one: (-one.volume.last, one.name.lower()),
    "cost": lambda one: (-one.cpu, one.name.lower()),
    "judgement": lambda one: (one.judgement or "~", one.name.lower()),
}


def view(visit: Visit) -> Mapping[str, Any]:
    """Every detection, filtered and sorted as the address says."""
    site = loaded_site(visit.console)
    judged, told = _judged(visit)
    rows = judged.answer.rows if judged is not None and judged.status == "done" and judged.answer else []
    every = shown_detections(visit, site, rows)
    chosen = {name: visit.asked(name)[:200] for name in ("find", "technique", "story", "state", "type", "judgement")}
    sort = visit.asked("sort") if visit.asked("sort") in _SORTS else "name"
    shown = [one for one in every if _fits(one, chosen)]
    loaded = visit.console.supervisor.content
    return {
        "detections": sorted(shown, key=_SORTS[sort]),
        "every": len(every),
        "chosen": {**chosen, "sort": sort if sort != "name" else "", "judged": visit.asked("judged")[:40]},
        "sort": sort,
        "sorts": tuple(_SORTS),
        "types": sorted({one.type for one in every}),
        "states": sorted({one.state for one in every}),
        "words": Counter(one.judgement for one in every if one.judgement),
        "meanings": MEANINGS,
        "judging": judged,
        "told": told,
        "exceptions": exceptions_of(visit, site),
        "accepts": are_accepted(visit.console.settings),
        "decides": visit.account.may("admin") and visit.token.covers("*"),
        "loaded": loaded,
    }


def _judged(visit: Visit) -> tuple[Hunt | None, str]:
    now = visit.asked("judged")[:40]
    if not now:
        return None, ""
    try:
        hunt = answered(visit, "judgements", "", now)
    except StateUnavailableError as error:
        return None, error.message
    return hunt, hunt.answer.error if hunt.answer is not None else ""


def _fits(one: Any, chosen: Mapping[str, str]) -> bool:
    wanted = chosen["technique"].upper()
    return (
        chosen["find"].lower() in one.name.lower()
        and (not wanted or any(own == wanted or own.startswith(f"{wanted}.") for own in map(str.upper, one.techniques)))
        and (not chosen["story"] or chosen["story"] in one.stories)
        and (not chosen["state"] or chosen["state"] == one.state)
        and (not chosen["type"] or chosen["type"] == one.type)
        and (not chosen["judgement"] or chosen["judgement"] == one.judgement)
    )


def _found(visit: Visit, site: LoadedSite) -> Detection:
    wanted = visit.path["key"]
    for one in site.content.detections:
        if wanted in (key_of(one), one.stem):
            return one
    raise nothing_here("detection")


def detection_view(visit: Visit) -> Mapping[str, Any]:
    """All about one detection."""
    site = loaded_site(visit.console)
    one = _found(visit, site)
    now, when = visit.asked("tune")[:40], visit.asked("when")[:_LONGEST]
    tuned, told, remedy = None, "", ""
    if now:
        try:
            tuned = _tuned(visit, one, now, when)
        except StateUnavailableError as error:
            told, remedy = error.message, error.remedy
    if tuned is not None and tuned.answer is not None:
        told, remedy = tuned.answer.error, tuned.answer.remedy
    (shown,) = (each for each in shown_detections(visit, site, []) if each.key == key_of(one))
    return {
        "one": one,
        "shown": shown,
        "pieces": pieces(one.search),
        "hunt": HuntQuestion(one.search).address(),
        "tuned": tuned,
        "rows": _rows(tuned, when) if tuned is not None and tuned.status == "done" else [],
        "when": when,
        "tune": now,
        "told": told,
        "remedy": remedy,
        "address": _address(one),
        "span": EARLIEST.removeprefix("-"),
        "urlencode": urlencode,
    }


def _tuned(visit: Visit, one: Detection, now: str, when: str) -> Hunt:
    """Which exceptions are proposed; or with a condition, what it would hide."""
    if not when:
        return answered(visit, "tune", one.key, now)
    return answered(visit, "exception", msgspec.json.encode(ExceptionQuestion(one.key, when)).decode(), now)


def _rows(tuned: Hunt, when: str) -> list[dict[str, Any]]:
    """The rows of a table of conditions."""
    if not when:
        return tuned.answer.rows if tuned.answer is not None else []
    found = radius_of(tuned)
    return [
        {
            "when": when,
            "hidden": len(found.hidden),
            "visible": found.visible,
            "examples": [row["title"] for row in found.hidden],
            "hides_attacks": len(found.attacks),
            "attacks": found.known_attacks,
            "hidden_attacks": [row["title"] for row in found.attacks],
            "unjudged": len(found.unjudged),
            "caution": "",
        }
    ]


def _address(one: Detection, **query: str) -> str:
    kept = {name: value for name, value in query.items() if value}
    return f"/content/{quote(key_of(one), safe='')}" + (f"?{urlencode(kept)}" if kept else "")


def _judge(visit: Visit) -> Done:
    return Done("/content?" + urlencode({"judged": clock(visit.now)}))


def _tune(visit: Visit) -> Done:
    one = _found(visit, loaded_site(visit.console))
    when = visit.given("when").strip()
    if len(when) > _LONGEST:
        raise UsageError(f"the condition has more than {_LONGEST:,} characters", remedy="Make it shorter.")
    return Done(_address(one, tune=clock(visit.now), when=when) + "#tune")


def _proposed(visit: Visit) -> File:
    """The file of an exception, for review."""
    one = _found(visit, loaded_site(visit.console))
    when, reason = visit.asked("when").strip()[:_LONGEST], visit.asked("reason").strip()[:_LONGEST]
    if not when or not reason:
        raise UsageError("an exception needs a condition and a reason")
    exception = exception_for(one, when, visit.account.name, reason, visit.now)
    text = written(exception, datetime.fromtimestamp(visit.now, UTC).date())
    return File(
        f"{one.stem or 'exception'}_exception.yml", "application/yaml", text.encode("utf-8", "backslashreplace")
    )


CONTENT: Final = Page("/content", "Content", "viewer", "content.html", view, place="Content", key="c")
DETECTION: Final = Page(
    "/content/{key:str}", "Detection", "viewer", "detection.html", detection_view, place="Content", listed=False
)
JUDGE: Final = Action("/content/judge", "judge content", "viewer", _judge, lambda visit: "every detection")
TUNE: Final = Action("/content/{key:str}/tune", "tune", "viewer", _tune, lambda visit: visit.path["key"])
PROPOSED: Final = Download("/content/{key:str}/exception.yml", "analyst", _proposed)
