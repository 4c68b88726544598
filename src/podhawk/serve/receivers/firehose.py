"""Amazon Data Firehose's HTTP endpoint: `POST /firehose`.

Each record holds what CloudWatch Logs sends to a subscription: gzip with the events of a log group, which names the
cluster. Firehose sends a batch again unless the answer is 200 and repeats its request id.

Source: https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from litestar import Request, Response, post
from msgspec import Struct

from podhawk.serve.failure import answers
from podhawk.serve.receivers.bodies import BodyLines, read_lines
from podhawk.serve.receivers.door import Refusal, UnreadableError, sending, take_in
from podhawk.serve.receivers.intake import Intake


class _Record(Struct):
    data: str


class _Batch(Struct):
    records: list[_Record]


class FirehoseAnswer(
    Struct, frozen=True, omit_defaults=True, rename={"request_id": "requestId", "error": "errorMessage"}
):
    """The body of an answer. `timestamp` is in milliseconds."""

    request_id: str
    timestamp: int
    error: str = ""


def read_batch(body: bytes, found: BodyLines) -> None:
    """Take in a batch, each record by itself. Raises UnreadableError."""
    try:
        batch = msgspec.json.decode(body, type=_Batch)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnreadableError(f"not a batch of Firehose: {error}") from None
    read_lines([msgspec.json.encode({"records": [{"data": one.data}]}) for one in batch.records], found)


@post(
    "/firehose",
    status_code=200,
    request_max_body_size=None,
    tags=["receivers"],
    summary="Take a batch of Amazon Data Firehose",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 408, 413, 415, 503, body=FirehoseAnswer),
)
async def firehose(request: Request[Any, Any, Any], intake: Intake) -> Response[FirehoseAnswer]:
    """Store the events of a batch. The token is the access key, in `X-Amz-Firehose-Access-Key`."""
    request_id = request.headers.get("x-amz-firehose-request-id", "")[:100]
    key = request.headers.get("x-amz-firehose-access-key")
    try:
        token = sending(intake.tokens.tokens.find(key) if key else None, intake)
        await take_in(request, intake, "firehose", token, read_batch)
    except Refusal as refused:
        body = FirehoseAnswer(request_id, round(time.time() * 1000), refused.failure.message)
        closing = {"Connection": "close"} if refused.status in (401, 403, 408, 413) else {}
        return Response(body, status_code=refused.status, headers={**closing, **refused.headers})
    return Response(FirehoseAnswer(request_id, round(time.time() * 1000)), status_code=200)
