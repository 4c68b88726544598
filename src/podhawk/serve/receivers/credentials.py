"""The credential of a request: a token in a header, or a client certificate."""

from __future__ import annotations

import binascii
from typing import Any, Final

from litestar.connection import ASGIConnection
from msgspec import Struct

from podhawk.serve.tokens import Token, Tokens

PEER: Final = "podhawk.peer"
"""The key of an ASGI scope under which the name in the client's certificate stands."""


class Credential(Struct, frozen=True):
    """What a request brought: whether there was an Authorization header and whether it could be read, and the token
    that it holds, if that is known."""

    given: bool = False
    readable: bool = True
    token: Token | None = None


def credential_of(connection: ASGIConnection[Any, Any, Any, Any], tokens: Tokens) -> Credential:
    """The credential of a request. A header counts more than a certificate."""
    header = connection.headers.get("authorization")
    if header is None:
        peer = connection.scope.get(PEER)
        known = tokens.by_certificate.get(peer) if isinstance(peer, str) else None
        return Credential(known is not None, True, known)
    scheme, _, value = header.strip().partition(" ")
    text = _secret(scheme.lower(), value.strip())
    return Credential(True, bool(text), tokens.find(text) if text else None)


def _secret(scheme: str, value: str) -> str:
    if scheme in ("bearer", "splunk"):
        return value
    if scheme == "basic":  # HEC clients send the token as password
        try:
            return binascii.a2b_base64(value, strict_mode=True).decode().partition(":")[2]
        except (ValueError, UnicodeDecodeError):
            return ""
    return ""
