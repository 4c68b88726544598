"""`/livez`, `/readyz`, `/metrics` and `/api/v1/status`."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from podhawk.errors import StoreError
from podhawk.serve.api.access import allowed
from podhawk.serve.api.account import every_cluster
from podhawk.serve.api.findings import StateFolder
from podhawk.serve.evaluator.positions import evaluated_counts, positions
from podhawk.serve.failure import answers
from podhawk.serve.inbox.reader import oldest_waiting
from podhawk.serve.inbox.writer import InboxWriter
from podhawk.serve.ledger import accounts
from podhawk.serve.metrics import Meter
from podhawk.serve.receivers.intake import Intake
from podhawk.serve.sinks.runner import SinkRunner
from podhawk.serve.supervisor import Supervisor
from podhawk.serve.tokens import TokenStore


class SinkHealth(Struct, frozen=True):
    """How a sink is: whether its last attempt succeeded, and how far it is behind."""

    name: str
    ok: bool
    dry_run: bool
    cursor: int
    lag_seconds: float
    sent: int
    failed: int
    dead: int


class Readiness(Struct, frozen=True):
    """Whether events are taken, and how the evaluator is. Lag alone is no reason not to be ready. How many events wait,
    and how long the first of them has, is null while the state cannot be read."""

    ready: bool
    inbox: str
    evaluator: str
    waiting: int | None
    lag_seconds: float | None
    sinks: list[SinkHealth] = []


@get("/livez", tags=["health"], summary="Say that the process answers", media_type=MediaType.TEXT)
async def livez() -> str:
    """Depends on nothing: neither disk nor evaluator."""
    return "ok\n"


@get(
    "/readyz",
    sync_to_thread=True,
    tags=["health"],
    summary="Say whether events are taken",
    responses={503: ResponseSpec(Readiness, description="Nothing is taken now.", generate_examples=False)},
)
def readyz(
    intake: Intake, writer: InboxWriter, supervisor: Supervisor, kept: StateFolder, sinks: SinkRunner
) -> Response[Readiness]:
    """200 if events are taken, else 503. The evaluator may be behind or starting: what is taken is kept for it."""
    full = "podhawk is stopping" if intake.stopping else writer.full
    waiting: int | None = None
    lag: float | None = None
    about: list[SinkHealth] = []
    with contextlib.suppress(StoreError):
        waiting, lag = _behind(writer, kept)
        about = [
            SinkHealth(
                one.name, not one.last_error, one.dry_run, one.cursor, one.lag_seconds, one.sent, one.failed, one.dead
            )
            for one in sinks.status()
        ]
    ready = Readiness(not full, full or "takes events", supervisor.state, waiting, lag, about)
    return Response(ready, status_code=200 if ready.ready else 503)


def _behind(writer: InboxWriter, kept: StateFolder) -> tuple[int, float]:
    """How many events wait, and for how many seconds the first of them has."""
    evaluated = evaluated_counts(kept.path)
    waiting = sum(one.waiting for one in accounts(writer.ledger(), evaluated))
    done = {cluster: position.seq for cluster, position in positions(kept.path).items()}
    oldest = oldest_waiting(Path(kept.path) / "inbox", done) if waiting else None
    return waiting, round(max(0.0, time.time() - oldest), 3) if oldest is not None else 0.0


@get(
    "/metrics",
    sync_to_thread=True,
    tags=["health"],
    summary="Metrics for Prometheus",
    media_type=MediaType.TEXT,
    security=[{"token": []}],
    responses=answers(401, 403, 503),
)
def metrics(request: Request[Any, Any, Any], tokens: TokenStore, meter: Meter) -> Response[str]:
    """The metrics of docs/serve.md, in the text format of Prometheus. Needs a token with the scope metrics."""
    every_cluster(allowed(request, tokens, "metrics"))
    return Response(meter.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
