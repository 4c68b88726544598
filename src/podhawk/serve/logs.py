"""Structured logs: each record of podhawk's loggers as a line of JSON on standard error."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec


class JsonFormatter(logging.Formatter):
    """A record as JSON: time, level, logger, message, and the traceback of an error. Line feeds and control characters
    of messages are escaped by JSON, so no value can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        found = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            found["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(found).decode()


def log_as_json(level: int = logging.INFO) -> None:
    """Send what podhawk logs to standard error, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name in ("podhawk", "uvicorn"):
        root = logging.getLogger(name)
        root.handlers[:] = [handler]
        root.setLevel(level if name == "podhawk" else logging.ERROR)
        root.propagate = False
