"""What the receivers of clouds and collectors have in common: a token that may send, a body, and an answer.

Each of them is one file with its path and the form of its answers. What is taken goes the way of everything else: the
same limits, masking, ledger and inbox.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request

from podhawk.serve.failure import Failure
from podhawk.serve.inbox.writer import InboxFullError
from podhawk.serve.receivers.bodies import BodyLines, ForbiddenClusterError
from podhawk.serve.receivers.intake import RETRY_AFTER, Intake
from podhawk.serve.receivers.streams import BodyError
from podhawk.serve.tokens import Token


class Refusal(Exception):
    """A request that is not taken: the status of the answer, what is wrong, and headers."""

    def __init__(self, status: int, failure: Failure, headers: dict[str, str] | None = None) -> None:
        super().__init__(failure.message)
        self.status = status
        self.failure = failure
        self.headers = headers or {}


class UnreadableError(Exception):
    """A body that is not of the form that its receiver takes."""


def sending(token: Token | None, intake: Intake) -> Token:
    """The token, if it may send. Raises Refusal."""
    if token is None:
        intake.refusals.note("token")
        raise Refusal(
            401, Failure("unauthorized", "the token is missing or not known", "podhawk init token makes one.")
        )
    if not token.may("send"):
        intake.refusals.note("token", detail=token.name[:130])
        raise Refusal(403, Failure("forbidden", "the token may not send events"))
    return token


async def take_in(
    request: Request[Any, Any, Any],
    intake: Intake,
    receiver: str,
    token: Token,
    read: Callable[[bytes, BodyLines], None],
) -> BodyLines:
    """Take in the body of a request: when this returns, it is on the disk. Events that name no cluster are of the first
    one of the token. Raises Refusal."""
    cluster = next((one for one in token.clusters if one != "*"), "default")
    sender = intake.sender(receiver, token.name)
    encoding = request.headers.get("content-encoding", "")
    try:
        return await intake.take(request.stream(), encoding, sender, cluster, token, read)
    except ForbiddenClusterError as error:
        intake.refusals.note("cluster", cluster, f"{token.name} {error}"[:130])
        told = f"the token may not send events of the cluster {str(error)[:63]!r}"
        raise Refusal(403, Failure("forbidden", told)) from None
    except InboxFullError as error:
        intake.refusals.note("full", cluster)
        raise Refusal(503, Failure("full", error.message), {"Retry-After": RETRY_AFTER}) from None
    except UnreadableError as error:
        intake.refusals.note("body 400", cluster)
        raise Refusal(400, Failure("body", str(error))) from None
    except BodyError as error:
        intake.refusals.note(f"body {error.status}", cluster)
        headers = {"Retry-After": RETRY_AFTER} if error.status == 503 else {}
        raise Refusal(error.status, Failure("body", error.message), headers) from None
