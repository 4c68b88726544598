"""Messages of `logging` for people: no character in them moves the cursor or hides text."""

from __future__ import annotations

import logging

from podhawk.visible import visible


class VisibleFormatter(logging.Formatter):
    """Formats a record, its traceback included, as visible text."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))
