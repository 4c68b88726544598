"""What podhawk reports with the standard library's `logging`.

Each module logs to the logger of its own name, below `podhawk`. Nothing is shown unless the program that uses podhawk
configures logging, or the command line is given `--verbose`. `logging` itself is imported when there is something to
report: most runs have nothing, and importing it takes longer than reading a small log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def logger(name: str) -> logging.Logger:
    """The logger of a module."""
    import logging

    root = logging.getLogger("podhawk")
    if not any(isinstance(handler, logging.NullHandler) for handler in root.handlers):
        root.addHandler(logging.NullHandler())
    return logging.getLogger(name)
