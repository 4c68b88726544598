"""All pages, actions and downloads of the console. A page stands in the navigation in the order of this list."""

from __future__ import annotations

from typing import Any, Final

from podhawk.serve.console import (
    choices,
    exception_dialog,
    exports,
    finding,
    identities,
    people,
    queue,
    sign_in,
    static_files,
    stream,
    triage,
)
from podhawk.serve.console.page import Action, Download, Page
from podhawk.serve.console.routes import handlers

PAGES: Final[tuple[Page, ...]] = (
    queue.QUEUE_PAGE,
    identities.IDENTITIES,
    finding.FINDING,
    exception_dialog.EXCEPTION,
    exception_dialog.PROPOSED,
    people.PEOPLE,
    people.TRAIL,
)
ACTIONS: Final[tuple[Action, ...]] = (
    triage.TRIAGE_MANY,
    triage.TRIAGE_ONE,
    exception_dialog.MEASURE,
    exception_dialog.PROPOSE,
    identities.LOOK,
    people.INVITE,
    people.CHANGE,
)
DOWNLOADS: Final[tuple[Download, ...]] = (exports.EXPORT, exception_dialog.PROPOSAL_FILE)
HANDLERS: Final[tuple[Any, ...]] = (
    *sign_in.HANDLERS,
    choices.choose,
    stream.stream,
    static_files.static_file,
    *handlers(PAGES, ACTIONS, DOWNLOADS),
)
