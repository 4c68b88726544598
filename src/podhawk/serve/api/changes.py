"""`/api/v1/changes`: the changes of findings, a page at a time or as a stream of events.

A client that asks for `text/event-stream` gets server-sent events: each has the number of the change as its id, and a
client that comes back with `Last-Event-ID` misses none. All others get a page.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from litestar.response import Stream
from msgspec import Struct, field

from podhawk.errors import StoreError
from podhawk.serve.api.access import AccessError
from podhawk.serve.api.findings import StateFolder
from podhawk.serve.changes import Changes, changes_after
from podhawk.serve.failure import answers
from podhawk.serve.receivers.credentials import credential_of
from podhawk.serve.receivers.intake import Intake
from podhawk.serve.tokens import Token, TokenStore

MOST: Final = 500
MOST_STREAMS: Final = 100
_LOOK: Final = 1.0
"""Seconds after which the table is looked at though nobody said that it changed."""
_PING: Final = 15
"""Looks without a change after which a comment is sent, so that proxies keep the connection."""


class Listeners(Struct):
    """The open streams. `notify` wakes them."""

    waiting: set[asyncio.Event] = field(default_factory=set)

    def notify(self) -> None:
        """Say that something may have changed; to be called in the event loop."""
        for one in self.waiting:
            one.set()


def _reader(request: Request[Any, Any, Any], tokens: TokenStore) -> Token:
    """The token of a request, which may read or stream. Raises AccessError."""
    token = credential_of(request, tokens.tokens).token
    if token is None:
        raise AccessError(detail="the token is missing or not known", status_code=401)
    if not token.may("read") and not token.may("stream"):
        raise AccessError(detail="the token has neither the scope read nor stream", status_code=403)
    return token


@get(
    "/api/v1/changes",
    tags=["findings"],
    summary="List changes of findings, or stream them",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 503),
)
async def list_changes(
    request: Request[Any, Any, Any],
    tokens: TokenStore,
    kept: StateFolder,
    intake: Intake,
    feed: Listeners,
    after: Annotated[
        int | None, Parameter(ge=0, le=2**53, description="number of a change; without it, what comes from now on")
    ] = None,
    limit: Annotated[int, Parameter(ge=1, le=MOST, description="how many changes a page has")] = 100,
) -> Response[Changes]:
    """Changes after a number, in the order in which they were committed. With `Accept: text/event-stream` they are
    server-sent events, as they come; `Last-Event-ID` counts more than `after`. An event `missed` says that some are not
    kept any more, so that findings are to be read again."""
    token = _reader(request, tokens)
    if "text/event-stream" not in request.headers.get("accept", ""):
        page = await asyncio.to_thread(changes_after, kept.path, after, token.clusters, limit)
        return Response(page)
    seen = request.headers.get("last-event-id", "").strip()
    if seen:
        if not seen.isdecimal() or len(seen) > 15:
            raise HTTPException(detail="Last-Event-ID is not the number of a change", status_code=400)
        after = int(seen)

    def reader(now: float) -> Token | None:
        known = credential_of(request, tokens.tokens).token
        return known if known is not None and (known.may("read") or known.may("stream")) else None

    return stream_of_changes(kept, intake, feed, reader, after)


def stream_of_changes(
    kept: StateFolder,
    intake: Intake,
    feed: Listeners,
    reader: Callable[[float], Token | None],
    after: int | None,
) -> Response[Any]:
    """A stream of changes after a number. `reader` gives whose clusters it shows, at a time; the stream ends when it
    gives None. Raises HTTPException if there are too many."""
    if len(feed.waiting) >= MOST_STREAMS:
        raise HTTPException(detail="there are too many streams", status_code=503, headers={"Retry-After": "5"})
    wake = asyncio.Event()
    feed.waiting.add(wake)

    def may_go_on() -> Token | None:
        return None if intake.stopping else reader(time.time())

    async def told() -> AsyncIterator[bytes]:
        last, idle = after, _PING
        try:
            while (known := may_go_on()) is not None:
                wake.clear()
                try:
                    page = await asyncio.to_thread(changes_after, kept.path, last, known.clusters, MOST)
                except StoreError:  # it is busy: the next look
                    page = None
                if page is not None:
                    text = _events(page, first=last is None)
                    last = page.last
                    idle = 0 if text else idle + 1
                    if text:
                        yield text
                    if len(page.changes) == MOST:
                        continue
                if idle >= _PING:
                    idle = 0
                    yield b": \n\n"
                try:
                    await asyncio.wait_for(wake.wait(), _LOOK)
                except TimeoutError:
                    continue
        finally:
            feed.waiting.discard(wake)

    stream: Any = Stream(
        told(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    return stream  # type: ignore[no-any-return]


def _events(page: Changes, *, first: bool) -> bytes:
    lines = []
    if page.missed:
        lines.append(f"id: {page.last}\nevent: missed\ndata: {{}}\n\n".encode())
    elif first:
        lines.append(f"id: {page.last}\nevent: begin\ndata: {{}}\n\n".encode())
    for one in page.changes:
        data = msgspec.json.encode(one.change)
        lines.append(f"id: {one.id}\nevent: {one.change.change}\ndata: ".encode() + data + b"\n\n")
    return b"".join(lines)
