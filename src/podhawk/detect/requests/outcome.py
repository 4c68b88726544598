"""What became of a request. It never changes whether a detection fired: an attempt that was refused is one too.

Source: the audit stages, https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/, and dry runs,
https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from podhawk.detect.finding import Outcome
from podhawk.detect.requests.request import Request, member, newest_first

_ANSWERED: Final = frozenset({"ResponseStarted", "ResponseComplete"})
_DELETES: Final = frozenset({"delete", "deletecollection"})
_WRITES: Final = frozenset({"create", "update", "patch"})
_REAL: Final = frozenset({"exec", "attach", "portforward", "proxy", "token"})
"""Subresources whose `create` takes no notice of `dryRun`: streams are opened, tokens are issued."""
_REVIEWS: Final = frozenset({"authorization.k8s.io", "authentication.k8s.io"})
"""Groups whose objects are questions: `dryRun` or not, they are answered."""
_ALL: Final = "All"


def outcome_of(request: Request) -> Outcome:
    """The outcome, from the latest stage that has one.

    A request that was begun and answered (exec, watch) is a success though it goes on. 401 and 403 are `denied`,
    whoever refused: authentication, authorization or admission. A dry run is one where it would have succeeded.
    """
    answered = False
    for event in reversed(request.events):
        data = event.view.data
        if member(data, "stage") == "Panic":
            return "failed"
        answered = answered or member(data, "stage") in _ANSWERED
        code = member(data, "responseStatus", "code")
        if not code.isdigit():
            continue
        number = int(code)
        if number in (401, 403):
            return "denied"
        if number >= 400:
            return "failed"
        if number >= 100:
            return "dry_run" if _is_dry_run(request) else "success"
    if answered:
        return "unknown"
    stages = {member(event.view.data, "stage") for event in request.events}
    return "pending" if "RequestReceived" in stages else "unknown"


def _is_dry_run(request: Request) -> bool:
    """Whether the API server took a request for a dry run.

    Anybody can write `dryRun=All` behind any URI. It means something only for changes, and only as it is spelled here;
    a delete that has a body goes by the body: where the level logs no bodies, the URI of a delete proves nothing.
    """
    data = request.last.view.data
    verb = member(data, "verb")
    asked = parse_qs(request.key.uri.partition("?")[2], keep_blank_values=True).get("dryRun", [])
    if verb in _DELETES:
        body = next((body for body in newest_first(request, "requestObject") if isinstance(body, dict)), None)
        if body is not None:
            return body.get("dryRun") == [_ALL]
        return asked == [_ALL] and member(data, "level") in ("Request", "RequestResponse")
    if verb not in _WRITES or not asked or set(asked) != {_ALL}:
        return False
    return (
        member(data, "objectRef", "subresource") not in _REAL and member(data, "objectRef", "apiGroup") not in _REVIEWS
    )
