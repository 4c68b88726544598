"""Questions about content that take a while: they run in the pool of searches, and the address fixes their time."""

from __future__ import annotations

from podhawk.serve.console.page import Visit
from podhawk.serve.searches.pool import Hunt
from podhawk.serve.searches.process import QuestionKind

SECONDS = 300.0
EARLIEST = "-24h"
_MOST = 1000


def answered(visit: Visit, kind: QuestionKind, text: str, now: str) -> Hunt:
    """The question, over the last day before `now`: one that runs, or whose answer is still known, is not asked again.
    Raises StateUnavailableError if too many searches run."""
    owner, clusters = visit.token.name, visit.token.clusters
    key = "\x00".join((kind, text, now))

    async def find() -> Hunt:
        pool = visit.console.pool
        known = pool.same(key, owner, clusters)
        if known is not None:
            return known
        await pool.make_room()
        within = EARLIEST, None
        return pool.begin(kind, text, within, _MOST, SECONDS, owner, clusters, now=now, key=key)

    return visit.console.in_loop(find)
