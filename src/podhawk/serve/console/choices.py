"""What a person chooses for a browser: the theme, and the clock that times are shown by."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, post
from litestar.exceptions import HTTPException

from podhawk.serve.console import render
from podhawk.serve.console.page import Console
from podhawk.serve.console.routes import CHOICES, check_csrf, failed, form_of, signed_in, to_sign_in
from podhawk.serve.console.sign_in import safe_path

_YEAR: Final = 365 * 86400


@post("/choices", include_in_schema=False)
async def choose(request: Request[Any, Any, Any], console: Console) -> Response[Any]:
    """Keep choices in cookies, which say nothing about anybody."""
    session = await signed_in(request, console)
    if session is None:
        return to_sign_in(request)
    try:
        form = await form_of(request)
        check_csrf(request, form, session.csrf)
    except HTTPException as error:
        return failed(request, error, session)
    to = safe_path((form.get("to") or [""])[0])
    answer: Response[Any] = Response(b"", status_code=303, headers={**render.HEADERS, "Location": to})
    for name, known in CHOICES.items():
        if name in form:
            value = form[name][0] if form[name][0] in known else ""
            answer.set_cookie(
                f"podhawk-{name}", value, max_age=_YEAR, httponly=True, secure=console.secure, samesite="lax"
            )
    return answer
