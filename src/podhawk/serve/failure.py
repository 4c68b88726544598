"""The one shape of errors: `{"error": {"code", "message", "remedy"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from podhawk.errors import PodhawkError, StateUnavailableError, StoreError, UsageError
from podhawk.log import logger

_CODES = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method",
    409: "conflict",
    429: "busy",
}


class Failure(Struct, frozen=True):
    """What is wrong: a code for programs, a message and a remedy for people."""

    code: str
    message: str
    remedy: str = ""


class ErrorBody(Struct, frozen=True):
    """The body of an answer that is an error."""

    error: Failure


_MEANINGS: Final = {
    400: "The request is wrong.",
    401: "There is no token, or it is not known.",
    403: "The token may not do this.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "Somebody else changed it meanwhile.",
    413: "The body is too large.",
    415: "The encoding of the body is not supported.",
    429: "Too many at a time; Retry-After says when to come back.",
    503: "Not now; Retry-After says when to come back.",
}


def answers(*statuses: int, body: type[Struct] = ErrorBody) -> dict[int, ResponseSpec]:
    """What the OpenAPI document says of the errors of a path; `body` is their form, if a protocol has its own."""
    return {one: ResponseSpec(body, description=_MEANINGS[one], generate_examples=False) for one in statuses}


def failed(failure: Failure, status: int, headers: Mapping[str, str] | None = None) -> Response[ErrorBody]:
    """The answer for an error. The connection ends with one about credentials: its body is not read."""
    closing = {"Connection": "close"} if status in (401, 403, 408, 413) else {}
    return Response(ErrorBody(failure), status_code=status, headers={**closing, **(headers or {})})


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[ErrorBody]:
    """The answer for what the framework refuses."""
    extra = error.extra if isinstance(error.extra, list) else []
    told = "; ".join(f"{one.get('key', '')}: {one.get('message', '')}".strip(": ") for one in extra)
    status = error.status_code
    message = f"{error.detail}{': ' + told if told else ''}"
    return failed(Failure(_CODES.get(status, "error"), message[:1000]), status, error.headers)


def on_our_error(request: Request[Any, Any, Any], error: PodhawkError) -> Response[ErrorBody]:
    """The answer for an error of podhawk."""
    if isinstance(error, StateUnavailableError):
        return failed(Failure("busy", error.message, error.remedy), 503, {"Retry-After": "5"})
    if isinstance(error, UsageError):
        return failed(Failure("invalid", error.message, error.remedy), 400)
    logger(__name__).error("%s %s: %s", request.method, request.url.path, error)
    if isinstance(error, StoreError):  # the disk may be read-only, or full
        return failed(Failure("state", error.message, error.remedy), 503, {"Retry-After": "5"})
    return failed(Failure("error", error.message, error.remedy), 500)


def on_any_error(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorBody]:
    """The answer for a bug."""
    logger(__name__).error("%s %s failed", request.method, request.url.path, exc_info=error)
    return failed(Failure("internal", "an internal error; the log of the server has it"), 500)
