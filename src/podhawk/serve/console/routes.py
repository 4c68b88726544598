"""From declarations to handlers: sign-in, role, CSRF, audit trail and headers are looked at here, once for all pages.

Nothing that a page or an action declares can leave one of these out.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from litestar import MediaType, Request, Response, get, post
from litestar.exceptions import HTTPException

from podhawk.errors import PodhawkError, SearchError, StoreError, UsageError
from podhawk.log import logger
from podhawk.serve.console import render, static_files
from podhawk.serve.console.accounts import Role
from podhawk.serve.console.page import Action, Console, Download, Page, Visit
from podhawk.serve.console.sessions import ConsoleSession
from podhawk.serve.trail import detail_of
from podhawk.store.triage import TriageConflictError

MOST_FORM: Final = 1 << 20
_STATUSES: Final[tuple[tuple[type[PodhawkError], int], ...]] = (
    (TriageConflictError, 409),
    (UsageError, 400),
    (SearchError, 400),
    (StoreError, 503),
)
"""The status of an answer for each kind of error."""
_UNKNOWN: Final = {
    "Not Found": "There is no page at this address.",
    "Method Not Allowed": "Pages take no such request.",
}
"""What people are told instead of the framework's own words."""
_TITLES: Final = {
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Changed meanwhile",
    429: "Too many",
    503: "Not now",
}


def handlers(pages: Iterable[Page], actions: Iterable[Action], downloads: Iterable[Download]) -> list[Any]:
    """The handlers for declarations."""
    pages = tuple(pages)
    places = tuple(one for one in pages if one.place and one.listed)
    return [
        *(_page(one, places) for one in pages),
        *(_action(one, places) for one in actions),
        *(_download(one, places) for one in downloads),
    ]


def _page(page: Page, places: tuple[Page, ...]) -> Any:
    async def shown(request: Request[Any, Any, Any], console: Console) -> Response[Any]:
        session = await signed_in(request, console)
        if session is None:
            return to_sign_in(request)
        try:
            visit = _visit(request, console, session, {})
            _needs(visit, page.role)
            values = await asyncio.to_thread(page.view, visit)
            if session.message:
                await asyncio.to_thread(console.sessions.tell, session, "")
            body = await asyncio.to_thread(
                render.render, page.template, {**frame(visit, page, places), **values}, visit.fragment
            )
            if session.message and visit.fragment:
                body += render.told(session.message)
        except Exception as error:  # people get a page, whatever it is
            return failed(request, error, session, places)
        return Response(body, media_type="text/html; charset=utf-8", headers=dict(render.HEADERS))

    return get(page.path, include_in_schema=False, name=f"console {page.path}")(_named(shown, page.path))


def _action(action: Action, places: tuple[Page, ...]) -> Any:
    async def done(request: Request[Any, Any, Any], console: Console) -> Response[Any]:
        session = await signed_in(request, console)
        if session is None:
            return to_sign_in(request)
        try:
            form = await form_of(request)
            check_csrf(request, form, session.csrf)
            visit = _visit(request, console, session, form)
            if not visit.account.may(action.role):
                console.trail.write(visit.doer, action.name, action.subject(visit), "", visit.now, "forbidden")
            _needs(visit, action.role)
            result = await asyncio.to_thread(_act, action, visit)
            await asyncio.to_thread(console.sessions.tell, session, result.message)
            if result.secret:
                console.once[session.hash] = result.secret
        except Exception as error:  # people get a page, whatever it is
            return failed(request, error, session, places)
        return Response(b"", status_code=303, headers={**render.HEADERS, "Location": result.to})

    return post(action.path, include_in_schema=False, name=f"console {action.path}")(_named(done, action.path))


def _act(action: Action, visit: Visit) -> Any:
    with visit.console.trail.doing(visit.doer, action.name, action.subject(visit), detail_of(visit.form), visit.now):
        return action.act(visit)


def _download(download: Download, places: tuple[Page, ...]) -> Any:
    async def given(request: Request[Any, Any, Any], console: Console) -> Response[Any]:
        session = await signed_in(request, console)
        if session is None:
            return to_sign_in(request)
        try:
            visit = _visit(request, console, session, {})
            _needs(visit, download.role)
            file = await asyncio.to_thread(download.make, visit)
        except Exception as error:  # people get a page, whatever it is
            return failed(request, error, session, places)
        disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
        headers = {**render.HEADERS, "Content-Disposition": disposition}
        return Response(file.body, media_type=file.media_type, headers=headers)

    return get(download.path, include_in_schema=False, name=f"console {download.path}")(_named(given, download.path))


def _named(handler: Any, path: str) -> Any:
    handler.__name__ = "console_" + "".join(one if one.isalnum() else "_" for one in path)
    handler.__qualname__ = handler.__name__
    return handler


