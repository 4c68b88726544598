"""`/api/v1/searches`: searches over the lake, everything that one entity did, what each detection could tell, and
exceptions: which are proposed, and what one would hide."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from litestar import Request, delete, get, post
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from msgspec import Meta, Struct

from podhawk.errors import StateUnavailableError
from podhawk.serve.api.access import allowed
from podhawk.serve.failure import answers
from podhawk.serve.searches.pool import Hunt, SearchPool
from podhawk.serve.searches.process import QuestionKind
from podhawk.serve.tokens import Token, TokenStore

_POLL: Final = 0.05
MOST_ROWS: Final = 10_000
LONGEST: Final = 600
LONGEST_WAIT: Final = 30


class SearchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked. `text` is an SPL search, with the kind `entity` the name of a user, address, pod or node, with
    `tune` that of a detection, and with `exception` an `ExceptionQuestion` as JSON; `judgements` needs none. Times are
    as in `--earliest`. The search ends after `seconds`."""

    text: Annotated[str, Meta(max_length=100_000)] = ""
    kind: QuestionKind = "search"
    earliest: Annotated[str, Meta(max_length=100)] = "-24h"
    latest: Annotated[str, Meta(max_length=100)] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 1000
    seconds: Annotated[int, Meta(ge=1, le=LONGEST)] = 60


class SearchState(Struct, frozen=True):
    """A search: `status` is running, done, failed, timeout or cancelled. Rows have text, or lists of texts, by column;
    `truncated` says that there are more; `warnings` say what was not read."""

    search_id: str
    kind: str
    text: str
    status: str
    began: float
    ended: float | None = None
    columns: list[str] = []
    rows: list[Any] = []
    truncated: bool = False
    events: int = 0
    warnings: list[str] = []
    error: str = ""
    remedy: str = ""


@post(
    "/api/v1/searches",
    status_code=202,
    tags=["searches"],
    summary="Begin a search over the lake",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 429, 503),
)
async def begin_search(
    data: SearchRequest, request: Request[Any, Any, Any], tokens: TokenStore, pool: SearchPool
) -> SearchState:
    """Begin a search over the events of the clusters that the token is bound to, in a process of its own. Two run at a
    time, else 429. Its answer is kept for ten minutes."""
    token = allowed(request, tokens, "search")
    if not data.text.strip() and data.kind != "judgements":
        raise HTTPException(detail="text is missing: what is searched for", status_code=400)
    within = data.earliest or None, data.latest
    try:
        hunt = pool.begin(data.kind, data.text, within, data.limit, data.seconds, token.name, token.clusters)
    except StateUnavailableError as error:
        detail = f"{error.message}. {error.remedy}"
        raise HTTPException(detail=detail, status_code=429, headers={"Retry-After": "5"}) from None
    return _state(hunt)


@get(
    "/api/v1/searches/{search_id:str}",
    tags=["searches"],
    summary="Show a search",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 404),
)
async def show_search(
    search_id: str,
    request: Request[Any, Any, Any],
    tokens: TokenStore,
    pool: SearchPool,
    wait: Annotated[int, Parameter(ge=0, le=LONGEST_WAIT, description="seconds to wait for its end")] = 0,
) -> SearchState:
    """The state of a search that the same token has begun, with its rows when it has ended. If the token is bound to
    fewer clusters than it was then, there is no such search."""
    hunt = _hunt(pool, search_id, allowed(request, tokens, "search"))
    for _ in range(int(wait / _POLL)):
        if hunt.ended is not None:
            break
        await asyncio.sleep(_POLL)
    return _state(_hunt(pool, search_id, allowed(request, tokens, "search")))  # the token may be another one now


@delete(
    "/api/v1/searches/{search_id:str}",
    status_code=200,
    tags=["searches"],
    summary="Cancel a search",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 404),
)
async def cancel_search(
    search_id: str, request: Request[Any, Any, Any], tokens: TokenStore, pool: SearchPool
) -> SearchState:
    """End a search. One that has ended stays as it is."""
    hunt = _hunt(pool, search_id, allowed(request, tokens, "search"))
    await pool.cancel(hunt)
    return _state(hunt)


def _hunt(pool: SearchPool, search_id: str, token: Token) -> Hunt:
    hunt = pool.find(search_id, token.name, token.clusters)
    if hunt is None:
        raise HTTPException(detail="there is no such search", status_code=404)
    return hunt


def _state(hunt: Hunt) -> SearchState:
    found = hunt.answer
    state = SearchState(hunt.search_id, hunt.kind, hunt.text, hunt.status, hunt.began, hunt.ended)
    if found is None:
        return state
    return SearchState(
        *(hunt.search_id, hunt.kind, hunt.text, hunt.status, hunt.began, hunt.ended),
        columns=found.columns,
        rows=found.rows,
        truncated=found.truncated,
        events=found.events,
        warnings=found.warnings,
        error=found.error,
        remedy=found.remedy,
    )
