"""The tables of the SQL database. The same tables serve SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from podhawk.errors import StoreError

METADATA: Final = sql.MetaData()

VERSION: Final = sql.Table("podhawk_schema", METADATA, sql.Column("version", sql.Integer, nullable=False))

EVENTS: Final = sql.Table(
    "podhawk_events",
    METADATA,
    sql.Column("fingerprint", sql.String(64), primary_key=True),
    sql.Column("time", sql.Float, nullable=False, index=True),
    sql.Column("data", sql.LargeBinary, nullable=False),
    sql.Column("cluster", sql.String(255), nullable=False, server_default=""),
    sql.Column("request", sql.String(32), nullable=False, server_default="", index=True),
    sql.Column("place", sql.String(32), nullable=False, server_default=""),
    sql.Column("credential", sql.String(32), nullable=False, server_default="", index=True),
    sql.Column("component", sql.String(32), nullable=False, server_default="", index=True),
    sql.Column("waiting", sql.Boolean, nullable=False, server_default=sql.false()),
    sql.Index("podhawk_events_of_places", "place", "time"),
    sql.Index("podhawk_events_of_clusters", "cluster", "time"),
    sql.Index(
        "podhawk_events_waiting",
        "cluster",
        "time",
        sqlite_where=sql.text("waiting = 1"),
        postgresql_where=sql.text("waiting"),
    ),
)
"""Events. `request` is a hash of the request that an event is a stage of; `place` one of cluster and namespace, for
requests of controllers; `credential` one of cluster and credential; `component` one of cluster and user, for nodes.
`waiting` is the end of a request of which no search has selected anything yet."""

WANTED: Final = sql.Table(
    "podhawk_wanted",
    METADATA,
    sql.Column("detection_id", sql.String(255), primary_key=True),
    sql.Column("cluster", sql.String(255), primary_key=True),
    sql.Column("by_key", sql.String(32), primary_key=True),
    sql.Column("time", sql.Float, primary_key=True),
    sql.Column("fingerprint", sql.String(64), primary_key=True),
    sql.Column("request", sql.String(32), nullable=False),
    sql.Column("alike", sql.String(32), nullable=False),
    sql.Index("podhawk_wanted_of_clusters", "cluster", "time"),
)
"""The events that each aggregate plan wants, by by-key and the time at which they were written; see
`podhawk.detect.increment.evidence.WantedEvent`."""

WRITES: Final = sql.Table(
    "podhawk_writes",
    METADATA,
    sql.Column("request", sql.String(32), primary_key=True),
    sql.Column("place", sql.String(32), nullable=False, index=True),
    sql.Column("cluster", sql.String(255), nullable=False),
    sql.Column("time", sql.Float, nullable=False),
    sql.Column("data", sql.LargeBinary, nullable=False),
)
"""The changes of owners and deletions of pods."""

ISSUED: Final = sql.Table(
    "podhawk_issued",
    METADATA,
    sql.Column("credential", sql.String(32), primary_key=True),
    sql.Column("issuer", sql.Text, nullable=False),
    sql.Column("time", sql.Float, nullable=False),
    sql.Column("rank", sql.Text, nullable=False),
)
"""Who issued each token: of several the last."""

HOMES: Final = sql.Table(
    "podhawk_homes",
    METADATA,
    sql.Column("cluster", sql.String(255), primary_key=True),
    sql.Column("component", sql.String(255), primary_key=True),
    sql.Column("address", sql.String(255), primary_key=True),
    sql.Column("issuing", sql.Boolean, primary_key=True),
)
"""The addresses from which components work: as issuers of tokens, or as writers of owners."""

SERIES: Final = sql.Table(
    "podhawk_series",
    METADATA,
    sql.Column("series", sql.String(16), primary_key=True),
    sql.Column("key", sql.String(32), primary_key=True),
    sql.Column("time", sql.Float, primary_key=True),
    sql.Column("finding_id", sql.String(64), primary_key=True, index=True),
    sql.Column("value", sql.Text, nullable=False),
)
"""The rows of series of findings; see `podhawk.detect.increment.kept`."""

DETECTIONS: Final = sql.Table(
    "podhawk_detections",
    METADATA,
    sql.Column("detection_id", sql.String(255), primary_key=True),
    sql.Column("digest", sql.String(32), nullable=False),
    sql.Column("since", sql.Float, nullable=False),
    sql.Column("data", sql.LargeBinary, nullable=False),
    sql.Column("exceptions", sql.String(32), nullable=False, server_default=""),
    sql.Column("search", sql.String(32), nullable=False, server_default=""),
    sql.Column("retired", sql.Boolean, nullable=False, server_default=sql.false()),
)
"""The detections that runs have evaluated: their content, since when, digests of the exceptions that name each
and of its search, and whether it has left the content. The row "" holds the digest of what the site
decides."""

FINDINGS: Final = sql.Table(
    "podhawk_findings",
    METADATA,
    sql.Column("finding_id", sql.String(64), primary_key=True),
    sql.Column("detection_id", sql.String(255), nullable=False, index=True),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("first_time", sql.Float, nullable=False, index=True),
    sql.Column("visible", sql.Boolean, nullable=False),
    sql.Column("priority", sql.Integer, nullable=False),
    sql.Column("revision", sql.Integer, nullable=False),
    sql.Column("record", sql.Text, nullable=False),
    sql.Column("masked", sql.Boolean, nullable=False, server_default=sql.false()),
    sql.Column("cluster", sql.String(255), nullable=False, server_default=""),
    sql.Column("last_time", sql.Float, nullable=False, server_default="0"),
    sql.Column("request", sql.String(32), nullable=False, server_default="", index=True),
    sql.Column("kept", sql.LargeBinary),
    sql.Column("first_window", sql.Float, nullable=False, server_default="0"),
    sql.Column("last_window", sql.Float, nullable=False, server_default="0"),
    sql.Column("by_key", sql.String(32), nullable=False, server_default=""),
    sql.Index("podhawk_findings_of_by_keys", "detection_id", "cluster", "by_key", "last_window"),
)
"""Findings. `request` is that of the finding of a request plan; `first_window` and `last_window` are the ends of the
windows of an aggregate plan, `by_key` stands for its by-key; `kept` is what passes read (see `kept_findings`)."""

ALIASES: Final = sql.Table(
    "podhawk_aliases",
    METADATA,
    sql.Column("old_id", sql.String(64), primary_key=True),
    sql.Column("finding_id", sql.String(64), nullable=False, index=True),
)

RISK: Final = sql.Table(
    "podhawk_risk",
    METADATA,
    sql.Column("finding_id", sql.String(64), primary_key=True),
    sql.Column("object_type", sql.String(32), primary_key=True),
    sql.Column("object", sql.String(1024), primary_key=True),
    sql.Column("time", sql.Float, nullable=False, index=True),
    sql.Column("applied", sql.Float, nullable=False),
    sql.Column("record", sql.Text, nullable=False),
    sql.Column("thing", sql.String(32), nullable=False, server_default="", index=True),
    sql.Column("day", sql.String(32), nullable=False, server_default=""),
    sql.Column("entity", sql.String(32), nullable=False, server_default=""),
    sql.Column("full", sql.Float, nullable=False, server_default="0"),
    sql.Column("kept", sql.LargeBinary),
    sql.Column("share", sql.SmallInteger, nullable=False, server_default="0"),
    sql.Column("likes", sql.String(32), nullable=False, server_default=""),
    sql.Index("podhawk_risk_under_cap", "day", "share", "time"),
    sql.Index("podhawk_risk_points", "entity", "share", "time", "likes", "applied"),
    sql.Index("podhawk_risk_alike", "entity", "likes", "share", "time"),
)
"""Risk events. `thing`, `day` and `entity` are hashes of what twins share, of the daily cap, of the risk object;
`share` is 2 for an event that adds points, 1 for one of which the daily cap took them all, 0 for one that has none;
`likes` is a hash of what searches see but for time, finding and points, "" if an older podhawk wrote the event. The
index of points holds all that sums over windows read."""

WINDOWS: Final = sql.Table(
    "podhawk_windows",
    METADATA,
    sql.Column("entity", sql.String(32), primary_key=True),
    sql.Column("detection_id", sql.String(255), primary_key=True),
    sql.Column("data", sql.LargeBinary, nullable=False),
)
"""The windows in which a search over risk gave rows for a risk object. A search without a row here has not looked."""

CELLS: Final = sql.Table(
    "podhawk_cells",
    METADATA,
    sql.Column("entity", sql.String(32), primary_key=True),
    sql.Column("size", sql.Integer, primary_key=True),
    sql.Column("start", sql.Float, primary_key=True),
    sql.Column("data", sql.LargeBinary, nullable=False),
)
"""What incidents say of the findings of some seconds (see `podhawk.detect.increment.fold`), where there are many. A
cell goes when anything in it changes, and may be missing."""

COUNTS: Final = sql.Table(
    "podhawk_counts",
    METADATA,
    sql.Column("name", sql.String(32), primary_key=True),
    sql.Column("number", sql.BigInteger, nullable=False),
)
"""Numbers that would take a look at every row: `findings`, how many are known; `generation`, how many runs wrote."""

TRIAGE: Final = sql.Table(
    "podhawk_triage",
    METADATA,
    sql.Column("finding_id", sql.String(64), primary_key=True),
    sql.Column("status", sql.String(32), nullable=False),
    sql.Column("disposition", sql.String(64)),
    sql.Column("assignee", sql.String(255)),
    sql.Column("changed", sql.Float, nullable=False),
    sql.Column("note", sql.Text),
)

CURRENT: Final = 6
"""The version of these tables; see `podhawk.store.migrations`."""


def version_of(connection: Connection) -> int | None:
    """The version of a database; None for one that podhawk has not written to. Raises StoreError for anything else."""
    if not sql.inspect(connection).has_table(VERSION.name):
        return None
    version = connection.execute(sql.select(VERSION.c.version)).scalar()
    if version is not None and (type(version) is not int or version < 0):  # SQLite keeps text in columns of numbers
        raise StoreError(
            f"the state has the unknown version {version!r}", remedy="Restore it from a backup, or use another --state."
        )
    return version
