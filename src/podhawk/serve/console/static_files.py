"""The files that pages load: our style sheet and script, and htmx from the package in which it is installed."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Final

from litestar import Response, get
from msgspec import Struct

from podhawk.errors import UsageError
from podhawk.serve.console.page import nothing_here
from podhawk.serve.console.render import HEADERS


class StaticFile(Struct, frozen=True):
    """A file of an installed package."""

    package: str
    path: str
    media_type: str


FILES: Final = {
    "console.css": StaticFile("podhawk.serve.console", "static/console.css", "text/css; charset=utf-8"),
    "console.js": StaticFile("podhawk.serve.console", "static/console.js", "text/javascript; charset=utf-8"),
    "rooms.css": StaticFile("podhawk.serve.console", "static/rooms.css", "text/css; charset=utf-8"),
    "editor.js": StaticFile("podhawk.serve.console", "static/editor.js", "text/javascript; charset=utf-8"),
    "icon.svg": StaticFile("podhawk.serve.console", "static/icon.svg", "image/svg+xml"),
    "htmx.js": StaticFile("js_lib_htmx", "static/htmx/htmx.min.js", "text/javascript; charset=utf-8"),
}


@cache
def read(name: str) -> bytes:
    """The bytes of a file. Raises UsageError if its package is not installed, KeyError for any other name."""
    one = FILES[name]
    try:
        return resources.files(one.package).joinpath(one.path).read_bytes()
    except (ModuleNotFoundError, OSError):
        raise UsageError(
            f"the console needs {one.path} of the package {one.package}", remedy="pip install 'podhawk[serve]'"
        ) from None


@cache
def address(name: str) -> str:
    """Where a page finds a file. It changes with the file, so that browsers may keep it for ever."""
    return f"/static/{sha256(read(name)).hexdigest()[:16]}/{name}"


@get("/static/{digest:str}/{name:str}", include_in_schema=False, sync_to_thread=False)
def static_file(digest: str, name: str) -> Response[bytes]:
    """A file that pages load. It needs no sign-in: it is the same for everybody."""
    if name not in FILES or address(name) != f"/static/{digest}/{name}":
        raise nothing_here("file")
    headers = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(read(name), media_type=FILES[name].media_type, headers=headers)
