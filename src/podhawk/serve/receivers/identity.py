"""Tokens of OpenID Connect: who signed them, for whom, and whether they still hold.

The keys of the issuer come from a file or a URL. They are read again when a token names one that is not known, and at
least every hour, but at most twice a minute: anybody can send tokens with made-up names of keys.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import httpx
from msgspec import Struct

from podhawk.serve.failure import Failure

ISSUERS: Final = ("https://accounts.google.com", "accounts.google.com")
KEYS: Final = "https://www.googleapis.com/oauth2/v3/certs"
_ALGORITHMS: Final = ("RS256", "ES256")
_LEEWAY: Final = 60.0
_OLDEST: Final = 3600.0
_PAUSE: Final = 30.0


class IdentityError(Exception):
    """A token that is not taken. `later`: it may be when the keys can be read."""

    def __init__(self, message: str, *, later: bool = False) -> None:
        super().__init__(message)
        self.later = later
        self.failure = Failure("unauthorized" if not later else "keys", message)


class IdentitySettings(Struct, frozen=True):
    """The audience that tokens must name (empty: no token is taken), and where the keys are: a file or a URL."""

    audience: str = ""
    keys: str = KEYS


class PushIdentity:
    """Checks tokens."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._settings = settings
        self._keys: dict[str, Any] = {}
        self._read = 0.0
        """When the keys were read, or could not be, in seconds of the monotonic clock."""
        self._problem = ""
        self._lock = asyncio.Lock()

    async def account_of(self, token: str) -> str:
        """The service account that a token is of. Raises IdentityError."""
        import jwt  # with cryptography: half a second of the start that only few need

        if not self._settings.audience:
            raise IdentityError("push subscriptions are not taken: --pubsub-audience is not set")
        if not token or len(token) > 10_000:
            raise IdentityError("the token is missing")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise IdentityError("the token cannot be read") from None
        key = await self._key(str(header.get("kid", "")))
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._settings.audience,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:  # TypeError: the key is of another algorithm
            raise IdentityError(f"the token is not valid: {error}") from None
        if claims["iss"] not in ISSUERS:
            raise IdentityError("the token is of another issuer")
        if claims.get("email_verified") is not True or not isinstance(claims.get("email"), str):
            raise IdentityError("the token names no verified account")
        return str(claims["email"])

    async def _key(self, name: str) -> Any:
        async with self._lock:
            age = time.monotonic() - self._read if self._read else float("inf")
            if age > _OLDEST or (name not in self._keys and age > _PAUSE):
                await self._read_keys()
        if name not in self._keys:
            raise IdentityError(self._problem or "the token is signed with an unknown key", later=bool(self._problem))
        return self._keys[name]

    async def _read_keys(self) -> None:
        import jwt

        self._read = time.monotonic()
        try:
            text = await self._text()
            found = {one.key_id: one.key for one in jwt.PyJWKSet.from_json(text).keys if one.key_id}
        except (OSError, httpx.HTTPError, jwt.PyJWTError, ValueError, KeyError, AttributeError) as error:
            self._problem = f"the keys of the issuer cannot be read: {type(error).__name__}"
            return
        self._keys, self._problem = found, ""

    async def _text(self) -> str:
        where = self._settings.keys
        if "://" not in where:
            return await asyncio.to_thread(Path(where).read_text, "utf-8")
        async with httpx.AsyncClient(timeout=5.0) as client:
            answer = await client.get(where)
            answer.raise_for_status()
            return answer.text
