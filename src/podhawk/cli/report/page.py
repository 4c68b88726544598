"""A report as one HTML file: no script, nothing loaded from elsewhere, every value inert.

Values come from an audit log, where anybody can write anything. All of them pass `shown`, which is the only place that
escapes: the template prints no value but through it. The page carries a Content-Security-Policy that allows its own
style sheet, by its hash, and nothing else. No address and no attribute is made of a value.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

from podhawk.cli.findings_output import actor_text
from podhawk.cli.report.facts import ReportFacts
from podhawk.detect.report.brief_search import brief
from podhawk.detect.report.sentences import utc_minute
from podhawk.inert import shown
from podhawk.settings.version import __version__


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
