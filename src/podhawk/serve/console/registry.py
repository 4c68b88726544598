"""All pages, actions and downloads of the console. A page stands in the navigation in the order of this list."""

from __future__ import annotations

from typing import Any, Final

from podhawk.serve.console import choices, queue, sign_in, static_files, stream, triage
from podhawk.serve.console.page import Action, Download, Page
from podhawk.serve.console.routes import handlers

PAGES: Final[tuple[Page, ...]] = (queue.QUEUE_PAGE,)
ACTIONS: Final[tuple[Action, ...]] = (triage.TRIAGE_MANY, triage.TRIAGE_ONE)
DOWNLOADS: Final[tuple[Download, ...]] = ()
HANDLERS: Final[tuple[Any, ...]] = (
    *sign_in.HANDLERS,
    choices.choose,
    stream.stream,
    static_files.static_file,
    *handlers(PAGES, ACTIONS, DOWNLOADS),
)
