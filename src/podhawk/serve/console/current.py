"""The content that pages show: what the files hold now, read again when the evaluator has taken it over anew."""

from __future__ import annotations

import threading
from typing import Final

from msgspec import Struct

from podhawk import api
from podhawk.commands.context import Context
from podhawk.content.model import Content
from podhawk.detect.passes.settle import Policies
from podhawk.serve.console.page import Console
from podhawk.serve.evaluator.loaded import settings_now
from podhawk.serve.shadow import served_policies
from podhawk.settings.resolve import Settings

_LOCK: Final = threading.Lock()


class CurrentContent(Struct, frozen=True):
    """Content with the settings and policies that go with it. `since` is when the evaluator took it over."""

    since: float
    settings: Settings
    content: Content
    policies: Policies

    def session(self, earliest: str | None = None, latest: str | None = None, now: str | None = None) -> api.Session:
        """What a search is run with. Raises UsageError for times that cannot be read."""
        options = {**self.settings.values, "jobs": 1, "state": None, "write": False}
        return api.session_of({**options, "earliest": earliest, "latest": latest, "now": now})

    def context(self) -> Context:
        """What searches may use, new each time: it gathers warnings."""
        return self.session().context(self.content)


_KNOWN: dict[str, CurrentContent] = {}


def current_content(console: Console) -> CurrentContent:
    """The content of a service. Raises PodhawkError for what cannot be used."""
    since, path = console.supervisor.content.since, console.kept.path
    with _LOCK:
        known = _KNOWN.get(path)
        if known is not None and known.since == since:
            return known
        settings = settings_now(console.settings)
        content = api.content_of(settings.values, settings.macros)
        known = CurrentContent(since, settings, content, served_policies(content, settings))
        _KNOWN.clear()  # one service at a time
        _KNOWN[path] = known
        return known
