"""OTLP over HTTP: `POST /v1/logs`, in protobuf or JSON.

The answer says how many records were rejected (`partialSuccess`): an exporter sends nothing again for it. A body that
cannot be read is 400, which exporters do not repeat; what there is no room for is 503, which they do.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, Response, post
from msgspec import Struct

from podhawk.serve.failure import answers
from podhawk.serve.receivers.bodies import BodyLines, on_one_line, read_lines
from podhawk.serve.receivers.credentials import credential_of
from podhawk.serve.receivers.door import Refusal, UnreadableError, sending, take_in
from podhawk.serve.receivers.intake import Intake
from podhawk.serve.receivers.protobuf import ProtobufError, otlp_json

_PROTOBUF: Final = "application/x-protobuf"


class OtlpStatus(Struct, frozen=True):
    """The body of an error: a code of gRPC, and what is wrong."""

    code: int
    message: str


def read_protobuf(body: bytes, found: BodyLines) -> None:
    """Take in an ExportLogsServiceRequest in protobuf. Raises UnreadableError."""
    try:
        request = otlp_json(body)
    except ProtobufError as error:
        raise UnreadableError(f"not an ExportLogsServiceRequest: {error}") from None
    _read(request, found)


def read_json(body: bytes, found: BodyLines) -> None:
    """Take in an ExportLogsServiceRequest in JSON. Raises UnreadableError."""
    try:
        request = msgspec.json.decode(on_one_line(body))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnreadableError(f"not JSON: {error}") from None
    if not isinstance(request, dict):
        raise UnreadableError("not an ExportLogsServiceRequest")
    _read(request, found)


def _read(request: dict[str, Any], found: BodyLines) -> None:
    """Each resource on a line: a record that cannot be read costs no others."""
    groups = request.get("resourceLogs") or request.get("resource_logs") or []
    if not isinstance(groups, list):
        raise UnreadableError("resourceLogs is not a list")
    texts = [msgspec.json.encode({"resourceLogs": [group]}) for group in groups]
    if texts:
        read_lines(texts, found)


@post(
    "/v1/logs",
    status_code=200,
    request_max_body_size=None,
    tags=["receivers"],
    summary="Take log records of OTLP",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 408, 413, 415, 503, body=OtlpStatus),
)
async def otlp(request: Request[Any, Any, Any], intake: Intake) -> Response[Any]:
    """Store the events in log records, in protobuf (`application/x-protobuf`) or JSON. The answer is 200 when they are
    on the disk; `partialSuccess` counts what is no audit event."""
    is_protobuf = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _PROTOBUF
    try:
        token = sending(credential_of(request, intake.tokens.tokens).token, intake)
        found = await take_in(request, intake, "otlp", token, read_protobuf if is_protobuf else read_json)
    except Refusal as refused:
        return _answer(is_protobuf, refused.status, refused.failure.message, headers=refused.headers)
    rejected = sum(found.rejected.values()) + len(found.letters)
    return _answer(is_protobuf, 200, "no audit events" if rejected else "", rejected)


def _answer(
    is_protobuf: bool, status: int, message: str, rejected: int = 0, headers: dict[str, str] | None = None
) -> Response[Any]:
    """An ExportLogsServiceResponse, or a Status for an error."""
    closing = {"Connection": "close"} if status in (401, 403, 408, 413) else {}
    more = {**closing, **(headers or {})}
    if not is_protobuf:
        partial = {"partialSuccess": {"rejectedLogRecords": str(rejected), "errorMessage": message}} if rejected else {}
        body: dict[str, Any] = partial if status == 200 else {"code": 3 if status < 500 else 14, "message": message}
        return Response(body, status_code=status, headers=more)
    text = message.encode()[:1000]
    told = _field(2, 2) + _size(len(text)) + text if text else b""
    if status == 200:
        inner = (_field(1, 0) + _size(rejected) + told) if rejected else b""
        content = _field(1, 2) + _size(len(inner)) + inner if inner else b""
    else:
        content = _field(1, 0) + _size(3 if status < 500 else 14) + told
    return Response(content, status_code=status, headers=more, media_type=_PROTOBUF)


def _field(number: int, wire: int) -> bytes:
    return bytes([number << 3 | wire])


def _size(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
