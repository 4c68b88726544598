"""Risk events in the database, and what is kept of searches over them: the methods of `KeptRisk`.

A risk object may have a hundred thousand risk events, most of which add nothing, because the daily cap took their
points. Searches are given those that add points, and of the others one of each kind in a window.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, get_type_hints

import msgspec
import sqlalchemy as sql
from msgspec import Struct, structs
from sqlalchemy.engine import Connection

from podhawk.detect.increment.fold import Fold
from podhawk.detect.increment.kept import EndsByKey, Interval, KindOfRisk, ObjectKey, ScoredRisk, series_key
from podhawk.detect.report.finding_json import plain_text
from podhawk.detect.risk.incidents import OWN, POINTS
from podhawk.detect.risk_event import RiskEvent
from podhawk.rows import Row
from podhawk.store.intact import intact
from podhawk.store.kept_findings import Detections
from podhawk.store.keys import chunks, column_text
from podhawk.store.many_questions import many_questions
from podhawk.store.rows import upsert
from podhawk.store.schema import CELLS, RISK, WINDOWS

_OF_RISK: Final = tuple(name for name in RiskEvent.__struct_fields__ if name != "detection")
_RISK_HINTS: Final = get_type_hints(RiskEvent)
_PlainRisk: Final[Any] = msgspec.defstruct(
    "_PlainRisk", [(name, _RISK_HINTS[name]) for name in _OF_RISK], frozen=True, array_like=True
)


class _KeptRisk(Struct, frozen=True, array_like=True):
    """A risk event, and its points and notes as it was made."""

    detection: str
    event: _PlainRisk
    applied: float
    notes: tuple[str, ...]


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=plain_text)
_risk_decoder: Final = msgspec.msgpack.Decoder(_KeptRisk)
_windows_decoder: Final = msgspec.msgpack.Decoder(list[tuple[tuple[str, ...], list[float]]])
_fold_decoder: Final = msgspec.msgpack.Decoder(Fold)
SCORES: Final = 2


def packed_risk(one: ScoredRisk) -> bytes:
    """A risk event, and how it was made, as bytes."""
    event = _PlainRisk(*(getattr(one.event, name) for name in _OF_RISK))
    return _encoder.encode(_KeptRisk(one.event.detection.key, event, one.made.applied, one.made.notes))


def likes_of(row: Row) -> str:
    """The kind of a risk event, by its row: what searches see of it but for its points and the members in `OWN`."""
    return series_key(item for item in row.items() if item[0] not in OWN and item[0] != POINTS)


class SqlRisk:
    """The risk of a state."""

    def __init__(self, connection: Connection, detections: Detections) -> None:
        self._db = connection
        self._detections = detections

    def take_out_risk(self, finding_ids: Collection[str]) -> list[ScoredRisk]:
        """See `KeptRisk`."""
        found: list[ScoredRisk] = []
        for chunk in chunks(sorted(finding_ids)):
            found += self._risk(RISK.c.finding_id.in_(chunk))
            self._db.execute(RISK.delete().where(RISK.c.finding_id.in_(chunk)))
        return found

    def risk_of_things(self, keys: Collection[str]) -> list[ScoredRisk]:
        """See `KeptRisk`."""
        return [one for chunk in chunks(sorted(keys)) for one in self._risk(RISK.c.thing.in_(chunk))]

    def risk_of_days(self, keys: Collection[str]) -> list[ScoredRisk]:
        """See `KeptRisk`."""
        scores = RISK.c.share == SCORES
        return [one for chunk in chunks(sorted(keys)) for one in self._risk(RISK.c.day.in_(chunk), scores)]

    def over_cap(self, day: str, most: int) -> list[ScoredRisk]:
        """See `KeptRisk`."""
        query = self._query(RISK.c.day == day, RISK.c.share == 1).order_by(RISK.c.time, RISK.c.finding_id).limit(most)
        return [self._scored(*row) for row in self._db.execute(query)]

    def risk_of_objects(self, objects: Collection[tuple[str, str, str]]) -> list[RiskEvent]:
        """See `KeptRisk`."""
        keys = sorted(object_key(*one) for one in objects)
        return [one for chunk in chunks(keys) for one in self._events(RISK.c.entity.in_(chunk))]

    def risk_of_clusters(self, clusters: Collection[str] | None) -> list[RiskEvent]:
        """See `KeptRisk`."""
        return [one for one in self._events() if clusters is None or one.cluster in clusters]

    def _risk(self, *where: Any) -> list[ScoredRisk]:
        return [self._scored(*row) for row in self._db.execute(self._query(*where))]

    def _query(self, *where: Any) -> Any:
        return sql.select(RISK.c.finding_id, RISK.c.full, RISK.c.kept).where(RISK.c.kept.is_not(None), *where)

    def _events(self, *where: Any) -> list[RiskEvent]:
        return [self._event(id_, data)[0] for id_, _, data in self._db.execute(self._query(*where))]

    def _event(self, finding_id: str, data: bytes) -> tuple[RiskEvent, _KeptRisk]:
        with intact(f"a risk event of finding {finding_id}"):
            kept = _risk_decoder.decode(data)
        plain = {name: getattr(kept.event, name) for name in _OF_RISK}
        return RiskEvent(detection=self._detections.get(kept.detection), **plain), kept

    def _scored(self, finding_id: str, full: float, data: bytes) -> ScoredRisk:
        event, kept = self._event(finding_id, data)
        return ScoredRisk(event, structs.replace(event, applied=kept.applied, capped=0.0, notes=kept.notes), full)

    def crowded(self, objects: Collection[ObjectKey], most: int) -> set[ObjectKey]:
        """See `KeptRisk`."""
        names = {object_key(*one): one for one in objects}
        found: set[ObjectKey] = set()
        question = f"SELECT entity FROM {RISK.name} WHERE entity = :key{{0}} LIMIT 1 OFFSET {most:d}"
        asked = [{"key": key} for key in sorted(names)]
        found.update(names[row[0]] for row in many_questions(self._db, question, asked))
        return found

    def windows_of(self, objects: Collection[ObjectKey]) -> dict[tuple[ObjectKey, str], EndsByKey]:
        """See `KeptRisk`."""
        names = {object_key(*one): one for one in objects}
        found: dict[tuple[ObjectKey, str], EndsByKey] = {}
        for chunk in chunks(sorted(names)):
            for entity, detection, data in self._db.execute(sql.select(WINDOWS).where(WINDOWS.c.entity.in_(chunk))):
                with intact("the windows of a risk object"):
                    found[names[entity], detection] = dict(_windows_decoder.decode(data))
        return found

    def keep_windows(self, windows: Mapping[tuple[ObjectKey, str], EndsByKey]) -> None:
        """See `KeptRisk`."""
        for chunk in chunks(sorted({object_key(*one) for one, _ in windows})):
            self._db.execute(WINDOWS.delete().where(WINDOWS.c.entity.in_(chunk)))
        rows = [
            {
                "entity": object_key(*one),
                "detection_id": column_text(detection, 255),
                "data": _encoder.encode(list(ends.items())),
            }
            for (one, detection), ends in windows.items()
        ]
        upsert(self._db, WINDOWS, rows)

    def scoring(self, objects: Collection[ObjectKey], span: Interval) -> list[RiskEvent]:
        """See `KeptRisk`."""
        keys = sorted(object_key(*one) for one in objects)
        within = (RISK.c.share == SCORES) & RISK.c.time.between(*span)
        return [one for chunk in chunks(keys) for one in self._events(RISK.c.entity.in_(chunk), within)]

    def kinds_scoring(self, objects: Collection[ObjectKey], span: Interval) -> dict[ObjectKey, list[KindOfRisk] | None]:
        """See `KeptRisk`."""
        names = {object_key(*one): one for one in objects}
        read = (RISK.c.entity, RISK.c.likes, RISK.c.time, RISK.c.applied)
        query = sql.select(*read).where(RISK.c.share == SCORES, RISK.c.time.between(*span))
        kinds: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        for chunk in chunks(sorted(names)):
            for entity, likes, time, applied in self._db.execute(query.where(RISK.c.entity.in_(chunk))).fetchall():
                kinds[entity, likes].append((time, applied))
        places = [(*key, SCORES, events[-1][0]) for key, events in kinds.items() if key[1]]
        found: dict[ObjectKey, list[KindOfRisk] | None] = {}
        for key, event in self._at(places).items():
            events = sorted(kinds[key])
            kind = KindOfRisk(event, [time for time, _ in events], [points for _, points in events])
            found.setdefault(names[key[0]], []).append(kind)  # type: ignore[union-attr]
        found.update((names[entity], None) for entity, likes in kinds if not likes)
        return found

    def charged(self, one: ObjectKey, span: Interval) -> list[RiskEvent]:
        """See `KeptRisk`."""
        within = (RISK.c.entity == object_key(*one)) & (RISK.c.time >= span[0]) & (RISK.c.time < span[1])
        return [found for share in (1, SCORES) for found in self._events(within, RISK.c.share == share)]

    def within(self, one: ObjectKey, span: Interval) -> list[RiskEvent]:
        """See `KeptRisk`."""
        entity = RISK.c.entity == object_key(*one)
        return self._events(entity, RISK.c.time >= span[0], RISK.c.time < span[1])

    def quiet_since(
        self, objects: Collection[ObjectKey], since: float
    ) -> dict[ObjectKey, list[tuple[RiskEvent, list[float]]] | None]:
        """See `KeptRisk`."""
        names = {object_key(*one): one for one in objects}
        by = (RISK.c.entity, RISK.c.likes, RISK.c.share)
        before = sql.select(*by, sql.func.max(RISK.c.time)).where(RISK.c.time < since).group_by(*by)
        before = before.with_hint(RISK, "INDEXED BY podhawk_risk_alike", "sqlite")  # it has them in the order of groups
        after = sql.select(*by, RISK.c.time).where(RISK.c.time >= since)
        times: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        places: dict[tuple[str, str], tuple[Any, ...]] = {}
        for chunk in chunks(sorted(names)):
            for query in (before, after):
                for entity, likes, share, time in self._db.execute(
                    query.where(RISK.c.entity.in_(chunk), RISK.c.share < SCORES)
                ).fetchall():
                    times[entity, likes].append(time)
                    places[entity, likes] = entity, likes, share, time
        found: dict[ObjectKey, list[tuple[RiskEvent, list[float]]] | None] = {}
        for (entity, likes), event in self._at(list(places.values())).items():
            found.setdefault(names[entity], []).append((event, sorted(times[entity, likes])))  # type: ignore[union-attr]
        found.update((names[entity], None) for entity, likes in places if not likes)
        return found

    def _at(self, places: Sequence[tuple[Any, ...]]) -> dict[tuple[str, str], RiskEvent]:
        """A risk event at each place: entity, kind, share and time."""
        found: dict[tuple[str, str], RiskEvent] = {}
        question = (
            f'SELECT entity, likes, finding_id, "full", kept FROM {RISK.name} WHERE entity = :entity{{0}} AND '
            "likes = :likes{0} AND share = :share{0} AND time = :time{0} LIMIT 1"
        )
        names = ("entity", "likes", "share", "time")
        asked = [dict(zip(names, place, strict=True)) for place in places]
        for row in many_questions(self._db, question, asked):
            found[row[0], row[1]] = self._event(row[2], row[4])[0]
        return found

    def quiet(self, one: ObjectKey, span: Interval) -> list[RiskEvent] | None:
        """See `KeptRisk`."""
        entity = RISK.c.entity == object_key(*one)
        found = []
        likes = self._db.execute(sql.select(sql.func.min(RISK.c.likes)).where(entity)).scalar()
        while likes is not None:  # a step for each kind: no look at every event
            if not likes:
                return None
            alike = entity & (RISK.c.likes == likes) & (RISK.c.time >= span[0]) & (RISK.c.time < span[1])
            for share in (0, 1):
                query = self._query(alike, RISK.c.share == share).order_by(RISK.c.time.desc()).limit(1)
                row = self._db.execute(query).first()
                if row is not None:
                    found.append(self._event(row[0], row[2])[0])
                    break
            likes = self._db.execute(
                sql.select(sql.func.min(RISK.c.likes)).where(entity, RISK.c.likes > likes)
            ).scalar()
        return found

    def cells(self, one: ObjectKey, size: int, span: Interval) -> dict[float, Fold]:
        """See `KeptRisk`."""
        here = (CELLS.c.entity == object_key(*one)) & (CELLS.c.size == size)
        within = (CELLS.c.start >= span[0]) & (CELLS.c.start <= span[1] - size)
        found = {}
        for start, data in self._db.execute(sql.select(CELLS.c.start, CELLS.c.data).where(here, within)):
            with intact("a sum over findings"):
                found[start] = _fold_decoder.decode(data)
        return found

    def keep_cells(self, one: ObjectKey, size: int, cells: Mapping[float, Fold]) -> None:
        """See `KeptRisk`."""
        key = object_key(*one)
        upsert(
            self._db,
            CELLS,
            [
                {"entity": key, "size": size, "start": start, "data": _encoder.encode(fold)}
                for start, fold in cells.items()
            ],
        )

    def drop_cells(self, size: int, objects: Mapping[ObjectKey, Collection[float]]) -> None:
        """See `KeptRisk`."""
        starts = {(object_key(*one), size, time // size * size) for one, times in objects.items() for time in times}
        names = (CELLS.c.entity, CELLS.c.size, CELLS.c.start)
        one = CELLS.delete().where(*(column == sql.bindparam(f"at_{column.name}") for column in names))
        for chunk in chunks(sorted(starts)):
            self._db.execute(
                one, [dict(zip(("at_entity", "at_size", "at_start"), each, strict=True)) for each in chunk]
            )


def object_key(type_: str, value: str, cluster: str) -> str:
    """The key of a risk object of a cluster."""
    return series_key(["object", type_, value, cluster])
