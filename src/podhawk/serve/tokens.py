"""Who may send and ask: tokens, of which only hashes are kept, each bound to clusters and scopes.

Tokens are made by `podhawk init token`. They are random, 122 bits in the form of a GUID, because clients of Splunk's
HEC check the form; so a fast hash protects them as well as a slow one would. A file of tokens is read again when it
changes; one that cannot be read leaves the tokens as they are.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from podhawk.errors import Place, UsageError
from podhawk.events.partition import LONGEST, fits
from podhawk.writing import replacing

Scope = Literal["send", "read", "stream", "search", "triage", "metrics"]
SCOPES: Final[tuple[Scope, ...]] = ("send", "read", "stream", "search", "triage", "metrics")
FILE: Final = "tokens.json"


class Token(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A token, a client certificate or a service account. `hash` is the SHA-256 of the token, `certificate` the common
    name of a client certificate that the CA of --client-ca has signed, `account` the service account of a
    Pub/Sub push. It may send events of these `clusters`, and ask for those."""

    name: str
    clusters: tuple[str, ...]
    scopes: tuple[Scope, ...]
    hash: str = ""
    certificate: str = ""
    account: str = ""
    acknowledge: bool = False
    """Whether HEC requests with it need a channel and get an ackId."""
    disabled: bool = False

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes and not self.disabled

    def covers(self, cluster: str) -> bool:
        """Whether it is bound to a cluster; `*` stands for all."""
        return cluster in self.clusters or "*" in self.clusters


class TokenFile(Struct, forbid_unknown_fields=True):
    """What a file of tokens holds."""

    tokens: list[Token] = field(default_factory=list)


class Tokens(Struct, frozen=True):
    """Tokens by their hash, by the name in a certificate, and by service account."""

    by_hash: Mapping[str, Token] = {}
    by_certificate: Mapping[str, Token] = {}
    by_account: Mapping[str, Token] = {}

    @property
    def every(self) -> list[Token]:
        """All tokens."""
        return [*self.by_hash.values(), *self.by_certificate.values(), *self.by_account.values()]

    def find(self, token: str) -> Token | None:
        """The token, whether it is disabled or not. Nothing is compared but hashes."""
        return self.by_hash.get(hash_of(token))


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def read_tokens(path: Path) -> Tokens:
    """The tokens of a file; none if there is no file. Raises UsageError for a file that cannot be used."""
    found = _read(path).tokens
    for one in found:
        if sum(map(bool, (one.hash, one.certificate, one.account))) != 1 or not one.clusters or not one.scopes:
            raise UsageError(
                f"the token {one.name!r} needs clusters, scopes, and one of hash, certificate and account",
                place=Place(str(path)),
            )
        _check_clusters(one, path)
    return Tokens(
        {one.hash: one for one in found if one.hash},
        {one.certificate: one for one in found if one.certificate},
        {one.account: one for one in found if one.account},
    )


def _check_clusters(token: Token, path: Path) -> None:
    """Raise UsageError for the name of a cluster that is too long for the lake."""
    for name in token.clusters:
        if not fits(name):
            raise UsageError(
                f"the token {token.name!r} has a cluster whose name is too long: {name[:63]!r}…",
                place=Place(str(path)),
                remedy=f"Percent-encoded, a name has at most {LONGEST} bytes.",
            )


def _read(path: Path) -> TokenFile:
    try:
        return msgspec.json.decode(path.read_bytes(), type=TokenFile)
    except FileNotFoundError:
        return TokenFile()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", place=Place(str(path))) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UsageError(f"not a file of tokens: {error}", place=Place(str(path))) from None


def new_token(path: Path, token: Token) -> str:
    """Add a token to a file, and give it: it is not to be seen again. Raises UsageError if the name is taken, or
    that of a cluster is too long."""
    _check_clusters(token, path)
    kept = _read(path)
    if any(one.name == token.name for one in kept.tokens):
        raise UsageError(f"there is a token with the name {token.name!r}", place=Place(str(path)))
    secret = "" if token.certificate or token.account else str(uuid.uuid4())
    if secret:
        token = msgspec.structs.replace(token, hash=hash_of(secret))
    kept.tokens.append(token)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(path, private=True) as file:
        file.write(msgspec.json.format(msgspec.json.encode(kept), indent=2).decode() + "\n")
    return secret


class TokenStore:
    """The tokens of a file, as they stand there now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self.tokens = read_tokens(path)
        self.problem = ""
        """Why the file was not taken over when it changed."""

    def reload(self) -> bool:
        """Read the file if it has changed, or could not be read the last time. Gives whether anything was taken over or
        is newly found wrong."""
        stamp = _stamp(self._path)
        if stamp == self._stamp and not self.problem:
            return False
        self._stamp = stamp
        before = self.problem
        try:
            self.tokens = read_tokens(self._path)
            self.problem = ""
        except UsageError as error:
            self.problem = str(error)
        return self.problem != before or not self.problem


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_ino, about.st_size
