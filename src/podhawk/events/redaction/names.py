"""Names whose values are secret: of variables, options, headers, query parameters and members of objects."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS: Final = frozenset(
    {
        "password",
        "passwords",
        "passwd",
        "passphrase",
        "passcode",
        "pass",
        "pwd",
        "pw",
        "token",
        "tokens",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "apikey",
        "dsn",
    }
)
_SECRET_ENDS: Final = ("password", "passwd", "passphrase", "token", "secret", "apikey")
"""Ends of words that are written together, such as `pgpassword`."""
_NEUTRAL: Final = frozenset(
    {
        "algorithm",
        "audience",
        "class",
        "count",
        "dir",
        "directory",
        "enabled",
        "endpoint",
        "expiration",
        "expiry",
        "file",
        "folder",
        "header",
        "host",
        "id",
        "ids",
        "interval",
        "issuer",
        "length",
        "limit",
        "lifetime",
        "max",
        "min",
        "mount",
        "name",
        "names",
        "namespace",
        "path",
        "policy",
        "port",
        "prefix",
        "ref",
        "role",
        "seconds",
        "stdin",
        "store",
        "ttl",
        "type",
        "uri",
        "url",
        "version",
        "volume",
    }
)
"""A name that ends with one of these words is of something about a secret: a file, an address, a duration."""
_PARAMETERS: Final = frozenset({"sig", "signature", "code", "auth", "jwt", "key", "assertion"})
_MEMBERS: Final = frozenset(
    {
        "password",
        "passwd",
        "passphrase",
        "token",
        "apikey",
        "secretkey",
        "secretaccesskey",
        "privatekey",
        "clientsecret",
        "clientkeydata",
    }
)
_MEMBER_ENDS: Final = ("password", "accesstoken", "bearertoken", "refreshtoken", "idtoken", "authtoken", "apitoken")


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(name[:256]))


@lru_cache(maxsize=4096)
def is_secret_variable(name: str) -> bool:
    """Whether an environment variable (or a header, or a parameter with name and value) holds a secret."""
    words = _words(name)
    if not words or words[-1] in _NEUTRAL:
        return False
    return (
        words[-1] in ("key", "keys", "authorization", "cookie")
        or words[-1].endswith(("apikey", "secretkey", "accesskey"))
        or any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words)
    )


@lru_cache(maxsize=4096)
def is_secret_parameter(name: str) -> bool:
    """Whether a query parameter holds a secret."""
    words = _words(name)
    return bool(words) and (
        words[-1] in _PARAMETERS
        or words[-1] in _SECRET_WORDS
        or words[-1].endswith(_SECRET_ENDS)
        or words[-2:] in (("security", "credential"), ("amz", "credential"))
    )


@lru_cache(maxsize=4096)
def is_secret_member(name: str) -> bool:
    """Whether a member of an object of any kind holds a secret as text. `secret` itself does not: it names one."""
    plain = name.replace("-", "").replace("_", "").lower()
    return plain in _MEMBERS or plain.endswith(_MEMBER_ENDS)
