"""What became of a request. It never changes whether a detection fired: an attempt that was refused is one too.

Source: the audit stages, https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from __future__ import annotations

import re
from typing import Final

from podhawk.detect.finding import Outcome
from podhawk.detect.request import Request, member

_DRY_RUN: Final = re.compile(r"[?&]dryRun=(?!&|$)", re.IGNORECASE)
_ANSWERED: Final = frozenset({"ResponseStarted", "ResponseComplete"})


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
            return "dry_run" if _DRY_RUN.search(request.key.uri) else "success"
    if answered:
        return "unknown"
    stages = {member(event.view.data, "stage") for event in request.events}
    return "pending" if "RequestReceived" in stages else "unknown"
