"""Who may use the console: local accounts with a role, and the invitations by which they are made.

An account is made by an invitation: a random token in a link, for one use, kept as a hash. Whoever opens the link
chooses the password, so nobody else ever knows it. The first invitation is printed by `podhawk serve` as long as there
is no account (see `first_run`).

A role stands for scopes of tokens (`podhawk.serve.tokens`): the console asks of a person what the interface asks of a
token.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Final, Literal, get_args

import argon2
from msgspec import Struct

from podhawk.errors import UsageError
from podhawk.serve.console.database import ConsoleDatabase
from podhawk.serve.tokens import Scope, Token

Role = Literal["viewer", "analyst", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""Each may do what those before it may."""
SCOPES_OF: Final[dict[Role, tuple[Scope, ...]]] = {
    "viewer": ("read", "stream", "search"),
    "analyst": ("read", "stream", "search", "triage"),
    "admin": ("read", "stream", "search", "triage", "metrics"),
}
INVITED_SECONDS: Final = 3 * 86400.0
SHORTEST, LONGEST = 12, 200
"""Characters of a password. Source: NIST SP 800-63B, which asks for length and not for kinds of characters."""
LONGEST_NAME: Final = 64
_HASHER: Final = argon2.PasswordHasher()


@cache
def _nobody() -> str:
    """What is verified for a name that is not known, so that it takes as long."""
    return _HASHER.hash(secrets.token_urlsafe(32))


class Account(Struct, frozen=True):
    """A person, what they may do, and the clusters that they see."""

    name: str
    role: Role
    clusters: tuple[str, ...] = ("*",)
    disabled: bool = False
    visited: float = 0.0
    """When they signed out last, or their session was used last before the present one."""

    def may(self, role: Role) -> bool:
        """Whether they may do what a role may."""
        return not self.disabled and ROLES.index(self.role) >= ROLES.index(role)

    @property
    def token(self) -> Token:
        """The token that stands for them where the code of the interface asks for one."""
        return Token(f"person:{self.name}", self.clusters, SCOPES_OF[self.role], disabled=self.disabled)


class Invitation(Struct, frozen=True):
    """A link by which an account is made, or given a new password. Without a name, whoever opens it chooses one."""

    name: str
    role: Role
    clusters: tuple[str, ...]


