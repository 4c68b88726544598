"""Findings, their series and their risk in the database, by what passes ask for.

What passes read of a finding is kept beside its record: the finding before any pass, without its detection, which is
kept once. It is msgpack, because an increment reads thousands of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, get_type_hints

import msgspec
import sqlalchemy as sql
from msgspec import Struct, structs
from sqlalchemy.engine import Connection

from podhawk.content.model import Detection
from podhawk.detect.finding import CONTROLLER_REPEATS, Finding
from podhawk.detect.increment.evidence import request_hash
from podhawk.detect.increment.kept import KeptMatch, SeriesName, SeriesRow, Verdicts
from podhawk.detect.match import Known, Match
from podhawk.detect.noise.habit import HABIT
from podhawk.detect.noise.reported import REPORTED
from podhawk.detect.rank.priority import FACTORS
from podhawk.detect.report.finding_json import plain_text
from podhawk.detect.requests.request import RequestKey
from podhawk.store.intact import intact
from podhawk.store.keys import chunks
from podhawk.store.many_questions import many_questions
from podhawk.store.schema import FINDINGS, SERIES

_MEMBERS: Final = tuple(name for name in Finding.__struct_fields__ if name not in ("detection", "retired"))
_HINTS: Final = get_type_hints(Finding)
_Plain: Final[Any] = msgspec.defstruct(
    "_Plain", [(name, _HINTS[name]) for name in _MEMBERS], frozen=True, array_like=True
)


class _Kept(Struct, frozen=True, array_like=True):
    detection: str
    finding: _Plain
    known: Known
    verdicts: Verdicts


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=plain_text)
_decoder: Final = msgspec.msgpack.Decoder(_Kept)
"""Small questions in one statement."""
_MOVED: Final = re.compile(r"its token was used from (.+) before")
_POWER: Final = next(one.reason for one in FACTORS if one.name == "privileged")
_FIRST: Final = next(one.reason for one in FACTORS if one.name == "first-time")


def packed(raw: Match, known: Known, verdicts: Verdicts) -> bytes:
    """What passes read of a finding, as bytes."""
    finding = raw.finding
    plain = _Plain(*(getattr(finding, name) for name in _MEMBERS))
    return _encoder.encode(_Kept(finding.detection.key, plain, known, verdicts))


def before_passes(finding: Finding, *, masked: bool) -> tuple[Match, Known, Verdicts]:
    """A finding that an older podhawk kept only as its record, as it was before the passes, as far as that tells."""
    classes = tuple(hit.noise_class for hit in finding.noise)
    moved = _MOVED.fullmatch(finding.actor.borrowed or "")
    reasons = [one.reason for one in finding.priority_reasons]
    powers = next((one.partition(": ")[2].split(", ") for one in reasons if one.startswith(_POWER)), [])
    actor = structs.replace(finding.actor, borrowed=msgspec.UNSET) if moved else finding.actor
    plain = structs.replace(
        finding,
        actor=actor,
        noise=(),
        suppressed_by=None,
        throttled=False,
        priority=0 if finding.kind != "incident" else finding.priority,
        priority_reasons=() if finding.kind != "incident" else finding.priority_reasons,
        visible=True,
        revision=1,
        replaces=(),
    )
    request = ""
    if finding.kind != "incident" and finding.request_count == 1 == len(finding.requests):
        one = finding.requests[0]
        request = request_hash(RequestKey(finding.cluster, one.audit_id, one.received, one.user, one.uri))
    known = Known(tuple(powers), "", classes, finding.suppressed_by, masked, request)
    verdicts = Verdicts(
        moved=moved[1] if moved else "",
        repeats=CONTROLLER_REPEATS in classes,
        first=_FIRST in reasons,
        habit=HABIT.name in classes,
        reported=REPORTED.name in classes,
        throttled=finding.throttled,
    )
    return Match(plain, (), known=known), known, verdicts


class Detections:
    """The detections of a state by their keys: those of this run, else as they were kept."""

    def __init__(self, known: Mapping[str, Detection], kept: Mapping[str, bytes]) -> None:
        self._known = dict(known)
        self._kept = kept

    def get(self, key: str) -> Detection:
        """A detection. Raises StoreError if there is none."""
        found = self._known.get(key)
        if found is None:
            with intact(f"detection {key!r}"):
                found = self._known[key] = msgspec.msgpack.decode(self._kept[key], type=Detection)
        return found

    def get_kept(self, column: str) -> Detection:
        """A detection as it was kept, by its column in the database. Raises StoreError if it cannot be read."""
        with intact(f"detection {column!r}"):
            return msgspec.msgpack.decode(self._kept[column], type=Detection)


class SqlFindings:
    """The findings of a state: the methods of `KeptFindings`."""

    def __init__(self, connection: Connection, detections: Detections) -> None:
        self._db = connection
        self._detections = detections

    def take_out(self, finding_ids: Collection[str]) -> dict[str, list[SeriesRow]]:
        """See `KeptFindings`."""
        found: defaultdict[str, list[SeriesRow]] = defaultdict(list)
        for chunk in chunks(sorted(finding_ids)):
            of_findings = SERIES.c.finding_id.in_(chunk)
            for name, *row in self._db.execute(sql.select(SERIES).where(of_findings)):
                found[name].append(SeriesRow(*row))
            self._db.execute(SERIES.delete().where(of_findings))
        return dict(found)

    def load(self, finding_ids: Collection[str]) -> list[KeptMatch]:
        """See `KeptFindings`."""
        query = sql.select(FINDINGS.c.finding_id, FINDINGS.c.kept)
        return [
            self._kept(id_, data)
            for chunk in chunks(sorted(set(finding_ids)))
            for id_, data in self._db.execute(query.where(FINDINGS.c.finding_id.in_(chunk)))
            if data is not None
        ]

    def _kept(self, finding_id: str, data: bytes) -> KeptMatch:
        with intact(f"finding {finding_id}"):
            kept = _decoder.decode(data)
        plain = {name: getattr(kept.finding, name) for name in _MEMBERS}
        finding = Finding(detection=self._detections.get(kept.detection), **plain)
        return KeptMatch(Match(finding, (), known=kept.known), kept.verdicts)

    def firsts(self, series: SeriesName, keys: Iterable[str]) -> list[SeriesRow]:
        """See `KeptFindings`."""
        return self._each(
            "key = :key{0} ORDER BY time, finding_id LIMIT 1", series, [{"key": key} for key in sorted(set(keys))]
        )

    def rows(self, series: SeriesName, keys: Iterable[str]) -> list[SeriesRow]:
        """See `KeptFindings`."""
        return [
            SeriesRow(*row)
            for chunk in chunks(sorted(set(keys)))
            for row in self._db.execute(
                sql.select(SERIES.c.key, SERIES.c.time, SERIES.c.finding_id, SERIES.c.value)
                .where(SERIES.c.series == series)
                .where(SERIES.c.key.in_(chunk))
            )
        ]

    def before(self, series: SeriesName, places: Iterable[SeriesRow], most: int) -> list[SeriesRow]:
        """See `KeptFindings`."""
        return self._near("<", "DESC", series, places, most)

    def after(self, series: SeriesName, places: Iterable[SeriesRow], most: int) -> list[SeriesRow]:
        """See `KeptFindings`."""
        return self._near(">", "ASC", series, places, most)

    def _near(
        self, side: str, order: str, series: SeriesName, places: Iterable[SeriesRow], most: int
    ) -> list[SeriesRow]:
        wanted = sorted({(row.key, row.time, row.finding_id) for row in places})
        return self._each(
            f"key = :key{{0}} AND (time, finding_id) {side} (:time{{0}}, :id{{0}}) "
            f"ORDER BY time {order}, finding_id {order} LIMIT {most:d}",
            series,
            [{"key": key, "time": time, "id": id_} for key, time, id_ in wanted],
        )

    def _each(self, where: str, series: SeriesName, asked: Sequence[Mapping[str, Any]]) -> list[SeriesRow]:
        """The rows of many small questions, a hundred in one statement."""
        one = self._db.execute(sql.select(SERIES.c.series).where(SERIES.c.series == series).limit(1))
        if not asked or one.first() is None:
            return []  # a new state is asked as much as it is told
        question = f"SELECT key, time, finding_id, value FROM {SERIES.name} WHERE series = :series AND {where}"
        return [SeriesRow(*row) for row in many_questions(self._db, question, asked, {"series": series})]
