"""`/stream`: the changes of findings for an open page, as server-sent events."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from podhawk.serve.api.changes import stream_of_changes
from podhawk.serve.console import render
from podhawk.serve.console.page import Console
from podhawk.serve.console.routes import cookie_name, signed_in
from podhawk.serve.tokens import Token


@get("/stream", include_in_schema=False)
async def stream(request: Request[Any, Any, Any], console: Console) -> Response[Any]:
    """The changes that the person may see. The stream ends with the session."""
    session = await signed_in(request, console)
    if session is None:
        return Response(b"", status_code=401, headers=dict(render.HEADERS))
    cookie = request.cookies.get(cookie_name(console), "")[:200]

    def reader(now: float) -> Token | None:
        found = console.sessions.find(cookie, now)
        return None if found is None else found.account.token

    return stream_of_changes(console.kept, console.intake, console.feed, reader, None)
