"""Every exception podhawk raises, as one small tree.

Each error says what is wrong, where (a file, a line, a column) and what to do about it. Libraries
raise; only the command line prints. `exit_code` is what the command line ends with.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from podhawk.visible import visible_line


class Place(NamedTuple):
    """Where something is wrong. Lines and columns count from 1; 0 means unknown.

    `text` is the offending source line and `length` the number of characters to underline.
    """

    file: str = ""
    line: int = 0
    column: int = 0
    text: str = ""
    length: int = 1

    def __str__(self) -> str:
        parts = [visible_line(self.file)] if self.file else []
        if self.line:
            parts.append(f"line {self.line}" if not self.file else str(self.line))
        if self.column:
            parts.append(f"column {self.column}" if not self.file else str(self.column))
        return (":" if self.file else ", ").join(parts)

    def caret(self) -> str:
        """The source line with a caret under the fault, or nothing where there is no text."""
        if not self.text:
            return ""
        start = max(self.column - 1, 0)
        window = max(0, start - 60)
        shown = self.text[window : window + 110]
        return f"    {shown}\n    {' ' * (start - window)}{'^' * max(1, min(self.length, 110 - start + window))}"


class PodhawkError(Exception):
    """The root: something podhawk cannot do, with its place and remedy."""

    exit_code = 1

    def __init__(self, message: str, *, place: Place | None = None, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.message}" if self.place and str(self.place) else self.message]
        if self.place and self.place.caret():
            lines.append(self.place.caret())
        if self.remedy:
            lines.append(f"  {self.remedy}")
        return "\n".join(lines)


class UsageError(PodhawkError):
    """A wrong option, setting or argument."""

    exit_code = 2


class ContentError(PodhawkError):
    """A detection, macro, lookup or story that cannot be used."""

    exit_code = 3


class SearchError(ContentError):
    """A search that cannot be read or run: syntax, unknown names, unsupported commands."""


class TableError(SearchError):
    """A lookup table that a search names and that is not there."""


class InputError(PodhawkError):
    """Input that holds no audit event, or cannot be read."""

    exit_code = 4


class NoEventsError(InputError):
    """Input that can be read and holds nothing."""


class EngineError(PodhawkError):
    """A cluster that cannot be reached or used, or that answered what cannot be read."""

    exit_code = 2


class StoreError(PodhawkError):
    """A state that cannot be opened, reached, read or written."""

    exit_code = 2


class StateUnavailableError(StoreError):
    """A state that another run uses for too long, or whose server cannot be reached now. A later try may succeed."""

    exit_code = 7


class OutputError(PodhawkError):
    """Output that cannot be written: a full disk, a closed stream, a place without permission."""

    exit_code = 2


class LimitError(PodhawkError):
    """A search or a run that needs more memory than it may take."""

    exit_code = 2


def nearest(name: str, known: Iterable[str]) -> str:
    """A remedy that names the closest known name, or nothing."""
    found = close_to(name, known)
    return f"Did you mean {found[0]!r}?" if found else ""


def close_to(name: str, known: Iterable[str]) -> list[str]:
    """The closest known name, if any is close."""
    spelled = {one.lower(): one for one in known}
    return [spelled[one] for one in difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=0.6)]
