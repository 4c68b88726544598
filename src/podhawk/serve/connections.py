"""Connections: how many, for how long, and how they are encrypted.

uvicorn ends a kept connection that is idle after an answer. This adds what it does not know: a bound on connections, a
deadline for the first request and for the headers of each, the age at which a connection is closed so that a load
balancer can spread senders anew, and the name in the client's certificate.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from podhawk.errors import Place, UsageError
from podhawk.log import logger
from podhawk.serve.receivers.credentials import PEER

OPENED: Final = "podhawk.opened"
"""The key of an ASGI scope under which it stands when its connection was opened, by the monotonic clock."""
_SPARE: Final = 16
"""Connections beyond the bound that are answered with 503 rather than closed."""


class ConnectionLimits(Struct, frozen=True):
    """How many connections there may be, and seconds: for headers to arrive, idle between requests, and in all."""

    most: int = 1000
    headers: float = 10.0
    idle: int = 75
    age: float = 180.0


def protocol_with(limits: ConnectionLimits) -> type[HttpToolsProtocol]:
    """The class of connections with these limits."""

    class Guarded(HttpToolsProtocol):
        """A connection that is closed when it sends no request in time."""

        _deadline: asyncio.TimerHandle | None = None
        _opened = 0.0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._opened = time.monotonic()
            if len(self.connections) > limits.most + _SPARE:
                transport.abort()
                return
            self._expect()

        def connection_lost(self, exc: Exception | None) -> None:
            self._expect_no_more()
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._expect()
            scope: Any = self.scope
            scope[OPENED] = self._opened
            if self.scheme == "https":
                scope[PEER] = _name_of(self.transport)

        def on_headers_complete(self) -> None:
            self._expect_no_more()
            super().on_headers_complete()

        def _expect(self) -> None:
            """Begin to wait for the headers of a request."""
            self._expect_no_more()
            self._deadline = self.loop.call_later(limits.headers, self._too_late)

        def _expect_no_more(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _too_late(self) -> None:
            if not self.transport.is_closing():
                self.transport.abort()

    return Guarded


def _name_of(transport: asyncio.Transport) -> str | None:
    """The common name in the certificate of the client, which the CA has signed; None if it showed none."""
    certificate = transport.get_extra_info("peercert") or {}
    for part in certificate.get("subject", ()):
        for name, value in part:
            if name == "commonName":
                return str(value)
    return None


class Certificates:
    """The certificate of the server, read again when its files change: new connections get the new one."""

    def __init__(self, certificate: Path, key: Path, authority: Path | None) -> None:
        self._files = (certificate, key)
        self._stamps = self._now()
        self._problem = ""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            self.context.load_cert_chain(certificate, key)
            if authority is not None:
                self.context.load_verify_locations(authority)
                self.context.verify_mode = ssl.CERT_OPTIONAL
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"TLS cannot be set up: {error.strerror or error}", place=Place(str(certificate))
            ) from None

    def reload(self) -> None:
        """Read the files if they have changed. Those that do not fit together leave the certificate as it is."""
        now = self._now()
        if now == self._stamps and not self._problem:
            return
        self._stamps = now
        try:
            self.context.load_cert_chain(*self._files)
        except (OSError, ssl.SSLError) as error:  # it is tried again: there may have been no descriptors
            if self._problem != str(error):
                logger(__name__).error("the certificate cannot be read again: %s", error)
            self._problem = str(error)
            return
        self._problem = ""
        logger(__name__).info("the certificate was read again")

    def _now(self) -> list[int]:
        found = []
        for path in self._files:
            try:
                found.append(path.stat().st_mtime_ns)
            except OSError:
                found.append(0)
        return found
