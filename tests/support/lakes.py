"""A state with an inbox and a lake, made without a service."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from podhawk.serve.evaluator.positions import make_tables
from podhawk.serve.inbox.deposit import ClusterLines, Deposit
from podhawk.serve.inbox.room import Room
from podhawk.serve.inbox.writer import InboxWriter
from podhawk.serve.lake.process import LakeDone, LakeOrder, keep_lake
from podhawk.serve.lake.retention import Keeping

HOUR = 3600.0
T0 = 1_796_000_400.0
"""A time at the beginning of an hour."""
_STEPS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect"})
"""What the interpreter tells an audit hook, and leaves something on the disk."""


def one_detection(folder: Path, search: str = 'source="kubernetes" verb=create') -> Path:
    """Content of one detection, with which an evaluator starts fast. It has the name One."""
    (folder / "detections").mkdir(parents=True)
    (folder / "detections" / "one.yml").write_text(
        json.dumps(
            {
                "name": "One",
                "id": "33333333-3333-4333-8333-333333333333",
                "type": "TTP",
                "search": search,
                "tags": {"message": "$user.username$", "risk_score": 10},
            }
        ),
        encoding="utf-8",
    )
    return folder


def stored(state: Path, bodies: Sequence[tuple[str, Sequence[bytes]]], *, closed: bool = True, hours: int = 1) -> None:
    """Put bodies, each of a cluster, into the inbox of a state, as if they came over so many hours. If it is `closed`,
    the last file of the inbox holds nothing."""
    make_tables(str(state))
    writer = InboxWriter(state / "inbox", Room(free=0), segment_bytes=1 << 40, segment_seconds=1e12)
    writer.start()
    for number, (cluster, lines) in enumerate(bodies):
        part = ClusterLines(cluster, b"".join(line + b"\n" for line in lines), len(lines))
        received = T0 + HOUR * (number * hours // len(bodies))
        digest = b"%s %d %d" % (cluster.encode(), number, time.monotonic_ns())
        writer.put(Deposit("webhook:x/1", cluster, digest, received, received, (part,))).result(10)
    writer.stop()
    if closed:
        another = InboxWriter(state / "inbox", Room(free=0), segment_bytes=0)
        another.start()
        another.put(Deposit("webhook:x/1", "", b"%d" % time.monotonic_ns(), 1.0, 1.0)).result(10)
        another.stop()


def kept(state: Path, now: float = T0, **keeping: Any) -> LakeDone:
    """Seal, and remove what is not kept."""
    keeping.setdefault("free", 0)
    return keep_lake(LakeOrder(str(state), Keeping(**keeping)), now)


def killed_at(state: Path, step: int, now: float = T0, **keeping: Any) -> bool:
    """Keep the lake in a process that is killed before its n-th step. Gives whether it came so far."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    left = step

    def hook(event: str, arguments: Any) -> None:
        nonlocal left
        if event in _STEPS:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    kept(state, now, **keeping)
    os._exit(0)


def counted(state: Path, **options: Any) -> Mapping[tuple[str, str], int]:
    """How often each event is in a state, by the cluster of its finding's view and its auditID."""
    from podhawk import api
    from podhawk.engine.run.files import FileSource

    session = api.session_of(options)
    found: dict[tuple[str, str], int] = {}
    with api.inputs_for([f"state:{state}"], session) as inputs, FileSource(inputs, session.reading) as source:
        for candidate in source.candidates():
            key = candidate.event.cluster, candidate.event.view.data["auditID"]
            found[key] = found.get(key, 0) + 1
    return found
