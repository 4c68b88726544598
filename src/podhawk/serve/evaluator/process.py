"""The process of the evaluator: `python -m podhawk.serve.evaluator.process`.

The server starts it as a program of its own, so it has no thread of the server when it forks. It gets the settings on
the first line of standard input; each byte after that says that something came in, and the end says that the server is
gone. On standard output it says as a line of JSON what each increment did.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from podhawk.errors import PodhawkError, StoreError
from podhawk.log import logger
from podhawk.runtime import rare_collection
from podhawk.serve.evaluator.evaluate import InboxEvaluator, Increment, told_of
from podhawk.serve.logs import log_as_json
from podhawk.settings.resolve import Settings

_IDLE: Final = 1.0
"""Seconds after which the inbox is looked at though nobody said that anything came in."""
_LOOK: Final = 1.0
"""Seconds between looks at files that may have changed."""
_AGAIN: Final = 1.0
"""Seconds before an increment that could not be written is tried again."""


class Order(Struct):
    """The first line that the process gets."""

    values: dict[str, Any]
    macros: dict[str, str]
    tables: dict[str, dict[str, Any]]
    file: str | None = None
    named: frozenset[str] = frozenset()

    def settings(self) -> Settings:
        return Settings(self.values, self.macros, Path(self.file) if self.file else None, self.tables, self.named)


def order_of(settings: Settings) -> bytes:
    """The line for settings."""
    file = str(settings.file) if settings.file is not None else None
    tables = {name: dict(table) for name, table in settings.tables.items()}
    return (
        msgspec.json.encode(Order(dict(settings.values), dict(settings.macros), tables, file, settings.named)) + b"\n"
    )


def main() -> int:
    """Evaluate until standard input ends."""
    log_as_json()
    stdin = FileIO(sys.stdin.fileno(), closefd=False)
    order = msgspec.json.decode(_first_line(stdin), type=Order)
    try:
        evaluator = InboxEvaluator(order.settings())
    except PodhawkError as error:
        _tell({"what": "failed", "error": str(error), "code": error.exit_code})
        return error.exit_code
    _tell({"what": "ready"})
    _tell_content(evaluator)
    if evaluator.policies_changed():
        _apply(evaluator)
    looked = time.monotonic()
    with rare_collection():
        while True:
            if time.monotonic() - looked > _LOOK:
                _reload(evaluator)
                _look(evaluator)
                looked = time.monotonic()
            done = [_step(evaluator, cluster) for cluster in evaluator.clusters()]
            if not any(done) and None not in done:
                _tell({"what": "idle"})
            if not _wait(stdin, 0.0 if any(done) else _IDLE):
                return 0


def _step(evaluator: InboxEvaluator, cluster: str) -> bool | None:
    """Whether there was anything to evaluate; None if it could not be written."""
    _tell({"what": "begun", "cluster": cluster})
    try:
        done = evaluator.step(cluster)
    except StoreError as error:
        logger(__name__).error("the state cannot be written: %s", error)
        _tell({"what": "stuck", "error": error.message})
        time.sleep(_AGAIN)
        return None
    if done is not None:
        _tell(_account(evaluator, done))
    return done is not None


def _reload(evaluator: InboxEvaluator) -> None:
    """Take over new content; what it changes of what is known is evaluated again at once."""
    try:
        taken_over = evaluator.reload()
    except PodhawkError as error:
        logger(__name__).error("the content is as it was: %s", error)
        _tell({"what": "content", "problem": str(error)})
        return
    if not taken_over:
        return
    logger(__name__).info("the content was read again: %d detections", evaluator.loaded.detections)
    _tell_content(evaluator)
    _apply(evaluator)


def _apply(evaluator: InboxEvaluator) -> None:
    """Evaluate what new content changes. The server is told before, so that it ends what hangs."""
    _tell({"what": "begun", "cluster": ""})
    try:
        _tell(_account(evaluator, evaluator.apply()))
    except Exception as error:  # the next increment with events does it
        logger(__name__).error("what the new content changes could not be evaluated yet", exc_info=error)
        _tell({"what": "idle"})


def _look(evaluator: InboxEvaluator) -> None:
    """Look at what changes without events. The server is told when that may take long, so that it ends what hangs."""
    for look in (evaluator.look, lambda: evaluator.catch_up(lambda: _tell({"what": "begun", "cluster": ""}))):
        try:
            done = look()
        except StoreError as error:  # the next look does it
            logger(__name__).warning("it could not be written: %s", error)
            continue
        except Exception as error:  # a fault there must not keep events from being evaluated
            logger(__name__).error("a look at what changes without events failed", exc_info=error)
            continue
        if done is not None:
            _tell(_account(evaluator, done))


def _tell_content(evaluator: InboxEvaluator) -> None:
    loaded = evaluator.loaded
    _tell(
        {
            "what": "content",
            "problem": "",
            "detections": loaded.detections,
            "unable": loaded.unable,
            "shadow": sorted(loaded.shadow),
        }
    )


def _account(evaluator: InboxEvaluator, done: Increment) -> Mapping[str, Any]:
    now = time.time()
    return {
        "what": "increment",
        "cluster": done.cluster,
        "events": done.events,
        "seconds": done.seconds,
        "lags": [(now - received, count) for received, count in done.received],
        "changes": told_of(done),
        "budgets": {"cpu": evaluator.budgets.spent, "isolated": sorted(evaluator.budgets.isolated)},
        "buried": done.buried,
    }


def _first_line(stdin: FileIO) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = stdin.read(1)
        if not byte:
            return b"{}"
        line += byte
    return line


def _wait(stdin: FileIO, seconds: float) -> bool:
    """Wait until something comes in, at most so long. Gives whether the server is still there."""
    ready, _, _ = select.select([stdin], [], [], seconds)
    return not ready or bool(os.read(stdin.fileno(), 1 << 16))


def _tell(what: Mapping[str, Any]) -> None:
    try:
        sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the server is gone
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
