"""The id of a finding: a pure function of what happened, so that any order and any number of runs give the same."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from podhawk.content.model import Detection
from podhawk.detect.requests.request import RequestKey


def finding_id(detection: Detection, key: RequestKey, by: Iterable[str] = ()) -> str:
    """The id of a detection's finding about a request, or about an episode of a by-key that began with one.

    The detection counts by its id (its name where it has none), never by its version.
    """
    parts: list[bytes] = []
    for part in (detection.key, key.cluster, key.audit_id, key.received, key.user, key.uri, *by):
        data = part.encode("utf-8", "surrogatepass")
        parts += (len(data).to_bytes(4, "big"), data)
    return blake2b(b"".join(parts), digest_size=16).hexdigest()
