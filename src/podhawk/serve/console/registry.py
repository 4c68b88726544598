"""All pages, actions and downloads of the console. A page stands in the navigation in the order of this list."""

from __future__ import annotations

from typing import Any, Final

from podhawk.serve.console import choices, queue, sign_in, static_files, stream, triage
from podhawk.serve.console.hunt import drafts, editor, files
from podhawk.serve.console.hunt import page as hunt
from podhawk.serve.console.page import Action, Download, Page
from podhawk.serve.console.routes import handlers

PAGES: Final[tuple[Page, ...]] = (
    queue.QUEUE_PAGE,
    hunt.HUNT,
    editor.CHECK,
    editor.COMPLETE,
    drafts.LIST,
    drafts.SHOW,
)
ACTIONS: Final[tuple[Action, ...]] = (
    triage.TRIAGE_MANY,
    triage.TRIAGE_ONE,
    hunt.RUN,
    hunt.CANCEL,
    hunt.CLEAR,
    drafts.SAVE,
)
DOWNLOADS: Final[tuple[Download, ...]] = (files.CSV, files.JSON, drafts.DOWNLOAD)
HANDLERS: Final[tuple[Any, ...]] = (
    *sign_in.HANDLERS,
    choices.choose,
    stream.stream,
    static_files.static_file,
    *handlers(PAGES, ACTIONS, DOWNLOADS),
)