def frame(visit: Visit, page: Page | None, places: tuple[Page, ...]) -> dict[str, Any]:
    """What every page shows around its own part."""
    return {
        "title": page.title if page else "",
        "page": page,
        "places": [one for one in places if visit.account.may(one.role)],
        "visit": visit,
        "account": visit.account,
        "csrf": visit.session.csrf,
        "message": visit.session.message,
        "secret": visit.console.once.pop(visit.session.hash, "") if not visit.fragment else "",
        "asset": static_files.address,
        "theme": visit.theme,
        "clock": visit.clock,
    }


async def signed_in(request: Request[Any, Any, Any], console: Console) -> ConsoleSession | None:
    """The session of a request."""
    token = request.cookies.get(cookie_name(console), "")[:200]
    return await asyncio.to_thread(console.sessions.find, token, time.time())


def cookie_name(console: Console) -> str:
    """The cookie of a session. Its prefix makes browsers take it over encrypted connections of this host only.

    Source: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis (4.1.3)
    """
    return "__Host-podhawk-session" if console.secure else "podhawk-session"


def to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    """The answer for somebody who is not signed in: a browser goes to the page for that, and then back."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "") if request.method == "GET" else "/"
    to = f"/sign-in?to={quote(back, safe='')}"
    if "hx-request" in request.headers:
        return Response(b"", status_code=401, headers={**render.HEADERS, "HX-Redirect": "/sign-in"})
    return Response(b"", status_code=303, headers={**render.HEADERS, "Location": to})


async def form_of(request: Request[Any, Any, Any]) -> dict[str, list[str]]:
    """The values of a form, by name. Raises HTTPException for one that is too large."""
    if int(request.headers.get("content-length") or 0) > MOST_FORM:
        raise HTTPException(detail="The form is too large.", status_code=413)
    found: dict[str, list[str]] = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def check_csrf(request: Request[Any, Any, Any], form: Mapping[str, list[str]], csrf: str) -> None:
    """Raise HTTPException unless a form comes from a page of ours: it carries the token of the session, and the browser
    names no other origin."""
    given = request.headers.get("x-csrf-token") or (form.get("_csrf") or [""])[0]
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    ours = origin is None or origin.partition("://")[2] == host
    if not hmac.compare_digest(given.encode(), csrf.encode()) or site not in ("same-origin", "none") or not ours:
        logger(__name__).warning("a form for %s was refused: it does not come from a page of ours", request.url.path)
        raise HTTPException(
            detail="This form does not come from this session. Go back, reload the page, and try again.",
            status_code=403,
        )


def _visit(
    request: Request[Any, Any, Any], console: Console, session: ConsoleSession, form: Mapping[str, list[str]]
) -> Visit:
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    return Visit(
        console,
        session,
        request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        {name: str(value) for name, value in request.path_params.items()},
        query,
        form,
        client_of(request),
        time.time(),
        request.headers.get("hx-target", "") if "hx-request" in request.headers else "",
        choice_of(request, "theme"),
        choice_of(request, "clock"),
    )


CHOICES: Final[Mapping[str, tuple[str, ...]]] = {"theme": ("light", "dark"), "clock": ("local", "utc")}
"""What a person may choose for a browser, and the values."""


def choice_of(request: Request[Any, Any, Any], name: str) -> str:
    """A choice that the browser keeps in a cookie; "" if there is none."""
    value = request.cookies.get(f"podhawk-{name}", "")
    return value if value in CHOICES[name] else ""


def client_of(request: Request[Any, Any, Any]) -> str:
    """The address at the other end of the connection."""
    return request.client.host if request.client else "unknown"


def _needs(visit: Visit, role: Role) -> None:
    if not visit.account.may(role):
        raise HTTPException(
            detail=f"This needs the role {role}. You are {visit.account.role}; an admin can change that.",
            status_code=403,
        )


def failed(
    request: Request[Any, Any, Any],
    error: Exception,
    session: ConsoleSession | None,
    places: tuple[Page, ...] = (),
) -> Response[Any]:
    """The page for an error."""
    if isinstance(error, HTTPException):
        status, message, remedy = error.status_code, _UNKNOWN.get(error.detail, error.detail), ""
    elif not isinstance(error, PodhawkError):
        logger(__name__).error("%s %s failed", request.method, request.url.path, exc_info=error)
        status, message, remedy = 500, "This is a fault of podhawk. The log of the service has it.", ""
    else:
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
        message, remedy = error.message, error.remedy
        if status == 500:
            logger(__name__).error("%s %s: %s", request.method, request.url.path, error)
    values = {
        "title": _TITLES.get(status, "This did not work"),
        "page": None,
        "places": [one for one in places if session and session.account.may(one.role)],
        "account": session.account if session else None,
        "csrf": session.csrf if session else "",
        "message": "",
        "asset": static_files.address,
        "theme": choice_of(request, "theme"),
        "clock": choice_of(request, "clock"),
        "told": message[:1000],
        "remedy": remedy,
        "back": request.headers.get("referer", "") if request.method == "POST" else "",
    }
    template = "failure.html"
    body = render.render(template, values, "failure" if "hx-request" in request.headers else "")
    return Response(body, status_code=status, media_type=MediaType.HTML, headers=dict(render.HEADERS))
