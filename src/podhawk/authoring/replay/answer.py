"""One HTTP request with a deadline, and as much of the answer as is worth showing.

The timeouts of HTTP clients hold for each read, so a receiver that sends a byte now and then is waited for without end.
Here the socket is shut down at the deadline, whatever is going on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    import httpx

MOST_ANSWER: Final = 64 << 10
"""Bytes of an answer that are read."""
LONGEST_READ: Final = 30.0
"""Seconds that a receiver may be silent."""
LONGEST_REST: Final = 5.0
"""Seconds for the body of an answer that accepts the events: its status says all there is to know."""


class Answer(Struct, frozen=True):
    """What a receiver answered: the status, and the beginning of the body."""

    status: int
    text: str

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


class Poster:
    """Posts bodies over connections that are kept open."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._streams: list[Any] = []
        """The streams of the newest connection. An earlier one is used no more."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes, until: float) -> Answer:
        """Post a body and read the answer until a deadline of the monotonic clock. Raises `httpx.TransportError`."""
        import httpx

        left = max(0.1, until - time.monotonic())
        watch = threading.Timer(left, self._shut_down)
        watch.daemon = True
        watch.start()
        try:
            with self._client.stream(
                "POST",
                url,
                headers={**headers, "Accept-Encoding": "identity"},
                content=body,
                timeout=min(LONGEST_READ, left),
                extensions={"trace": self._trace},
            ) as answer:
                end = min(until, time.monotonic() + LONGEST_REST) if answer.is_success else until
                found = bytearray()
                with suppress(*((httpx.TransportError,) if answer.is_success else ())):
                    for part in answer.iter_raw():
                        found += part[: MOST_ANSWER - len(found)]
                        if len(found) >= MOST_ANSWER or time.monotonic() > end:
                            break
                return Answer(answer.status_code, found.decode("utf-8", "replace"))
        finally:
            watch.cancel()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._streams = [info["return_value"]]
        elif event == "connection.start_tls.complete":
            self._streams.append(info["return_value"])

    def _shut_down(self) -> None:
        for stream in self._streams:
            with suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(SHUT_RDWR)
