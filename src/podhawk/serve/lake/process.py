"""The process that keeps the lake: `python -m podhawk.serve.lake.process`.

The server starts it when there is something to do. It gets what to do as a line of JSON on standard input, says on
standard output what it did, and ends. It has less priority than the evaluator.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from podhawk.errors import StoreError, UsageError
from podhawk.log import logger
from podhawk.serve.lake.copies import LakeCopy
from podhawk.serve.lake.retention import Keeping, retain
from podhawk.serve.lake.seal import clean, seal, to_seal
from podhawk.serve.logs import log_as_json
from podhawk.store.lake import SEALED, Manifest

_NICE: Final = 10
_LOCK: Final = "lake.lock"


class LakeOrder(Struct):
    """What the process is told: the folder of the state, and what is kept of the lake."""

    state: str
    keeping: Keeping
    copy: str = ""
    """The URL of the object store to which files are sent; empty if there is none."""


class LakeDone(Struct):
    """What the process says: files that it sealed and removed, with their events, and why it stopped before the end."""

    sealed: int = 0
    events: int = 0
    removed: int = 0
    removed_events: int = 0
    sent: int = 0
    error: str = ""


def keep_lake(order: LakeOrder, now: float) -> LakeDone:
    """Remove what is not kept any longer, and seal what can be sealed. What fails of the one does not stop the other: a
    disk that is full gives way though nothing can be sealed. Files of the inbox are sealed in their order; after one
    that fails no later one is sealed, because the lake holds everything up to its last body."""
    manifest = Manifest(order.state)
    done = LakeDone()
    _attempt(done, lambda: _send(manifest, order, done))
    _attempt(done, lambda: _retain(manifest, order, now, done))
    _attempt(done, lambda: _seal(manifest, order, done))
    if done.sealed:
        _attempt(done, lambda: _send(manifest, order, done))
        _attempt(done, lambda: _retain(manifest, order, now, done))
    return done


def _attempt(done: LakeDone, step: Callable[[], None]) -> None:
    try:
        step()
    except (OSError, sqlite3.Error, StoreError, UsageError) as error:
        done.error = done.error or str(error)
    except Exception as error:
        logger(__name__).error("the lake cannot be kept", exc_info=error)
        done.error = done.error or f"{type(error).__name__}: {error}"


def _seal(manifest: Manifest, order: LakeOrder, done: LakeDone) -> None:
    manifest.make()
    clean(manifest)
    for segment in to_seal(order.state, manifest):
        made = seal(segment, manifest)
        done.sealed += len(made)
        done.events += sum(one.events for one in made)


def _send(manifest: Manifest, order: LakeOrder, done: LakeDone) -> None:
    if order.copy:
        done.sent += LakeCopy(order.copy).send(manifest.folder, manifest.files(SEALED))


def _retain(manifest: Manifest, order: LakeOrder, now: float, done: LakeDone) -> None:
    for one, why in retain(manifest, order.keeping, now):
        logger(__name__).info("%s of the lake is removed: %s", one.name, why)
        done.removed += 1
        done.removed_events += one.events


def main() -> int:
    """Do what standard input says."""
    log_as_json()
    os.nice(_NICE)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=LakeOrder)
    with open(f"{order.state}/{_LOCK}", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of a server that was killed may still be at work
        done = keep_lake(order, time.time())
    with contextlib.suppress(BrokenPipeError):  # the server is gone
        os.write(sys.stdout.fileno(), msgspec.json.encode(done) + b"\n")
    return 1 if done.error else 0


if __name__ == "__main__":
    sys.exit(main())
