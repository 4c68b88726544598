"""The audit webhook of the API server: `POST /audit/{cluster}/{instance}`.

An API server repeats whatever is not answered with 2xx, 400 and 413 too, and drops the batch after five tries. So a
body is answered with 200 even if nothing in it can be read; what was wrong is counted. Refused are only wrong
credentials, other clusters, and what there is no room for: with `Retry-After`, because an API server is far more
patient then.

Source: kubernetes/kubernetes, plugin/pkg/audit/webhook and pkg/util/webhook.
"""

from __future__ import annotations

import re
from typing import Any, Final

from litestar import Request, Response, post

from podhawk.serve.failure import Failure, answers, failed
from podhawk.serve.inbox.writer import InboxFullError
from podhawk.serve.receivers.bodies import ForbiddenClusterError, read_event_list
from podhawk.serve.receivers.credentials import credential_of
from podhawk.serve.receivers.intake import RETRY_AFTER, Intake
from podhawk.serve.receivers.streams import BodyError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")


@post(
    "/audit/{cluster:str}/{instance:str}",
    status_code=200,
    request_max_body_size=None,
    tags=["receivers"],
    summary="Take a batch of an audit webhook",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 404, 408, 413, 415, 503),
)
async def audit(cluster: str, instance: str, request: Request[Any, Any, Any], intake: Intake) -> Response[Any]:
    """Store the events of a batch. `instance` names the API server. The answer is 200 when they are on the disk."""
    refusals = intake.refusals
    credential = credential_of(request, intake.tokens.tokens)
    token = credential.token
    if token is None:
        refusals.note("token", detail=f"{cluster}/{instance}"[:130])
        return failed(
            Failure("unauthorized", "the token is missing or not known", "podhawk init token makes one."), 401
        )
    if not token.covers(cluster):
        intake.refuse_cluster(token, cluster, f"webhook:{cluster}/{instance}")
    elif not token.may("send"):
        refusals.note("cluster", detail=f"{token.name} {cluster}"[:130])
    if not token.may("send") or not token.covers(cluster):
        return failed(Failure("forbidden", f"the token may not send events of the cluster {cluster[:63]!r}"), 403)
    if not _NAME.match(cluster) or not _NAME.match(instance):
        return failed(Failure("name", "cluster and instance have letters, digits, dots, _ and -, at most 63"), 404)
    sender = intake.sender("webhook", f"{cluster}/{instance}")
    encoding = request.headers.get("content-encoding", "")
    try:
        await intake.take(request.stream(), encoding, sender, cluster, token, read_event_list)
    except ForbiddenClusterError as error:
        intake.refuse_cluster(token, str(error), sender, cluster)
        return failed(Failure("forbidden", f"an envelope names the cluster {str(error)[:63]!r}"), 403)
    except InboxFullError as error:
        refusals.note("full", cluster)
        return failed(Failure("full", error.message), 503, {"Retry-After": RETRY_AFTER})
    except BodyError as error:
        refusals.note(f"body {error.status}", cluster)
        headers = {"Retry-After": RETRY_AFTER} if error.status == 503 else {}
        return failed(Failure("body", error.message), error.status, headers)
    return Response({}, status_code=200)
