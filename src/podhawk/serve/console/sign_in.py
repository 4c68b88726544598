"""Signing in and out, and making an account by an invitation.

These are the only pages for somebody who has no session. A form is protected from other sites by a cookie that only
these pages set and that the form repeats.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.exceptions import HTTPException

from podhawk.errors import PodhawkError, UsageError
from podhawk.log import logger
from podhawk.serve.console import render, static_files
from podhawk.serve.console.accounts import Account
from podhawk.serve.console.brake import KNOWN_SECONDS
from podhawk.serve.console.page import Console
from podhawk.serve.console.routes import (
    check_csrf,
    choice_of,
    client_of,
    cookie_name,
    failed,
    form_of,
    signed_in,
    to_sign_in,
)
from podhawk.serve.trail import Doer

BEGIN: Final = "podhawk-begin"
KNOWN: Final = "podhawk-known"
HOME: Final = "/queue"
_AT_A_TIME: Final = 2
"""Passwords that are hashed at a time: each takes 64 MB."""
_MOST_WAITING: Final = 16
_WRONG: Final = "Name or password is wrong."


class _Hashing:
    """Bounds how many passwords are hashed at a time, and how many wait for it."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_A_TIME)
        self._waiting = 0

    async def run(self, function: Any, *arguments: Any) -> Any:
        """The result of a function, in a thread. Raises HTTPException if too many wait."""
        if self._waiting >= _MOST_WAITING:
            raise HTTPException(detail="Too many sign in at once. Try again in a few seconds.", status_code=429)
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(function, *arguments)
        finally:
            self._waiting -= 1


_HASHING: Final = _Hashing()


