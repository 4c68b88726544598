"""`/api/v1/sinks`: how sinks are, and their dead letters."""

from __future__ import annotations

from typing import Any

from litestar import Request, get, post
from litestar.exceptions import HTTPException
from msgspec import Struct

from podhawk.serve.api.access import allowed
from podhawk.serve.api.account import every_cluster
from podhawk.serve.failure import answers
from podhawk.serve.sinks.runner import SinkRunner, SinkStatus
from podhawk.serve.tokens import TokenStore


class SinkPage(Struct, frozen=True):
    """All sinks."""

    sinks: list[SinkStatus]


class Retried(Struct, frozen=True):
    """How many dead letters are tried again."""

    messages: int


@get(
    "/api/v1/sinks",
    sync_to_thread=True,
    tags=["sinks"],
    summary="Show how sinks are",
    security=[{"token": []}],
    responses=answers(401, 403, 503),
)
def list_sinks(request: Request[Any, Any, Any], tokens: TokenStore, sinks: SinkRunner) -> SinkPage:
    """Each sink with how far it has read, what it has sent, what failed, and what it would send if it only says so."""
    every_cluster(allowed(request, tokens, "read"))
    return SinkPage(sinks.status())


@post(
    "/api/v1/sinks/{name:str}/retry",
    status_code=200,
    sync_to_thread=True,
    tags=["sinks"],
    summary="Send dead letters of a sink again",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 404, 503),
)
def retry_sink(name: str, request: Request[Any, Any, Any], tokens: TokenStore, sinks: SinkRunner) -> Retried:
    """Try the messages again that the sink did not take."""
    every_cluster(allowed(request, tokens, "triage"))
    found = sinks.find(name)
    if found is None:
        raise HTTPException(detail="there is no such sink", status_code=404)
    return Retried(found.retry())
