"""OCSF Detection Finding (class 2004): JSON to a URL, or lines in a file.

A finding that is told first is a Create, one that has grown an Update with the same uid, one that is gone a Close. A
finding that has another id by now closes the old one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from podhawk.detect.report.ocsf import Activity, to_ocsf
from podhawk.errors import UsageError
from podhawk.serve.sinks.declare import Deliverer, DeliveryError, SinkKind
from podhawk.serve.sinks.inert import inert_json
from podhawk.serve.sinks.message import SinkChange, SinkMessage
from podhawk.serve.sinks.posting import SinkPoster

_ACTIVITIES: dict[SinkChange, Activity] = {
    "new": "create",
    "revised": "update",
    "rekeyed": "create",
    "gone": "close",
    "closed": "close",
}


class OcsfOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Either a URL to which a JSON array is posted, with a bearer token if there is one, or a file to append to."""

    url: str | None = None
    file: str | None = None
    token: str | None = None
    ca: str | None = None


def ocsf_findings(message: SinkMessage) -> Iterator[dict[str, Any]]:
    """What a message says. Those that a digest does not list are only counted."""
    for item in message.items:
        for old in item.replaces:
            yield to_ocsf(item.record, "close", message.time, uid=old)
        found = to_ocsf(item.record, _ACTIVITIES[item.change], message.time)
        if message.digest:
            found["unmapped"] |= {"digest": message.key, "digest_total": message.total}
        yield found


class _Ocsf:
    def __init__(self, options: OcsfOptions) -> None:
        if (options.url is None) == (options.file is None):
            raise UsageError("an OCSF sink needs either url or file")
        self._file = options.file
        headers = {"Content-Type": "application/json"}
        if options.token is not None:
            headers["Authorization"] = f"Bearer {options.token}"
        self._poster = None if options.url is None else SinkPoster(options.url, headers, options.ca)

    def deliver(self, message: SinkMessage) -> None:
        texts = [inert_json(one) for one in ocsf_findings(message)]
        if self._poster is not None:
            self._poster.post(b"[" + b",".join(texts) + b"]", {"Idempotency-Key": message.key})
            return
        assert self._file is not None
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with open(descriptor, "ab") as file:
                file.write(b"\n".join([*texts, b""]))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DeliveryError(f"{self._file}: {error.strerror}") from None

    def preview(self, message: SinkMessage) -> str:
        where = self._file if self._poster is None else self._poster.host
        return f"{sum(1 for _ in ocsf_findings(message))} detection findings to {where}"

    def close(self) -> None:
        if self._poster is not None:
            self._poster.close()


def _open(options: OcsfOptions) -> Deliverer:
    return _Ocsf(options)


OCSF = SinkKind(
    "ocsf", "OCSF Detection Finding (class 2004), to a URL or a file.", OcsfOptions, _open, feed=True, batch=50
)
