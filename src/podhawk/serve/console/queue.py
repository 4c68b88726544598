"""The queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sql

from podhawk.serve.console.page import Page, Visit
from podhawk.store.database import reading
from podhawk.store.schema import FINDINGS


def view(visit: Visit) -> Mapping[str, Any]:
    """What the queue shows."""
    with reading(visit.console.kept.path) as connection:
        count = (
            0 if connection is None else connection.execute(sql.select(sql.func.count()).select_from(FINDINGS)).scalar()
        )
    return {"count": count or 0}


QUEUE: Final = Page("/queue", "Queue", "viewer", "queue.html", view, place="Queue", key="q")
