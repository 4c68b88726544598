"""The lake: events that podhawk serve has taken, as compressed JSON lines, in files by cluster and hour of receipt.

Its files lie in the folder of the state, `lake/cluster=NAME/hour=2026-11-30T10/FIRST-LAST.json.gz`, where FIRST and
LAST are numbers of bodies in the inbox. The manifest, a table of the state, says which files there are. A file is
intended before it is written, with the range that goes into it, so that one which a crash has interrupted is written
again with the same range: no event is lost or in two files. A file that is being removed is marked first, for the same
reason. Readers go by the manifest; other programs may read all files that end in `.json.gz`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.detect.report.finding_json import rfc3339
from podhawk.events.partition import folder_of
from podhawk.store.database import Waiting, open_engine, reading, transaction

LAKE: Final = "lake"
"""The folder of the lake in a state."""
HOUR: Final = 3600
SEALING: Final = "sealing"
SEALED: Final = "sealed"
REMOVING: Final = "removing"
REMOVED: Final = "removed"
_WAITING: Final = Waiting(60.0)

METADATA: Final = sql.MetaData()
FILES: Final = sql.Table(
    "podhawk_lake_files",
    METADATA,
    sql.Column("name", sql.String(400), primary_key=True),
    sql.Column("cluster", sql.Text, nullable=False),
    sql.Column("hour", sql.Integer, nullable=False),
    sql.Column("first", sql.Integer, nullable=False),
    sql.Column("last", sql.Integer, nullable=False),
    sql.Column("condition", sql.String(16), nullable=False),
    sql.Column("events", sql.Integer, nullable=False),
    sql.Column("size", sql.Integer, nullable=False),
    sql.Column("first_time", sql.Float),
    sql.Column("last_time", sql.Float),
)


class LakeFile(Struct, frozen=True):
    """A file of the lake: the bodies of a cluster with numbers from `first` to `last` that came in an hour, which is
    counted since 1970. `size` is in bytes as it lies there. `first_time` and `last_time` are the earliest and the
    latest time of its events, None where an event has none that can be read."""

    name: str
    cluster: str
    hour: int
    first: int
    last: int
    condition: str = SEALING
    events: int = 0
    size: int = 0
    first_time: float | None = None
    last_time: float | None = None

    def may_cover(self, earliest: float | None, latest: float | None) -> bool:
        """Whether it may hold events in a time range."""
        if self.first_time is None or self.last_time is None:
            return True
        return (latest is None or self.first_time < latest) and (earliest is None or self.last_time >= earliest)


def name_of(cluster: str, hour: int, first: int, last: int) -> str:
    """The name of a file in the folder of the lake."""
    of_hour = time.strftime("%Y-%m-%dT%H", time.gmtime(hour * HOUR))
    return f"{folder_of(cluster)}/hour={of_hour}/{first:012d}-{last:012d}.json.gz"


class Manifest:
    """The manifest of the lake in a state. Each change is one transaction."""

    def __init__(self, state: str) -> None:
        self._state = state
        self.folder = Path(state) / LAKE

    def make(self) -> None:
        """Make the table, if there is none."""
        with self._writing() as connection:
            METADATA.create_all(connection)

    def files(self, *conditions: str) -> list[LakeFile]:
        """The files in one of the conditions, by cluster and the order in which their events came."""
        with reading(self._state) as connection:
            if connection is None or not sql.inspect(connection).has_table(FILES.name):
                return []
            query = sql.select(FILES).where(FILES.c.condition.in_(conditions))
            rows = connection.execute(query.order_by(FILES.c.cluster, FILES.c.first, FILES.c.hour))
            return [LakeFile(*row) for row in rows]

    def sealed_up_to(self) -> int:
        """The number of the last body that is in a file which has been finished; 0 if there is none."""
        with reading(self._state) as connection:
            if connection is None or not sql.inspect(connection).has_table(FILES.name):
                return 0
            query = sql.select(sql.func.max(FILES.c.last)).where(FILES.c.condition != SEALING)
            return connection.execute(query).scalar() or 0

    def intend(self, files: Iterable[LakeFile]) -> None:
        """Write down which files are going to be written."""
        self._put(files)

    def finish(self, files: Iterable[LakeFile]) -> None:
        """Write down that files are complete: from now on their events are read from them."""
        self._put(files)

    def mark(self, files: Sequence[LakeFile], condition: str) -> None:
        """Write down that files are being removed, or are."""
        with self._writing() as connection:
            for one in files:
                connection.execute(FILES.update().where(FILES.c.name == one.name).values(condition=condition))

    def _put(self, files: Iterable[LakeFile]) -> None:
        with self._writing() as connection:
            for one in files:
                connection.execute(FILES.delete().where(FILES.c.name == one.name))
                connection.execute(FILES.insert().values({name: getattr(one, name) for name in one.__struct_fields__}))

    def _writing(self) -> AbstractContextManager[Connection]:
        return transaction(open_engine(self._state), waiting=_WAITING)


def lake_holdings(state: str) -> dict[str, str]:
    """Numbers and times of the lake of a state, each with what it counts; nothing if there is no lake."""
    files = Manifest(state).files(SEALED)
    if not files:
        return {}
    times = [moment for one in files for moment in (one.first_time, one.last_time) if moment is not None]
    return {
        "lake events": str(sum(one.events for one in files)),
        "lake bytes": str(sum(one.size for one in files)),
        "lake first event": rfc3339(min(times)) if times else "",
        "lake last event": rfc3339(max(times)) if times else "",
    }


def last_number(connection: Connection) -> int:
    """The highest number of a body that any file of the lake has or had; 0 if there is none."""
    if not sql.inspect(connection).has_table(FILES.name):
        return 0
    return connection.execute(sql.select(sql.func.max(FILES.c.last))).scalar() or 0
