"""A report as one HTML file: no script, nothing loaded from elsewhere, every value inert.

Values come from an audit log, where anybody can write anything. All of them pass `shown`, which is the only place that
escapes: the template prints no value but through it. The page carries a Content-Security-Policy that allows its own
style sheet, by its hash, and nothing else. No address and no attribute is made of a value.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from podhawk.cli.findings_output import actor_text
from podhawk.cli.report.facts import ReportFacts
from podhawk.detect.report.brief_search import brief
from podhawk.detect.report.sentences import utc_minute
from podhawk.settings.version import __version__
from podhawk.visible import visible_line

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_CHARACTERS: Final = 1500
"""Of a value; what is longer is cut, and says so."""
_RIGHT_TO_LEFT: Final = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_REORDERED: Final = re.compile(f"[{_RIGHT_TO_LEFT}]+(?:[^\x21-\x7e{_RIGHT_TO_LEFT}]+[{_RIGHT_TO_LEFT}]+)*")


_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters without a shape, beside those of `visible`: a name of them would look like none."""
_MOST_MARKS: Final = 3
"""Marks on one letter: more of them would stand on the lines above and below."""


def report_page(facts: ReportFacts) -> str:
    """The page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    engine = Environment(
        loader=PackageLoader("podhawk.cli.report", ""),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters.update(utc=utc_minute, cell=_cell, brief=brief)
    style = resources.files("podhawk.cli.report").joinpath("report.css").read_text("utf-8")
    values: dict[str, Any] = {
        "style": Markup(style),
        "policy": content_security_policy(style),
        "facts": facts,
        "version": __version__,
        "actor_text": actor_text,
    }
    return engine.get_template("report.html").render(values)


def content_security_policy(style: str) -> str:
    """The policy of a page with this style sheet: it may use that one, and load nothing.

    Source: https://www.w3.org/TR/CSP3/#framework-directive-source-list
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _cell(value: Any) -> str:
    """A cell of a row; a multivalue with commas."""
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def shown(value: object) -> Markup:
    """A value as HTML text: escaped, on one line, with characters that change how text is shown as escapes. Text that
    runs from right to left is isolated, so that it cannot reorder what stands beside it."""
    from markupsafe import Markup, escape

    if isinstance(value, Markup):
        return value
    text = str(value)
    if len(text) > MOST_CHARACTERS:
        text = f"{text[:MOST_CHARACTERS]}… ({len(text) - MOST_CHARACTERS:,} more characters)"
    text = visible_line(text)
    if not text.isascii():
        text = _without_stacks(_BLANK.sub(lambda found: _escaped(found[0]), text))
    escaped = str(escape(text))
    return Markup(_REORDERED.sub(r"<bdi>\g<0></bdi>", escaped))


def _without_stacks(text: str) -> str:
    """The text with no more marks on a letter than writing needs; further ones are escapes."""
    parts: list[str] = []
    marks = 0
    for one in text:
        marks = marks + 1 if unicodedata.category(one) in ("Mn", "Me") else 0
        parts.append(one if marks <= _MOST_MARKS else _escaped(one))
    return "".join(parts)


def _escaped(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"
