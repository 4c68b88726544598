"""Close a finding and propose an exception for what is like it, in one dialog.

What the exception would hide is measured by the code of `podhawk tune`, in a process of its own, over the lake and the
attacks of the content. Nothing can be proposed that was not measured, and what hides an attack needs a reason. A
proposal is a file for the site's folder of exceptions: it takes effect when that file is put there. A site may also let
admins accept it here (`podhawk.serve.accepted`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar.exceptions import HTTPException
from msgspec import Struct
from msgspec.structs import replace

from podhawk.content.model import Detection
from podhawk.detect.match import Match
from podhawk.detect.rank.exceptions import PRESET
from podhawk.detect.report import queries
from podhawk.detect.report.tuning import condition_of, exception_for, written
from podhawk.errors import UsageError
from podhawk.serve import accepted
from podhawk.serve.console.loaded_content import loaded_site
from podhawk.serve.console.page import Action, Done, Download, File, Page, Visit, nothing_here
from podhawk.serve.console.triage import DISPOSITIONS, apply, visible_ids
from podhawk.serve.searches.pool import Hunt
from podhawk.serve.searches.process import ExceptionQuestion
from podhawk.store.behind import known_matches

_LONGEST: Final = timedelta(days=365)
_SECONDS: Final = 300.0
_MOST_ROWS: Final = 10_000
_EARLIEST: Final = "-30d"
_NAME: Final = re.compile(r"[^a-z0-9]+")


class Radius(Struct, frozen=True):
    """What an exception would hide, as far as it is measured."""

    status: str
    error: str = ""
    remedy: str = ""
    visible: int = 0
    known_attacks: int = 0
    hidden: list[dict[str, Any]] = []
    attacks: list[dict[str, Any]] = []
    unjudged: list[dict[str, Any]] = []


def _match(visit: Visit) -> Match:
    """The finding, with the whole of its detection. Raises HTTPException, PodhawkError."""
    (found,) = visible_ids(visit, [visit.path["finding_id"]])
    matches = known_matches(visit.console.kept.path, found, 0)
    if not matches or matches[0].finding.kind == "incident":
        raise nothing_here("finding")
    site = loaded_site(visit.console)
    return queries.with_search(matches[0], site.content, site.session)


def view(visit: Visit) -> Mapping[str, Any]:
    """What the dialog shows."""
    match = _match(visit)
    when = visit.asked("when") or condition_of(match)
    hunt = _hunt(visit, visit.asked("search"))
    return {
        "title": "Close and propose exception",
        "finding": match.finding,
        "when": when,
        "today": _today(visit),
        "expires": _today(visit) + PRESET,
        "latest": _today(visit) + _LONGEST,
        "dispositions": DISPOSITIONS,
        "search": visit.asked("search"),
        "radius": None if hunt is None else radius_of(hunt),
        "measured": _asked(hunt).when if hunt is not None else "",
        "lost": bool(visit.asked("search")) and hunt is None,
        "earliest": _EARLIEST,
    }


def _today(visit: Visit) -> date:
    return datetime.fromtimestamp(visit.now, UTC).date()


def _hunt(visit: Visit, search_id: str) -> Hunt | None:
    async def found() -> Hunt | None:
        return visit.console.pool.find(search_id, visit.token.name, visit.token.clusters)

    hunt = visit.console.in_loop(found) if search_id else None
    return hunt if hunt is not None and hunt.kind == "exception" else None


def _asked(hunt: Hunt) -> ExceptionQuestion:
    return msgspec.json.decode(hunt.text, type=ExceptionQuestion)


def radius_of(hunt: Hunt) -> Radius:
    """What a search for the blast radius has found."""
    found = hunt.answer
    if found is None:
        return Radius(hunt.status)
    if found.error:
        return Radius(hunt.status, found.error, found.remedy)
    numbers: Mapping[str, Any] = found.rows[0] if found.rows else {}
    kinds: dict[str, list[dict[str, Any]]] = {"finding": [], "attack": [], "unjudged": []}
    for row in found.rows[1:]:
        kinds[row["hides"]].append(row)
    return Radius(
        hunt.status,
        visible=numbers.get("visible", 0),
        known_attacks=numbers.get("attacks", 0),
        hidden=kinds["finding"],
        attacks=kinds["attack"],
        unjudged=kinds["unjudged"],
    )


def _measure(visit: Visit) -> Done:
    """Begin to measure what the exception would hide."""
    match = _match(visit)
    when = visit.given("when").strip()
    detection = match.finding.detection
    exception_for(detection, when, "", "", visit.now)  # raises SearchError for what cannot be read
    text = msgspec.json.encode(ExceptionQuestion(detection.id or detection.name, when)).decode()
    pool, token = visit.console.pool, visit.token

    async def begun() -> Hunt:
        return pool.begin("exception", text, (_EARLIEST, None), _MOST_ROWS, _SECONDS, token.name, token.clusters)

    hunt = visit.console.in_loop(begun)
    query = urlencode({"when": when, "search": hunt.search_id})
    return Done(f"/findings/{match.finding.finding_id}/exception?{query}")


def _propose(visit: Visit) -> Done:
    """Close the finding, and keep the proposal."""
    match = _match(visit)
    finding = match.finding
    when, reason, disposition = (visit.given(name).strip() for name in ("when", "reason", "disposition"))
    if not reason:
        raise UsageError("the exception has no reason", remedy="Say why this is expected.")
    if disposition not in DISPOSITIONS:
        raise UsageError("a finding is closed with a disposition", remedy="Say what it was.")
    expires = _day(visit.given("expires"))
    if not _today(visit) < expires <= _today(visit) + _LONGEST:
        raise UsageError("the exception must expire within a year, and not today", remedy="Choose another day.")
    hunt = _hunt(visit, visit.given("search"))
    if hunt is None or hunt.status != "done" or _asked(hunt).when != when or not _is_of(hunt, finding.detection):
        raise UsageError("what this condition would hide is not measured", remedy="Measure it, then propose it.")
    radius = radius_of(hunt)
    risk = visit.given("accept").strip()
    if radius.attacks and not risk:
        raise UsageError(
            f"this exception would hide {len(radius.attacks)} attacks of the content's own datasets",
            remedy="Narrow the condition, or say why the risk is accepted.",
        )
    exception = replace(exception_for(finding.detection, when, visit.account.name, reason, visit.now), expires=expires)
    text = written(exception, _today(visit), risk if radius.attacks else "")
    values = (visit.now, visit.account.name, finding.finding_id, finding.cluster, finding.detection.name, when, text)
    with visit.console.database.transaction() as connection:
        number = connection.execute(
            "INSERT INTO proposals (time, name, finding, cluster, detection, condition, text) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            values,
        ).lastrowid
    note = f"Exception proposed: {when}. {reason}"
    apply(visit.console, [finding.finding_id], {"status": "resolved", "disposition": disposition, "note": note})
    return Done(f"/findings/{finding.finding_id}/proposed/{number}", "Closed. The exception is proposed.")


def _is_of(hunt: Hunt, detection: Detection) -> bool:
    return _asked(hunt).detection in (detection.id, detection.name)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError("the day on which the exception expires is missing", remedy="Choose a day.") from None


def _proposal(visit: Visit) -> Mapping[str, Any]:
    number = visit.path["number"]
    row = visit.console.database.row("SELECT * FROM proposals WHERE number = ?", (number if number.isdecimal() else 0,))
    if row is None or not visit.token.covers(row["cluster"]):
        raise nothing_here("proposal")
    file = f"{_NAME.sub('-', row['detection'].lower()).strip('-')}-{number}.yml"
    settings = visit.console.settings
    folder = accepted.folder_of(settings)
    holds = folder is not None and (folder / file).is_file()
    decides = folder is not None and visit.account.may("admin") and visit.token.covers("*")
    return {
        "proposal": dict(row),
        "file": file,
        "accepts": folder is not None,
        "decides": decides,
        "holds": holds,
    }


def _accept(visit: Visit) -> Done:
    """Make a proposal hold."""
    _needs_all_clusters(visit)
    found = _proposal(visit)
    accepted.accept(visit.console.settings, found["file"], found["proposal"]["text"])
    to = f"/findings/{found['proposal']['finding']}/proposed/{visit.path['number']}"
    return Done(to, "Accepted. The exception holds within two seconds.")


def _withdraw(visit: Visit) -> Done:
    """End an accepted exception."""
    _needs_all_clusters(visit)
    accepted.withdraw(visit.console.settings, visit.path["name"])
    return Done("/content#exceptions", "Withdrawn. What it hid shows again within two seconds.")


def _needs_all_clusters(visit: Visit) -> None:
    """An exception holds for all clusters, so nobody may decide on it who does not see them."""
    if not visit.token.covers("*"):
        raise HTTPException(detail="This needs an account that sees all clusters.", status_code=403)


def _download(visit: Visit) -> File:
    found = _proposal(visit)
    return File(found["file"], "application/yaml", found["proposal"]["text"].encode())


_OF: Final = "/findings/{finding_id:str}"
EXCEPTION: Final = Page(
    f"{_OF}/exception", "Close and propose exception", "analyst", "exception.html", view, place="Queue", listed=False
)
PROPOSED: Final = Page(
    f"{_OF}/proposed/{{number:str}}", "Proposed exception", "viewer", "proposed.html", _proposal, "Queue", listed=False
)
PROPOSAL_FILE: Final = Download("/proposals/{number:str}/file", "viewer", _download)
ACCEPT: Final = Action(
    "/proposals/{number:str}/accept",
    "accept exception",
    "admin",
    _accept,
    lambda visit: f"proposal {visit.path['number']}",
)
WITHDRAW: Final = Action(
    "/exceptions/{name:str}/withdraw", "withdraw exception", "admin", _withdraw, lambda visit: visit.path["name"]
)
MEASURE: Final = Action(
    f"{_OF}/measure", "measure exception", "analyst", _measure, lambda visit: visit.path["finding_id"]
)
PROPOSE: Final = Action(
    f"{_OF}/propose", "propose exception", "analyst", _propose, lambda visit: visit.path["finding_id"]
)
