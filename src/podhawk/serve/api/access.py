"""Who may ask: each path needs a token with a scope, and shows only the clusters that the token is bound to."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException

from podhawk.serve.receivers.credentials import credential_of
from podhawk.serve.tokens import Scope, Token, TokenStore


class AccessError(HTTPException):
    """A request without a token that may ask for this."""


def allowed(request: Request[Any, Any, Any], tokens: TokenStore, scope: Scope) -> Token:
    """The token of a request. Raises AccessError unless it has the scope."""
    token = credential_of(request, tokens.tokens).token
    if token is None:
        raise AccessError(detail="the token is missing or not known", status_code=401)
    if not token.may(scope):
        raise AccessError(detail=f"the token has not the scope {scope}", status_code=403)
    return token
