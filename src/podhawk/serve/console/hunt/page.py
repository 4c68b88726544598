"""`/hunt`: the editor with the time picker, the results of the search that the address holds, and the history."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from podhawk.errors import StateUnavailableError, UsageError
from podhawk.serve.console.hunt.editor import faults_of, marked
from podhawk.serve.console.hunt.history import SearchHistory
from podhawk.serve.console.hunt.question import (
    DEFAULT_EARLIEST,
    LONGEST,
    MOST_ROWS,
    RANGES,
    HuntQuestion,
    begun,
    cleaned,
    clock,
    question_of,
)
from podhawk.serve.console.hunt.results import shown_result
from podhawk.serve.console.loaded_content import loaded_site
from podhawk.serve.console.page import Action, Done, Page, Visit

_EXAMPLES: Final = (
    ("Who read Secrets", "objectRef.resource=secrets verb IN (get, list, watch)\n| stats count by user.username"),
    ("What was refused, over time", "responseStatus.code=403\n| timechart count by user.username limit=5"),
    ("Commands run in containers", "objectRef.subresource=exec\n| table _time user.username objectRef.name requestURI"),
    ("The rarest clients", "*\n| rare limit=20 userAgent"),
)


def view(visit: Visit) -> Mapping[str, Any]:
    """What the page shows. A search that is not known yet is begun."""
    asked = question_of(visit)
    values: dict[str, Any] = {
        "asked": asked,
        "ranges": RANGES,
        "longest": LONGEST,
        "most": MOST_ROWS,
        "faults": [],
        "parts": [],
        "hunt": None,
        "result": None,
        "told": "",
        "remedy": "",
        "waits": False,
        "seconds": 0.0,
        "history": SearchHistory(visit.console.database).of(visit.account.name),
        "examples": [(name, HuntQuestion(text).address()) for name, text in _EXAMPLES],
    }
    if not asked.text:
        return values
    if len(asked.text) > LONGEST:
        return {**values, "told": f"the search has more than {LONGEST:,} characters", "remedy": "Make it shorter."}
    if visit.asked("cancelled"):
        return {**values, "told": "The search was cancelled.", "remedy": "Run it again when you like."}
    faults = faults_of(visit, asked.text)
    values |= {"faults": faults, "parts": marked(asked.text, faults)}
    if any(one.level == "error" for one in faults):
        return values
    try:
        loaded_site(visit.console).check_times(asked.earliest or None, asked.latest or None, asked.now or None)
        hunt, new = begun(visit, asked)
    except UsageError as error:
        return {**values, "told": error.message, "remedy": error.remedy}
    except StateUnavailableError as error:  # the page asks again
        return {**values, "told": error.message, "remedy": error.remedy, "waits": True}
    if new:
        SearchHistory(visit.console.database).note(
            visit.account.name, asked.text, asked.earliest, asked.latest, visit.now
        )
        values["history"] = SearchHistory(visit.console.database).of(visit.account.name)
    values |= {"hunt": hunt, "seconds": (hunt.ended or time.time()) - hunt.began}
    if hunt.status == "done" and hunt.answer is not None:
        values["result"] = shown_result(asked, hunt.answer)
    elif hunt.answer is not None:
        values |= {"told": hunt.answer.error, "remedy": hunt.answer.remedy}
    return values


def _run(visit: Visit) -> Done:
    """Fix the clock, and go to the address of the search."""
    earliest, latest = visit.given("earliest", DEFAULT_EARLIEST).strip(), visit.given("latest").strip()
    if visit.given("range") in RANGES:
        earliest, latest = visit.given("range"), ""
    return Done(HuntQuestion(cleaned(visit.given("q")), earliest[:100], latest[:100], clock(visit.now)).address())


def _cancel(visit: Visit) -> Done:
    """End the search."""

    async def cancel() -> None:
        pool = visit.console.pool
        hunt = pool.find(visit.given("id"), visit.token.name, visit.token.clusters)
        if hunt is not None:
            await pool.cancel(hunt)

    visit.console.in_loop(cancel)
    asked = HuntQuestion("", visit.given("earliest"), visit.given("latest"))
    return Done(asked.address(q=cleaned(visit.given("q")), cancelled="1"))


def _clear(visit: Visit) -> Done:
    SearchHistory(visit.console.database).clear(visit.account.name)
    return Done("/hunt", "Your history is empty.")


def _subject(visit: Visit) -> str:
    return cleaned(visit.given("q"))[:200]


HUNT: Final = Page("/hunt", "Hunt", "viewer", "hunt.html", view, place="Hunt", key="h")
RUN: Final = Action("/hunt/run", "search", "viewer", _run, _subject)
CANCEL: Final = Action("/hunt/cancel", "cancel search", "viewer", _cancel, _subject)
CLEAR: Final = Action("/hunt/forget", "forget searches", "viewer", _clear, lambda visit: visit.account.name)
