"""The searches that run or have ended: a few at a time, kept for some minutes."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Final

import msgspec
from msgspec import Struct

from podhawk.errors import StateUnavailableError
from podhawk.log import logger
from podhawk.serve.children import Child
from podhawk.serve.evaluator.process import Order, order_of
from podhawk.serve.searches.process import Question, QuestionKind, SearchAnswer
from podhawk.settings.resolve import Settings

RUNNING: Final = 2
"""Searches that run at a time."""
KEPT: Final = 20
"""Searches whose answers are kept, whatever their age."""
KEPT_SECONDS: Final = 600.0
WATCHED_SECONDS: Final = 8.0
"""Seconds after which a page that shows a running search has gone: it asks every two seconds or so."""
MEMORY: Final = 8 << 30
"""Bytes of address space of a search. What is mapped and not used counts too."""


class Hunt(Struct):
    """A search: whose it is, of which clusters, when it began, the process, and the answer when it has ended."""

    search_id: str
    owner: str
    clusters: tuple[str, ...]
    kind: QuestionKind
    text: str
    began: float
    child: Child
    status: str = "running"
    """running, done, failed, timeout or cancelled."""
    ended: float | None = None
    key: str = ""
    """What tells the question of a page from others; "" for a search of the interface."""
    watched: float = 0.0
    """When a page asked for it last."""
    answer: SearchAnswer | None = None


class SearchPool:
    """Runs searches."""

    def __init__(self, settings: Settings) -> None:
        self._order = msgspec.json.decode(order_of(settings), type=Order)
        self._hunts: dict[str, Hunt] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(
        self,
        kind: QuestionKind,
        text: str,
        within: tuple[str | None, str | None],
        most: int,
        seconds: float,
        owner: str,
        clusters: tuple[str, ...],
        *,
        now: str | None = None,
        overview: bool = False,
        key: str = "",
    ) -> Hunt:
        """Begin a search. Raises StateUnavailableError if too many run."""
        self._forget()
        if sum(one.status == "running" for one in self._hunts.values()) >= RUNNING:
            raise StateUnavailableError(f"{RUNNING} searches run already", remedy="Wait for one to end, or cancel it.")
        child = Child("podhawk.serve.searches.process", seconds)
        hunt = Hunt(uuid.uuid4().hex, owner, clusters, kind, text, time.time(), child, key=key, watched=time.time())
        question = Question(self._order, kind, text, *within, most, clusters, MEMORY, now, overview)
        self._hunts[hunt.search_id] = hunt
        task = asyncio.get_running_loop().create_task(self._run(hunt, msgspec.json.encode(question) + b"\n", seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return hunt

    def find(self, search_id: str, owner: str, clusters: tuple[str, ...]) -> Hunt | None:
        """A search by its id, of an owner that may see these clusters now."""
        self._forget()
        hunt = self._hunts.get(search_id)
        if hunt is None or hunt.owner != owner:
            return None
        return hunt if "*" in clusters or set(hunt.clusters) <= set(clusters) else None

    def same(self, key: str, owner: str, clusters: tuple[str, ...]) -> Hunt | None:
        """The last search of an owner with a key, unless it was cancelled."""
        self._forget()
        known = (one for one in reversed(self._hunts.values()) if one.key == key and one.status != "cancelled")
        found = next((one for one in known if self.find(one.search_id, owner, clusters) is one), None)
        if found is not None:
            found.watched = time.time()
        return found

    async def make_room(self) -> None:
        """End the searches of pages that nobody looks at any more."""
        left = [one for one in self._hunts.values() if one.key and time.time() - one.watched > WATCHED_SECONDS]
        for one in left:
            await self.cancel(one)

    def last(self, owner: str, clusters: tuple[str, ...]) -> Hunt | None:
        """The last search of an owner that has an answer with rows."""
        self._forget()
        known = (one for one in reversed(self._hunts.values()) if one.kind == "search" and one.status == "done")
        return next((one for one in known if self.find(one.search_id, owner, clusters) is one), None)

    async def cancel(self, hunt: Hunt) -> None:
        """End a search, if it runs."""
        if hunt.status == "running":
            hunt.status = "cancelled"
            await hunt.child.stop()

    async def stop(self) -> None:
        """End all searches."""
        for one in list(self._hunts.values()):
            await self.cancel(one)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, hunt: Hunt, question: bytes, seconds: float) -> None:
        try:
            out = await hunt.child.run(question)
        except Exception as error:  # no descriptors, for example
            logger(__name__).error("a search cannot be run", exc_info=error)
            hunt.ended = time.time()
            if hunt.status != "cancelled":
                hunt.status = "failed"
                hunt.answer = SearchAnswer(error="the search cannot be run now", remedy="Try again later.")
            return
        hunt.ended = time.time()
        if hunt.status == "cancelled":
            return
        try:
            hunt.answer = msgspec.json.decode(out, type=SearchAnswer)
            hunt.status = "failed" if hunt.answer.error else "done"
        except msgspec.DecodeError:
            late = hunt.ended - hunt.began >= seconds
            hunt.status = "timeout" if late else "failed"
            told = f"the search took more than {seconds:g} seconds" if late else "the search was ended"
            hunt.answer = SearchAnswer(error=told, remedy="Choose a shorter time.")

    def _forget(self) -> None:
        """Forget what has ended some time ago, and what is too much."""
        ended = [one for one in self._hunts.values() if one.ended is not None]
        for one in ended:
            if time.time() - (one.ended or 0.0) > KEPT_SECONDS or len(self._hunts) > KEPT:
                del self._hunts[one.search_id]