def hash_of(secret: str) -> str:
    """What is kept of a random secret."""
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class Accounts:
    """The accounts of a console."""

    def __init__(self, database: ConsoleDatabase) -> None:
        self._database = database

    def everyone(self) -> list[Account]:
        return [_account(row) for row in self._database.rows("SELECT * FROM accounts ORDER BY name")]

    def find(self, name: str) -> Account | None:
        row = self._database.row("SELECT * FROM accounts WHERE name = ?", (name,))
        return None if row is None else _account(row)

    def verified(self, name: str, password: str) -> Account | None:
        """The account with this name and password, unless it is disabled. Takes some 50 ms and 64 MB, whether there is
        such a name or not."""
        row = self._database.row("SELECT * FROM accounts WHERE name = ?", (name,))
        kept = _nobody() if row is None else row["password"]
        try:
            _HASHER.verify(kept, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return None
        if row is None or row["disabled"]:
            return None
        if _HASHER.check_needs_rehash(kept):
            with self._database.transaction() as connection:
                connection.execute("UPDATE accounts SET password = ? WHERE name = ?", (_HASHER.hash(password), name))
        return _account(row)

    def invite(self, name: str, role: Role, clusters: Sequence[str], now: float) -> str:
        """A new invitation: its token, which is not to be seen again. It takes the place of earlier ones for the same
        name. Raises UsageError for a name that cannot be used."""
        if name:
            check_name(name)
        if role not in ROLES:
            raise UsageError(f"unknown role {role!r}", remedy=f"Known roles: {', '.join(ROLES)}.")
        token = secrets.token_urlsafe(32)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM invitations WHERE name = ? OR expires < ?", (name, now))
            values = (hash_of(token), name, role, json.dumps(list(clusters)), now + INVITED_SECONDS)
            connection.execute("INSERT INTO invitations VALUES (?, ?, ?, ?, ?)", values)
        return token

    def invitation(self, token: str, now: float) -> Invitation | None:
        """The invitation with this token, if it can still be used."""
        query = "SELECT * FROM invitations WHERE hash = ? AND expires >= ?"
        row = self._database.row(query, (hash_of(token), now))
        return None if row is None else Invitation(row["name"], row["role"], tuple(json.loads(row["clusters"])))

    def accept(self, token: str, name: str, password: str, now: float) -> Account:
        """Use an invitation: make the account, or give it this password. Every session of it ends. Raises UsageError
        for a name that is taken, a password that is too short, and an invitation that cannot be used."""
        found = self.invitation(token, now)
        if found is None:
            raise UsageError("this link was used already, or is too old", remedy="Ask for a new one.")
        chosen = found.name or name.strip()
        check_name(chosen)
        check_password(password, chosen)
        hashed = _HASHER.hash(password)
        with self._database.transaction() as connection:
            taken = connection.execute("SELECT 1 FROM accounts WHERE name = ?", (chosen,)).fetchone()
            if taken and not found.name:
                raise UsageError(f"there is an account with the name {chosen!r}", remedy="Choose another name.")
            gone = connection.execute("DELETE FROM invitations WHERE hash = ?", (hash_of(token),)).rowcount
            if not gone:
                raise UsageError("this link was used already", remedy="Ask for a new one.")
            if taken:
                connection.execute("UPDATE accounts SET password = ? WHERE name = ?", (hashed, chosen))
                connection.execute("DELETE FROM sessions WHERE name = ?", (chosen,))
            else:
                values = (chosen, found.role, json.dumps(list(found.clusters)), hashed, now)
                connection.execute(
                    "INSERT INTO accounts (name, role, clusters, password, made) VALUES (?, ?, ?, ?, ?)", values
                )
        made = self.find(chosen)
        assert made is not None
        return made

    def change(self, name: str, role: Role, *, disabled: bool) -> None:
        """Give an account another role, or disable it; its sessions end. When an admin ceases to be one, all
        invitations end that nobody has used: they may be theirs. Raises UsageError if no admin would be left."""
        if role not in ROLES:
            raise UsageError(f"unknown role {role!r}", remedy=f"Known roles: {', '.join(ROLES)}.")
        with self._database.transaction() as connection:
            query = "SELECT count(*) FROM accounts WHERE role = 'admin' AND NOT disabled AND name != ?"
            others = connection.execute(query, (name,)).fetchone()[0]
            if not others and (role != "admin" or disabled):
                raise UsageError("nobody would be left who is an admin", remedy="Make another account an admin first.")
            query = "SELECT role = 'admin' FROM accounts WHERE name = ?"
            was_admin = any(row[0] for row in connection.execute(query, (name,)))
            changed = connection.execute(
                "UPDATE accounts SET role = ?, disabled = ? WHERE name = ?", (role, int(disabled), name)
            ).rowcount
            if not changed:
                raise UsageError(f"there is no account with the name {name!r}")
            connection.execute("DELETE FROM sessions WHERE name = ?", (name,))
            if was_admin and (role != "admin" or disabled):
                connection.execute("DELETE FROM invitations")

    def first_run(self, now: float) -> str | None:
        """The token of the invitation by which the first account is made, an admin; None if there are accounts. Each
        call makes a new one, and the one before it ends."""
        if self._database.row("SELECT 1 FROM accounts LIMIT 1") is not None:
            return None
        return self.invite("", "admin", ("*",), now)


def check_name(name: str) -> None:
    """Raise UsageError for a name that people could take for another one."""
    fine = 0 < len(name) <= LONGEST_NAME and name.isascii() and all(one.isalnum() or one in "._-@+" for one in name)
    if not fine:
        raise UsageError(
            "the name cannot be used", remedy=f"Use up to {LONGEST_NAME} letters, digits and the characters . _ - @ +"
        )


def check_password(password: str, name: str) -> None:
    """Raise UsageError for a password that is too easy to guess."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            f"the password has {len(password)} characters", remedy=f"Use {SHORTEST} to {LONGEST} characters."
        )
    if name.lower() in password.lower() or len(set(password)) < 5:
        raise UsageError("the password is too easy to guess", remedy="Use several words that have no connection.")


def _account(row: object) -> Account:
    found = dict(row)  # type: ignore[call-overload]
    return Account(
        found["name"], found["role"], tuple(json.loads(found["clusters"])), bool(found["disabled"]), found["visited"]
    )
