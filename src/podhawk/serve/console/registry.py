"""All pages, actions and downloads of the console. A page stands in the navigation in the order of this list."""

from __future__ import annotations

from typing import Any, Final

from podhawk.serve.console import (
    choices,
    exception_dialog,
    exports,
    finding,
    health,
    identities,
    people,
    queue,
    sign_in,
    static_files,
    stream,
    triage,
)
from podhawk.serve.console.content import matrices
from podhawk.serve.console.content import page as content
from podhawk.serve.console.hunt import drafts, editor, files
from podhawk.serve.console.hunt import page as hunt
from podhawk.serve.console.page import Action, Download, Page
from podhawk.serve.console.routes import handlers

PAGES: Final[tuple[Page, ...]] = (
    queue.QUEUE_PAGE,
    identities.IDENTITIES,
    finding.FINDING,
    exception_dialog.EXCEPTION,
    exception_dialog.PROPOSED,
    hunt.HUNT,
    editor.CHECK,
    editor.COMPLETE,
    drafts.LIST,
    drafts.SHOW,
    content.CONTENT,
    content.DETECTION,
    matrices.COVERAGE,
    health.HEALTH,
    people.PEOPLE,
    people.TRAIL,
)
ACTIONS: Final[tuple[Action, ...]] = (
    triage.TRIAGE_MANY,
    triage.TRIAGE_ONE,
    exception_dialog.MEASURE,
    exception_dialog.PROPOSE,
    exception_dialog.ACCEPT,
    exception_dialog.WITHDRAW,
    identities.LOOK,
    hunt.RUN,
    hunt.CANCEL,
    hunt.CLEAR,
    drafts.SAVE,
    content.JUDGE,
    content.TUNE,
    people.INVITE,
    people.CHANGE,
)
DOWNLOADS: Final[tuple[Download, ...]] = (
    exports.EXPORT,
    exception_dialog.PROPOSAL_FILE,
    files.CSV,
    files.JSON,
    drafts.DOWNLOAD,
    content.PROPOSED,
)
HANDLERS: Final[tuple[Any, ...]] = (
    *sign_in.HANDLERS,
    choices.choose,
    stream.stream,
    static_files.static_file,
    *handlers(PAGES, ACTIONS, DOWNLOADS),
)
