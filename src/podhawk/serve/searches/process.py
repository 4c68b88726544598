"""The process of one search over the lake: `python -m podhawk.serve.searches.process`.

It gets the question as a line of JSON on standard input and answers with a line. It has less priority than the
evaluator, and may take only so much memory.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from podhawk import api
from podhawk.detect.activity.digests import entity_scan
from podhawk.detect.activity.profile import profile_of
from podhawk.detect.evaluate.prepare import prepare
from podhawk.detect.rank.exception_fields import unknown_names
from podhawk.detect.report.queries import the_detection
from podhawk.detect.report.tuning import blast_radius, exception_for
from podhawk.errors import PodhawkError, UsageError
from podhawk.events.paths import STORED
from podhawk.serve.evaluator.loaded import settings_now
from podhawk.serve.evaluator.process import Order
from podhawk.serve.searches.overview import SearchOverview, overview_of
from podhawk.serve.searches.tuning import tuned
from podhawk.serve.shadow import served_policies
from podhawk.store.stored_events import StoredEvents

_NICE: Final = 10
MOST_BYTES: Final = 64 << 20
"""Bytes of an answer: rows that do not fit are left out."""
SHOWN_BYTES: Final = 8 << 20
"""The same for an answer that is shown page by page: the server keeps twenty of them."""

QuestionKind = Literal["search", "entity", "judgements", "tune", "exception"]


class Question(Struct):
    """What is asked: an SPL search, everything that one entity did, what each detection could tell, which exceptions to
    a detection are proposed, or what an exception would hide. `text` is the search, the name of the entity or of the
    detection, or an `ExceptionQuestion` as JSON. `clusters` are those that may be read, `*` stands for all. `now` is
    the time that relative times are counted from. `overview` asks for what is shown beside the rows of a search."""

    order: Order
    kind: QuestionKind
    text: str
    earliest: str | None
    latest: str | None
    most: int
    clusters: tuple[str, ...]
    memory: int
    now: str | None = None
    overview: bool = False


class ExceptionQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """An exception that may be: the name, id or file stem of a detection, and the condition."""

    detection: str
    when: str


class SearchAnswer(Struct):
    """What was found. `truncated` says that there are more rows. `warnings` say what was not read. `error` says why
    there is no answer, and `remedy` what to do."""

    columns: list[str] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    truncated: bool = False
    warnings: list[str] = field(default_factory=list)
    events: int = 0
    error: str = ""
    remedy: str = ""
    overview: SearchOverview | None = None


def answer(question: Question) -> SearchAnswer:
    """Answer a question."""
    state = question.order.values["state"]
    try:
        settings = settings_now(question.order.settings())
        options = {**settings.values, "jobs": 1, "state": None, "write": False}
        session = api.session_of(
            {**options, "earliest": question.earliest, "latest": question.latest, "now": question.now}
        )
        stored = StoredEvents(session.within, clusters=question.clusters)
        with api.Inputs([f"{STORED}{state}"], keep=True, stored=stored) as inputs:
            content = api.content_of(settings.values, settings.macros)
            policies = served_policies(content, settings)
            columns, rows, report, overview = _found(question, session, content, inputs, policies)
            kept, truncated = _bounded(rows, question.most, SHOWN_BYTES if question.overview else MOST_BYTES)
            warnings = [gap.text(path.replace(str(state), "")) for path, gap in inputs.gaps.items()]
            return SearchAnswer(columns, kept, truncated, warnings, report.events, overview=overview)
    except PodhawkError as error:
        return SearchAnswer(error=error.message, remedy=error.remedy)
    except MemoryError:
        return SearchAnswer(error="the search needs too much memory", remedy="Choose a shorter time, or fewer fields.")


def _found(
    question: Question, session: api.Session, content: Any, inputs: api.Inputs, policies: Any
) -> tuple[list[str], Iterable[Any], Any, SearchOverview | None]:
    if question.kind == "search":
        result = api.search(question.text, content=content, session=session, inputs=inputs)
        overview = overview_of(result, session.within) if question.overview else None
        return result.columns, result, result.report, overview
    if question.kind == "tune":
        rows, report = tuned(question.text, content, session, policies, inputs)
        return [], rows, report, None
    if question.kind == "entity":
        scan, digest = entity_scan(question.text, content, session)
        found = api.run(content, session=replace(session, along=scan), policies=policies, inputs=inputs)
        return [], profile_of(digest(inputs), found.found.findings, None).records(), found.report, None
    if question.kind == "exception":
        return (*_radius(question.text, session, content, inputs, policies), None)
    found = api.run(content, session=session, policies=policies, inputs=inputs)
    return [], [_judgement(one) for one in found.detections], found.report, None


def _radius(
    text: str, session: api.Session, content: Any, inputs: api.Inputs, policies: Any
) -> tuple[list[str], Iterable[Any], Any]:
    """What an exception would hide: a row for each finding and attack, with `hides` as `podhawk tune` tells it, after
    a first one with the numbers. Raises UsageError, SearchError for one that cannot be."""
    try:
        asked = msgspec.json.decode(text, type=ExceptionQuestion)
    except msgspec.DecodeError as error:
        raise UsageError(f"not an exception: {error}", remedy='Ask {"detection": "…", "when": "…"}.') from None
    detection = the_detection(asked.detection, content)
    exception = exception_for(detection, asked.when, "", "", session.now)
    prepared = prepare(detection, content, session, session.lookups(content))
    for name, remedy in unknown_names(exception.clause, [prepared]):
        raise UsageError(f"audit events have no field {name!r}", remedy=remedy)
    found = api.run(content, detections=[detection], session=session, policies=policies, inputs=inputs)
    matches = [match for match in found.found.matches if match.finding.kind != "incident"]
    attacks = api.attacks_of(detection, content, session, policies)
    radius = blast_radius(exception, matches, attacks, session.now)
    rows = [
        {"hides": kind, "finding_id": one.finding_id, "title": one.title, "time": one.first_time}
        for kind, some in (("finding", radius.hidden), ("attack", radius.attacks), ("unjudged", radius.unjudged))
        for one in some
    ]
    numbers = {"hides": "numbers", "visible": radius.visible, "attacks": len(attacks)}
    return [], [numbers, *rows], found.report


def _judgement(one: api.DetectionResult) -> dict[str, Any]:
    found = one.judgement
    return {
        "detection": one.detection.name,
        "id": one.detection.id,
        "judgement": found.word,
        "reason": found.reason or found.blind_text(),
        "count": found.count,
        "undecided": found.undecided,
        "exact": found.exact,
        "first": str(found.first) if found.first is not None else None,
    }


def _bounded(rows: Iterable[Any], most: int, most_bytes: int) -> tuple[list[Any], bool]:
    """The first rows, and whether there are more."""
    kept: list[Any] = []
    size = 0
    for row in islice(rows, most + 1):
        size += len(msgspec.json.encode(row, enc_hook=str))
        if len(kept) == most or size > most_bytes:
            return kept, True
        kept.append(row)
    return kept, False


def main() -> int:
    """Answer what standard input asks."""
    os.nice(_NICE)
    question = msgspec.json.decode(sys.stdin.buffer.readline(), type=Question)
    resource.setrlimit(resource.RLIMIT_AS, (question.memory, question.memory))
    sys.stdout.buffer.write(msgspec.json.encode(answer(question), enc_hook=str) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