@get("/", include_in_schema=False)
async def root(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The console begins with the queue."""
    return Response(b"", status_code=302, headers={**render.HEADERS, "Location": HOME})


@get("/sign-in", include_in_schema=False)
async def sign_in_page(request: Request[Any, Any, Any], console: Console) -> Response[Any]:
    """The form for name and password."""
    if await signed_in(request, console) is not None:
        return _going(safe_path(request.query_params.get("to", "")))
    return await _sign_in_form(request, console, "", 200)


@post("/sign-in", include_in_schema=False)
async def sign_in(request: Request[Any, Any, Any], console: Console) -> Response[Any]:
    """Begin a session."""
    now = time.time()
    try:
        form = await form_of(request)
        check_csrf(request, form, request.cookies.get(BEGIN) or secrets.token_urlsafe(8))
        name, password = ((form.get(one) or [""])[0] for one in ("name", "password"))
        address = client_of(request)
        browser = request.cookies.get(KNOWN, "")[:100]
        seconds = await asyncio.to_thread(console.brake.wait, name, address, now, browser)
        if seconds > 0:
            logger(__name__).warning("sign-in is slowed: name %r, address %s, %d s", name[:64], address, seconds)
            told = f"Too many failed attempts. Try again in {int(seconds) + 1} seconds."
            return await _sign_in_form(request, console, told, 429, name, {"Retry-After": str(int(seconds) + 1)})
        # The failure is counted before the password is looked at, so that attempts side by side count too.
        await asyncio.to_thread(console.brake.failed, name, address, now, browser)
        try:
            account = await _HASHING.run(console.accounts.verified, name[:200], password[:1000])
        except HTTPException:  # the password was not looked at
            await asyncio.to_thread(console.brake.take_back, name, address, now, browser)
            raise
        if account is None:
            logger(__name__).warning("sign-in failed: name %r, address %s", name[:64], address)
            return await _sign_in_form(request, console, _WRONG, 403, name)
        await asyncio.to_thread(console.brake.forget, name, address, now, browser)
        return await _begun(request, console, account, safe_path((form.get("to") or [""])[0]))
    except (PodhawkError, HTTPException) as error:
        return failed(request, error, None)


async def _sign_in_form(
    request: Request[Any, Any, Any],
    console: Console,
    told: str,
    status: int,
    name: str = "",
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    values: dict[str, Any] = {
        "told": told,
        "name": name,
        "to": safe_path(request.query_params.get("to", "")),
        "title": "Sign in",
    }
    values["empty"] = not await asyncio.to_thread(console.accounts.everyone)
    return _outside(request, console, "sign_in.html", values, status, headers)


def _outside(
    request: Request[Any, Any, Any],
    console: Console,
    template: str,
    values: dict[str, Any],
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """A page for somebody who has no session."""
    begin = request.cookies.get(BEGIN, "")
    if not 20 <= len(begin) <= 60:
        begin = secrets.token_urlsafe(24)
    shared: dict[str, Any] = {
        "page": None,
        "places": [],
        "account": None,
        "message": "",
        "csrf": begin,
        "asset": static_files.address,
    }
    choices = {name: choice_of(request, name) for name in ("theme", "clock")}
    body = render.render(template, {**shared, **choices, **values})
    answer = Response(
        body, status_code=status, media_type="text/html; charset=utf-8", headers={**render.HEADERS, **(headers or {})}
    )
    answer.set_cookie(BEGIN, begin, httponly=True, secure=console.secure, samesite="strict", max_age=86400)
    return answer


async def _begun(request: Request[Any, Any, Any], console: Console, account: Account, to: str) -> Response[Any]:
    """A new session, and the way to the page that was asked for."""
    now = time.time()
    doer = Doer(account.name, account.role, client_of(request))
    await asyncio.to_thread(console.trail.write, doer, "sign in", account.name, "", now)
    token = await asyncio.to_thread(console.sessions.begin, account, now)
    answer = _going(to)
    answer.set_cookie(cookie_name(console), token, httponly=True, secure=console.secure, samesite="lax", path="/")
    answer.delete_cookie(BEGIN)
    known = await asyncio.to_thread(console.brake.know, account.name, now, request.cookies.get(KNOWN, "")[:100])
    age = int(KNOWN_SECONDS)
    answer.set_cookie(KNOWN, known, httponly=True, secure=console.secure, samesite="lax", path="/sign-in", max_age=age)
    return answer


@post("/sign-out", include_in_schema=False)
async def sign_out(request: Request[Any, Any, Any], console: Console) -> Response[Any]:
    """End the session. Its cookie is of no use from then on."""
    session = await signed_in(request, console)
    if session is None:
        return to_sign_in(request)
    try:
        check_csrf(request, await form_of(request), session.csrf)
    except HTTPException as error:
        return failed(request, error, session)
    doer = Doer(session.account.name, session.account.role, client_of(request))
    await asyncio.to_thread(console.sessions.end, session)
    await asyncio.to_thread(console.trail.write, doer, "sign out", session.account.name, "", time.time())
    answer = _going("/sign-in")
    # Browsers take a cookie with this prefix, and the end of it, with the attribute Secure only.
    answer.set_cookie(cookie_name(console), "", max_age=0, httponly=True, secure=console.secure, path="/")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@get("/invitation/{token:str}", include_in_schema=False)
async def invitation_page(token: str, request: Request[Any, Any, Any], console: Console) -> Response[Any]:
    """The form by which an account is made. Looking at it does not use the invitation."""
    found = await asyncio.to_thread(console.accounts.invitation, token, time.time())
    if found is None:
        told = "This link was used already, or is too old. Ask an admin for a new one."
        return failed(request, HTTPException(detail=told, status_code=404), None)
    return _outside(request, console, "invitation.html", {**_FORM, "invited": found, "title": "Choose a password"})


_FORM: Final = {"told": "", "remedy": "", "name": ""}


@post("/invitation/{token:str}", include_in_schema=False)
async def accept_invitation(token: str, request: Request[Any, Any, Any], console: Console) -> Response[Any]:
    """Make the account, and begin a session."""
    try:
        form = await form_of(request)
        check_csrf(request, form, request.cookies.get(BEGIN) or secrets.token_urlsafe(8))
        name, password, again = ((form.get(one) or [""])[0] for one in ("name", "password", "again"))
        now = time.time()
        found = await asyncio.to_thread(console.accounts.invitation, token, now)
        if found is None:
            raise HTTPException(detail="This link was used already, or is too old.", status_code=404)
        try:
            if password != again:
                raise UsageError("the two passwords are not the same", remedy="Type it again.")
            account = await _HASHING.run(console.accounts.accept, token, name, password, now)
        except UsageError as error:
            values = {"told": error.message, "remedy": error.remedy, "name": name, "invited": found}
            return _outside(request, console, "invitation.html", {**values, "title": "Choose a password"}, 400)
        doer = Doer(account.name, account.role, client_of(request))
        await asyncio.to_thread(console.trail.write, doer, "accept invitation", account.name, account.role, now)
        return await _begun(request, console, account, HOME)
    except (PodhawkError, HTTPException) as error:
        return failed(request, error, None)


def safe_path(to: str) -> str:
    """Where to go on: a path of ours, else the queue. No other site, and no path that a browser takes for one."""
    fine = to.startswith("/") and not to.startswith(("//", "/\\", "/sign-", "/invitation")) and "\\" not in to
    return to if fine and to.isprintable() and to.isascii() and len(to) < 8000 else HOME


def _going(to: str) -> Response[Any]:
    return Response(b"", status_code=303, headers={**render.HEADERS, "Location": to})


HANDLERS: Final = (root, sign_in_page, sign_in, sign_out, invitation_page, accept_invitation)
