"""Templates, and the headers of every answer of the console.

No value is printed but through `shown`, which escapes it and makes hidden characters visible. The policy allows scripts
and styles of our own origin and nothing else; there is no exception for an inline script, an inline style or eval, so
text that were taken for markup in spite of all could still do nothing.

Source: https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from podhawk.inert import inert_text, shown
from podhawk.serve.console.queue_index import identity_key
from podhawk.settings.version import __version__

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
    "Vary": "Cookie, HX-Request, HX-Target",
}
PARTS: Final = ("identity_at", "severity", "outcome", "priority", "hidden_words", "folded")
"""The macros of parts.html."""
HTMX: Final = json.dumps(
    {
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,
        "selfRequestsOnly": True,
        "historyCacheSize": 0,  # pages are not kept in the browser's storage
        "refreshOnHistoryMiss": True,  # so the back button shows what the URL says
        "scrollIntoViewOnBoost": False,
        "globalViewTransitions": False,
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..", "swap": True},
            {"code": "[45]..", "swap": True, "error": False, "target": "#failure", "swapOverride": "innerHTML"},
        ],
    }
)


@cache
def environment() -> Environment:
    """The templates."""
    made = Environment(
        loader=PackageLoader("podhawk.serve.console", "templates"),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(when=when, query=_query, part=part, attr=attribute, number=lambda value: f"{value:,}")
    made.globals.update(version=__version__, htmx_settings=HTMX, text=typed, identity_key=identity_key)
    # Macros are known in every template, also where only a block of it is rendered, which knows no imports.
    parts = made.get_template("parts.html").module
    made.globals.update({name: getattr(parts, name) for name in PARTS})
    return made


def typed(text: str) -> Markup:
    """Text as somebody typed it, for a field that sends it back: only escaped, whole, with its lines."""
    return escape(text)


def attribute(value: object) -> Markup:
    """A value for an attribute: whole, because an address that is cut leads elsewhere, and without elements."""
    return value if isinstance(value, Markup) else escape(inert_text(str(value)))


def part(value: object) -> Markup:
    """A value as a part of an address, whole."""
    return Markup(quote(str(value).encode("utf-8", "backslashreplace"), safe=""))


def _query(values: Mapping[str, Any], **changes: Any) -> Markup:
    return escape(query(values, **changes))


def render(template: str, values: Mapping[str, Any], fragment: str = "") -> str:
    """A page; or the block of it that is named like the element that a part is asked for. A name that no block has
    gives the whole page."""
    found = environment().get_template(template)
    block = found.blocks.get(fragment.replace("-", "_")) if fragment else None
    if block is None:
        return found.render(values)
    return "".join(block(found.new_context(dict(values))))


def told(message: str) -> str:
    """What an action came to, for a page of which only a part is sent: htmx puts it where the page tells it."""
    made = Markup('<div id="told" hx-swap-oob="innerHTML"><p class="told">{}</p></div>').format(shown(message))
    return str(made)  # as text: what is added to Markup would be escaped


def when(value: float | None, style: str = "minute") -> Markup:
    """A time as an element that shows UTC; console.js shows local time beside it, or in its place."""
    if not value:
        return Markup("–")
    try:
        moment = datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return shown(value)
    text = moment.strftime("%Y-%m-%d %H:%M:%S" if style == "second" else "%Y-%m-%d %H:%M")
    return Markup('<time datetime="{}" data-style="{}">{} UTC</time>').format(
        moment.isoformat(timespec="seconds").replace("+00:00", "Z"), style, text
    )


def query(values: Mapping[str, Any], **changes: Any) -> str:
    """A query, with changes; what is None or "" is left out. Lists give a name several times."""
    merged = {**values, **changes}
    kept = {name: value for name, value in merged.items() if value not in (None, "", [], ())}
    return "?" + urlencode(kept, doseq=True, errors="backslashreplace") if kept else "?"
