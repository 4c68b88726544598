"""The question that the address of the page holds: search, times, and what of the result is shown.

All of it stands in the address, the clock included: reload, the back button and a shared link show the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from podhawk.serve.console.page import Visit
from podhawk.serve.searches.pool import Hunt

LONGEST: Final = 20_000
"""Characters of a search."""
SECONDS: Final = 120.0
MOST_ROWS: Final = 10_000
PAGE_ROWS: Final = 50
DEFAULT_EARLIEST: Final = "-24h"
RANGES: Final[Mapping[str, str]] = {
    "-15m": "Last 15 minutes",
    "-1h": "Last hour",
    "-4h": "Last 4 hours",
    "-24h": "Last 24 hours",
    "-7d": "Last 7 days",
    "-30d": "Last 30 days",
    "0": "All time",
}


class HuntQuestion(Struct, frozen=True):
    """What the address asks for. `now` fixes the clock for relative times; `page` counts from 1; `row` is the number of
    the row that is open, or -1; `draw` is the kind of chart that was chosen."""

    text: str = ""
    earliest: str = DEFAULT_EARLIEST
    latest: str = ""
    now: str = ""
    page: int = 1
    row: int = -1
    draw: str = ""

    @property
    def key(self) -> str:
        """What tells the search from others, without what is shown of it."""
        return "\x00".join((self.text, self.earliest, self.latest, self.now))

    @property
    def range_label(self) -> str:
        """The time range in words."""
        if not self.latest and self.earliest in RANGES:
            return RANGES[self.earliest]
        return f"{self.earliest or 'begin'} to {self.latest or 'now'}"

    def address(self, **changes: str | int) -> str:
        """The address of the page, with changes. Another search or time begins on the first page."""
        values = {"q": self.text, "earliest": self.earliest, "latest": self.latest, "now": self.now, "draw": self.draw}
        if not changes.keys() & {"q", "earliest", "latest", "now"}:
            values |= {"page": str(self.page) if self.page > 1 else "", "row": str(self.row) if self.row >= 0 else ""}
        values |= {name: str(value) for name, value in changes.items()}
        kept = {name: value for name, value in values.items() if value or name == "earliest"}
        return "/hunt?" + urlencode(kept)

    def export(self, kind: str) -> str:
        """The address of a file with the rows."""
        return self.address(page=1, row=-1).replace("/hunt?", f"/hunt/rows.{kind}?")


def question_of(visit: Visit) -> HuntQuestion:
    """The question of an address."""
    return HuntQuestion(
        cleaned(visit.asked("q")),
        visit.asked("earliest", DEFAULT_EARLIEST).strip()[:100],
        visit.asked("latest").strip()[:100],
        visit.asked("now").strip()[:40],
        max(1, _whole(visit.asked("page"), 1)),
        _whole(visit.asked("row"), -1),
        visit.asked("draw")[:20],
    )


def cleaned(text: str) -> str:
    """A search as it was typed: browsers send line ends as two characters."""
    return text.replace("\r\n", "\n").strip()[: LONGEST + 1]


def clock(now: float) -> str:
    """A time as the address holds it."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def begun(visit: Visit, asked: HuntQuestion) -> tuple[Hunt, bool]:
    """The search of a question, and whether it was begun just now: one that runs, or whose answer is still known, is
    not run again. Raises StateUnavailableError if too many run."""
    owner, clusters = visit.token.name, visit.token.clusters

    async def find() -> tuple[Hunt, bool]:
        pool = visit.console.pool
        known = pool.same(asked.key, owner, clusters)
        if known is not None:
            return known, False
        await pool.make_room()
        within = asked.earliest or None, asked.latest or None
        return pool.begin(
            *("search", asked.text, within, MOST_ROWS, SECONDS, owner, clusters),
            now=asked.now or None,
            overview=True,
            key=asked.key,
        ), True

    return visit.console.in_loop(find)


def _whole(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else default
