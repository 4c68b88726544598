"""The values that declare a page or an action, and what they are given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from litestar.exceptions import HTTPException
from msgspec import Struct, field

from podhawk.errors import StateUnavailableError
from podhawk.serve.api.changes import Listeners
from podhawk.serve.api.findings import StateFolder
from podhawk.serve.console.accounts import Account, Accounts, Role
from podhawk.serve.console.brake import Brake
from podhawk.serve.console.database import ConsoleDatabase
from podhawk.serve.console.sessions import ConsoleSession, Sessions
from podhawk.serve.inbox.writer import InboxWriter
from podhawk.serve.metrics import Meter
from podhawk.serve.receivers.intake import Intake
from podhawk.serve.searches.pool import SearchPool
from podhawk.serve.supervisor import Supervisor
from podhawk.serve.tokens import Token
from podhawk.serve.trail import Doer, Trail
from podhawk.settings.resolve import Settings

T = TypeVar("T")


class Console(Struct):
    """The parts of the service that pages read, and what only the console has."""

    kept: StateFolder
    settings: Settings
    database: ConsoleDatabase
    supervisor: Supervisor
    writer: InboxWriter
    meter: Meter
    pool: SearchPool
    feed: Listeners
    intake: Intake
    secure: bool
    """Whether connections are encrypted: cookies are then never sent over others."""
    loop: asyncio.AbstractEventLoop | None = None
    """The event loop, in which the pool of searches lives."""

    def in_loop(self, function: Callable[[], Awaitable[T]]) -> T:
        """The result of a function that belongs to the event loop, called from the thread of a view or an action."""
        if self.loop is None:
            raise StateUnavailableError("podhawk is starting", remedy="Try again in a moment.")

        async def called() -> T:
            return await function()

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(30)

    once: dict[str, str] = field(default_factory=dict)
    """Secrets that the next page of a session shows, by its hash."""

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.database)

    @property
    def sessions(self) -> Sessions:
        return Sessions(self.database, self.accounts)

    @property
    def brake(self) -> Brake:
        return Brake(self.database)

    @property
    def trail(self) -> Trail:
        return Trail(self.database)


class Visit(Struct, frozen=True):
    """One request of somebody who is signed in. `path` has what stands in the path, `query` and `form` the values by
    name, each as a list."""

    console: Console
    session: ConsoleSession
    url: str
    """Path and query, as the browser shows them."""
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    form: Mapping[str, list[str]]
    address: str
    now: float
    fragment: str = ""
    """The id of the element that htmx asks for; "" for the whole page."""
    theme: str = ""
    """light or dark, if the person has chosen; else the browser decides."""
    clock: str = ""
    """local or utc, if the person has chosen."""

    @property
    def account(self) -> Account:
        return self.session.account

    @property
    def token(self) -> Token:
        """What the code of the interface asks for: clusters and scopes of the person."""
        return self.account.token

    @property
    def doer(self) -> Doer:
        return Doer(self.account.name, self.account.role, self.address)

    def asked(self, name: str, default: str = "") -> str:
        """A value of the query."""
        return (self.query.get(name) or [default])[0]

    def given(self, name: str, default: str = "") -> str:
        """A value of the form."""
        return (self.form.get(name) or [default])[0]

    def all_given(self, name: str) -> list[str]:
        """The values of the form that have this name."""
        return self.form.get(name) or []


class Page(Struct, frozen=True):
    """A page. `view` gives what the template shows; it runs in a thread, changes nothing, and may raise a PodhawkError
    or HTTPException, which becomes a page for people. A page with a `place` stands in the navigation."""

    path: str
    title: str
    role: Role
    template: str
    view: Callable[[Visit], Mapping[str, Any]]
    place: str = ""
    key: str = ""
    """The key that opens it after g."""
    listed: bool = True
    """Whether it stands in the navigation; else it only belongs to a place there."""


class Download(Struct, frozen=True):
    """A file that a browser saves."""

    path: str
    role: Role
    make: Callable[[Visit], File]


class File(Struct, frozen=True):
    """A file: its name, media type and bytes."""

    name: str
    media_type: str
    body: bytes


class Done(Struct, frozen=True):
    """What an action gives: where the browser goes on, and what is told there once. A `secret` is told there too, and
    never written down."""

    to: str
    message: str = ""
    secret: str = ""


class Action(Struct, frozen=True):
    """A change, always a POST with the CSRF token of the session. `act` runs in a thread. The audit trail has each one
    before it is done, under `name`, with its `subject` and the form without secrets."""

    path: str
    name: str
    role: Role
    act: Callable[[Visit], Done]
    subject: Callable[[Visit], str]


def nothing_here(what: str = "page") -> HTTPException:
    """The error for something that is not there, or not for this person."""
    return HTTPException(detail=f"There is no such {what}.", status_code=404)
