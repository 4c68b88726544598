"""Exceptions: what a site has decided not to look at, in reviewed files.

An exception is a search clause over the audit event. It marks findings and never removes them. It holds for events
before the day of its expiry (UTC), whenever they are evaluated: its end re-opens nothing, and from that day on it is
reported. Published searches are not edited for it.

All that a finding was made of must match the condition: each stage by which the search matched the request, or each row
of an aggregate plan. What is not at hand (rows beyond those that a finding carries) matches nothing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from podhawk.content.mixed_up import refuse_log
from podhawk.content.model import Detection
from podhawk.content.reading import MappingReader
from podhawk.detect.finding import Suppression
from podhawk.detect.match import Known, Match
from podhawk.detect.requests.request import member
from podhawk.engine.search.predicate import generate
from podhawk.engine.search.rows import row_of
from podhawk.errors import ContentError, Place, SearchError, nearest
from podhawk.events.event import AuditEvent
from podhawk.events.fields import FlattenRules
from podhawk.functions.declare import Env
from podhawk.functions.predicates import Predicate, decide
from podhawk.rows import OrderKey, Row
from podhawk.spl.clause import EVERYTHING, Clause, Compare, In, Term, fields, read_clause, walk

KEYS: Final = ("name", "detection", "when", "owner", "reason", "created", "expires")
PRESET: Final = timedelta(days=30)
"""How long an exception lasts that does not say."""
_NO_LOG: Final = ("exceptions", "Name a YAML file of exceptions, or a folder of them; logs are named as PATH.")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d\Z")


class SiteException(Struct, frozen=True):
    """One exception. `detection` is a name, an id or a file's stem, globs allowed; `expires` is the first day for whose
    events it does nothing."""

    name: str
    detection: str
    when: str
    clause: Clause
    owner: str
    reason: str
    expires: date
    file: str = ""
    place: Place | None = None
    """Where its condition stands."""

    def holds_at(self, time: float) -> bool:
        """Whether it holds for events of a time, in epoch seconds."""
        return time < datetime.combine(self.expires, datetime.min.time(), UTC).timestamp()

    def named(self, own: Detection) -> bool:
        """Whether it names a detection."""
        wanted = self.detection.lower()
        names = (own.name.lower(), own.id.lower(), own.stem.lower())
        return wanted in names or any(fnmatch.fnmatchcase(name, wanted) for name in names)


def load_exceptions(paths: Iterable[str | Path]) -> list[SiteException]:
    """The exceptions in files and folders. Raises ContentError for what cannot be read, with its place."""
    found: list[SiteException] = []
    for path in map(Path, paths):
        if not path.exists():
            raise ContentError(
                f"no such file or folder: {path}", remedy="--exceptions takes a YAML file or a folder of YAML files."
            )
        files = sorted((*path.rglob("*.yml"), *path.rglob("*.yaml"))) if path.is_dir() else [path]
        try:
            for file in files:
                found += _read_file(file)
        except ContentError:
            refuse_log(file, *_NO_LOG)
            raise
        if not files:
            refuse_log(path, *_NO_LOG)
    return found


def _read_file(path: Path) -> Iterator[SiteException]:
    from podhawk.content.yamlfile import read_yaml

    for document in read_yaml(path):
        listed = isinstance(document.data, list)
        for number, data in enumerate(document.data if listed else [document.data]):
            if not isinstance(data, dict):
                raise ContentError(
                    "an exception must be a mapping", place=document.place(), remedy=f"Its keys are {', '.join(KEYS)}."
                )
            yield _read(MappingReader(document, data, (number,) if listed else ()))


def _read(top: MappingReader) -> SiteException:
    for key in top.data:
        if key not in KEYS:
            raise ContentError(
                f"unknown key {key!r} in an exception", place=top.place(key), remedy=nearest(str(key), KEYS)
            )
    for key in ("name", "detection", "when", "owner", "reason"):
        if not top.text(key):
            raise ContentError(
                f"an exception needs {key!r}",
                place=top.place(),
                remedy="Exceptions are reviewed: state what, who and why.",
            )
    try:
        clause = read_clause(top.text("when"), f"{top.document.file}: when")
    except SearchError as error:
        raise ContentError(f"invalid `when`: {error.message}", place=top.place("when"), remedy=error.remedy) from None
    if not any(isinstance(part, Compare | In | Term) and part != EVERYTHING for part in walk(clause)):
        raise ContentError(
            "`when` matches every event",
            place=top.place("when"),
            remedy="To turn off a detection, use --exclude.",
        )
    expires = _day(top, "expires")
    if expires is None:
        created = _day(top, "created")
        if created is None:
            raise ContentError(
                "an exception needs an expiry date",
                place=top.place(),
                remedy="Add expires: YYYY-MM-DD, or created: YYYY-MM-DD for an expiry after 30 days.",
            )
        expires = created + PRESET
    return SiteException(
        top.text("name"),
        top.text("detection"),
        top.text("when"),
        clause,
        top.text("owner"),
        top.text("reason"),
        expires,
        top.document.file,
        top.place("when"),
    )


def _day(top: MappingReader, key: str) -> date | None:
    value: Any = top.data.get(key)
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value)) if _DAY.match(str(value)) else datetime.fromisoformat(str(value)).date()
    except ValueError:
        raise ContentError(f"{key} must be a date such as 2026-12-31, not {value!r}", place=top.place(key)) from None


def with_exceptions(matches: Sequence[Match], exceptions: Sequence[SiteException], now: float) -> list[Match]:
    """The matches, those that an exception is about and whose events are older than its expiry marked with it. `now` is
    the time for conditions that name one.

    For a request plan every stage that the search matches must match the condition, for an aggregate plan every row.
    """
    tests = [(one, generate(one.clause, Env(now=now)), fields(one.clause)) for one in exceptions]
    return [_marked(match, tests) if match.known is None else _as_before(match, match.known) for match in matches]


def _as_before(match: Match, known: Known) -> Match:
    return match.having(suppressed_by=known.suppressed_by)


def _marked(match: Match, tests: Sequence[tuple[SiteException, Predicate, frozenset[str]]]) -> Match:
    for one, test, names in tests:
        if not one.holds_at(match.finding.last_time) or not one.named(match.finding.detection):
            continue
        if one.clause == EVERYTHING or _holds(match, test, names):
            return match.having(
                suppressed_by=Suppression(one.name, one.file, one.owner, one.reason, one.expires.isoformat())
            )
    return match


def _holds(match: Match, test: Predicate, names: frozenset[str]) -> bool:
    if match.matched:
        rows = [row_of(event, event.view, names, OrderKey(), FlattenRules()) for event in match.matched]
    elif match.finding.row_count == len(match.finding.rows):
        rows = [_row(row) for row in match.finding.rows]
    else:
        rows = []
    return bool(rows) and all(map(test, rows))


def may_hold(match: Match, clause: Clause, now: float) -> bool | None:
    """Whether a condition holds for a match; None where it hangs on a body that its log did not keep."""
    names, env = fields(clause), Env(now=now)
    found = [
        decide(clause, row_of(event, event.view, names, OrderKey(), FlattenRules()), _bodies_missing(event), env)
        for event in match.matched
    ]
    return False if False in found or not found else None if None in found else True


def _bodies_missing(event: AuditEvent) -> Callable[[str], bool]:
    bare = member(event.view.data, "level") == "Metadata"
    return lambda name: bare and name.startswith(("requestObject", "responseObject"))


def _row(cells: Mapping[str, Any]) -> Row:
    return Row(
        {name: tuple(cell) if isinstance(cell, list) else cell for name, cell in cells.items() if cell is not None}
    )
