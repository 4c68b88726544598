"""The content that pages speak of: read when the evaluator reads it, and kept."""

from __future__ import annotations

import threading
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from podhawk import api
from podhawk.commands.context import Context
from podhawk.content.model import Content
from podhawk.detect.passes.settle import Policies
from podhawk.serve.console.page import Console
from podhawk.serve.evaluator.loaded import settings_now
from podhawk.serve.shadow import served_policies
from podhawk.session import Session
from podhawk.settings.resolve import Settings


class LoadedSite(Struct, frozen=True):
    """Content, policies and settings of the site, and the session in which its searches are prepared."""

    content: Content
    policies: Policies
    session: Session
    settings: Settings

    def context(self) -> Context:
        """What a search may use; a new one each time, because it gathers warnings."""
        return self.session.context(self.content)

    def check_times(self, earliest: str | None, latest: str | None, now: str | None) -> None:
        """Raise UsageError for times that cannot be read, and for an empty time range."""
        own = {**self.settings.values, "earliest": earliest, "latest": latest, "now": now}
        api.session_of({**own, "jobs": 1, "state": None, "write": False})


_lock: Final = threading.Lock()
_known: dict[tuple[str, float], LoadedSite] = {}


def loaded_site(console: Console) -> LoadedSite:
    """The content as the evaluator has it. Raises PodhawkError if its files cannot be read now."""
    key = console.kept.path, console.supervisor.content.since
    with _lock:
        if key not in _known:
            settings = settings_now(console.settings)
            session = replace(api.session_of({**settings.values, "jobs": 1, "state": None, "write": False}), state=None)
            content = api.content_of(settings.values, settings.macros)
            _known.clear()
            _known[key] = LoadedSite(content, served_policies(content, settings), session, settings)
        return _known[key]
