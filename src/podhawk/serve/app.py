"""The ASGI application: receivers and interface, and what each request is given."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from podhawk.errors import PodhawkError
from podhawk.serve.api.account import list_dead_letters, show_content, show_ledger
from podhawk.serve.api.changes import Listeners, list_changes
from podhawk.serve.api.findings import StateFolder, change_finding, list_findings, show_finding
from podhawk.serve.api.health import livez, metrics, readyz
from podhawk.serve.api.searches import begin_search, cancel_search, show_search
from podhawk.serve.api.sinks import list_sinks, retry_sink
from podhawk.serve.connections import OPENED
from podhawk.serve.console import registry
from podhawk.serve.console.page import Console
from podhawk.serve.console.routes import failed as page_of_error
from podhawk.serve.failure import on_any_error, on_http_error, on_our_error
from podhawk.serve.metrics import Meter
from podhawk.serve.receivers.firehose import firehose
from podhawk.serve.receivers.hec import Hec, ack, event, health, raw
from podhawk.serve.receivers.identity import PushIdentity
from podhawk.serve.receivers.otlp import otlp
from podhawk.serve.receivers.pubsub import pubsub
from podhawk.serve.receivers.webhook import audit
from podhawk.serve.searches.pool import SearchPool
from podhawk.serve.sinks.runner import SinkRunner
from podhawk.serve.supervisor import Supervisor
from podhawk.settings.version import __version__

HANDLERS: Final[Sequence[Any]] = (
    audit,
    event,
    raw,
    ack,
    health,
    otlp,
    firehose,
    pubsub,
    list_findings,
    show_finding,
    change_finding,
    list_changes,
    show_ledger,
    show_content,
    list_dead_letters,
    begin_search,
    show_search,
    cancel_search,
    list_sinks,
    retry_sink,
    livez,
    readyz,
    metrics,
    *registry.HANDLERS,
)

_FOR_PROGRAMS: Final = (
    "/api/",
    "/audit/",
    "/services/",
    "/v1/",
    "/firehose",
    "/pubsub",
    "/metrics",
    "/livez",
    "/readyz",
)
"""Where nobody is shown a page, whatever the client says that it takes."""


class Parts(Struct, frozen=True):
    """What requests are given."""

    hec: Hec
    state: StateFolder
    supervisor: Supervisor
    meter: Meter
    feed: Listeners
    searches: SearchPool
    console: Console
    sinks: SinkRunner
    identity: PushIdentity


def make_app(parts: Parts, age: float) -> Litestar:
    """The application. A connection that is older than `age` seconds ends with its next answer."""
    intake = parts.hec.intake

    def given(value: Any) -> Provide:
        return Provide(lambda: value, sync_to_thread=False)

    return Litestar(
        route_handlers=list(HANDLERS),
        dependencies={
            "intake": given(intake),
            "hec": given(parts.hec),
            "tokens": given(intake.tokens),
            "writer": given(intake.writer),
            "kept": given(parts.state),
            "sinks": given(parts.sinks),
            "identity": given(parts.identity),
            "supervisor": given(parts.supervisor),
            "meter": given(parts.meter),
            "feed": given(parts.feed),
            "pool": given(parts.searches),
            "console": given(parts.console),
            "trail": given(parts.console.trail),
        },
        exception_handlers={
            HTTPException: _on_http_error,
            PodhawkError: on_our_error,
            Exception: on_any_error,
        },
        middleware=[_ageing(age)],
        openapi_config=OpenAPIConfig(
            title="podhawk serve",
            version=__version__,
            path="/api/v1/openapi.json",  # not /api/v1: what is unknown there is an error in JSON
            render_plugins=[JsonRenderPlugin(path="/")],
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            use_handler_docstrings=True,
        ),
        request_max_body_size=1 << 20,
        debug=False,
        logging_config=None,
    )


def _on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """The answer for what no handler takes: a page for a browser, else JSON."""
    asks_for_page = "text/html" in request.headers.get("accept", "")
    if asks_for_page and not request.url.path.startswith(_FOR_PROGRAMS):
        return page_of_error(request, error, None)
    return on_http_error(request, error)


def _ageing(age: float) -> Any:
    """Middleware that ends old connections, so that a load balancer can spread senders anew."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def called(scope: Scope, receive: Receive, send: Send) -> None:
            opened = scope.get(OPENED)
            if not isinstance(opened, float) or time.monotonic() - opened < age:
                await app(scope, receive, send)
                return

            async def closing(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
                await send(message)

            await app(scope, receive, closing)

        return called

    return wrap
