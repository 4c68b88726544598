"""Google Pub/Sub, push: `POST /pubsub`.

Pub/Sub signs each request with a token of a service account (OpenID Connect). Signature, issuer, audience and time are
checked; the account stands in the file of tokens in place of a secret, and binds the request to clusters.

Source: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post

from podhawk.serve.failure import answers, failed
from podhawk.serve.receivers.bodies import BodyLines, on_one_line, read_lines
from podhawk.serve.receivers.door import Refusal, UnreadableError, sending, take_in
from podhawk.serve.receivers.identity import IdentityError, PushIdentity
from podhawk.serve.receivers.intake import Intake


def read_push(body: bytes, found: BodyLines) -> None:
    """Take in a message. Raises UnreadableError."""
    try:
        text = on_one_line(body)
    except Exception as error:  # msgspec's formatter says nothing narrower
        raise UnreadableError(f"not JSON: {error}") from None
    if not text.startswith(b"{"):
        raise UnreadableError("not a message of Pub/Sub")
    read_lines([text], found)


@post(
    "/pubsub",
    status_code=200,
    request_max_body_size=None,
    tags=["receivers"],
    summary="Take a message of a push subscription of Pub/Sub",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 408, 413, 415, 503),
)
async def pubsub(request: Request[Any, Any, Any], intake: Intake, identity: PushIdentity) -> Response[Any]:
    """Store the events of a message. Needs a token of Google for the service account of the subscription."""
    scheme, _, text = request.headers.get("authorization", "").strip().partition(" ")
    try:
        account = await identity.account_of(text.strip() if scheme.lower() == "bearer" else "")
    except IdentityError as error:
        intake.refusals.note("token", detail=str(error)[:130])
        if error.later:
            return failed(Refusal(503, error.failure).failure, 503, {"Retry-After": "5"})
        return failed(error.failure, 401)
    try:
        token = sending(intake.tokens.tokens.by_account.get(account), intake)
        await take_in(request, intake, "pubsub", token, read_push)
    except Refusal as refused:
        return failed(refused.failure, refused.status, refused.headers)
    return Response({}, status_code=200)
