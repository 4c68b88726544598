"""Receivers of what sinks send, and planning without a service."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from msgspec import UNSET

from podhawk.serve import changes as table
from podhawk.serve.changes import LoggedChange
from podhawk.serve.sinks.configuration import SinkSettings, sinks_of
from podhawk.serve.sinks.kept import begin_sink
from podhawk.serve.sinks.message import SinkMessage
from podhawk.serve.sinks.plan import plan
from podhawk.serve.sinks.texts import EXAMPLE
from podhawk.settings.resolve import Settings
from podhawk.store.database import open_engine, transaction
from podhawk.store.rows import upsert
from podhawk.store.schema import FINDINGS
from support.processes import HOST

NOW = 1_790_000_000.0
SECRET = "a secret of more than sixteen bytes"


@dataclass
class Receiver:
    """An HTTP server that keeps what is posted to it, and answers as it is told."""

    status: int = 200
    answer: bytes = b'{"text":"Success","code":0}'
    headers: dict[str, str] = field(default_factory=dict)
    bodies: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    hold: threading.Event = field(default_factory=threading.Event)
    """Set: requests are answered. Else they wait."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def json(self) -> list[Any]:
        return [json.loads(body) for _, body in self.bodies]


@contextmanager
def receiver(**members: Any) -> Iterator[Receiver]:
    one = Receiver(**members)
    one.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            one.bodies.append(({name.lower(): value for name, value in self.headers.items()}, body))
            one.hold.wait(30)
            self.send_response(one.status)
            for name, value in {**one.headers, "Content-Length": str(len(one.answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(one.answer)

        def log_message(self, *told: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    one.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


def sink(kind: str = "webhook", name: str = "one", **table_: Any) -> SinkSettings:
    """A sink of the settings `[sinks.NAME]`."""
    if kind == "webhook":
        table_ = {"url": "http://127.0.0.1:9/", "secret": SECRET, **table_}
    values = {"kind": kind, "dry_run": False, **table_}
    (found,) = sinks_of(Settings({}, tables={"sinks": {name: values}}))
    return found


def record(finding_id: str, *, age: float = 0.0, now: float = NOW, **members: Any) -> dict[str, Any]:
    """The record of a finding that is so many seconds old. `actor` and `target` change members of these."""
    from podhawk.detect.report.finding_json import rfc3339

    at = rfc3339(now - age)
    found = {**EXAMPLE.first.record, "finding_id": finding_id, "first_time": at, "last_time": at, "priority": 80}
    found |= {"suppressed_by": None, "cluster": "prod"}
    found["actor"] = {**found["actor"], **members.pop("actor", {})}
    found["target"] = {**found["target"], "name": finding_id, **members.pop("target", {})}
    return {**found, **members}


class Planner:
    """A state with findings, and one sink that is told of them."""

    def __init__(self, folder: Path, settings: SinkSettings) -> None:
        self.state = str(folder)
        self.settings = settings
        table.make_tables(self.state)
        with transaction(open_engine(self.state)) as connection:
            begin_sink(connection, settings.name, dry=settings.dry_run)

    def put(self, *records: dict[str, Any], change: str = "new", rose: bool = True, backfill: bool = False) -> None:
        """Write findings, and say that they have changed."""
        with transaction(open_engine(self.state)) as connection:
            rows = [
                {
                    "finding_id": one["finding_id"],
                    "detection_id": one["detection"]["id"],
                    "kind": one["kind"],
                    "first_time": 0.0,
                    "visible": one["visible"],
                    "priority": one["priority"],
                    "revision": one["revision"],
                    "record": json.dumps(one),
                    "cluster": one["cluster"],
                }
                for one in records
            ]
            upsert(connection, FINDINGS, rows)
            for one in records:
                for old in one["replaces"]:
                    connection.execute(FINDINGS.delete().where(FINDINGS.c.finding_id == old))
            table.put(
                connection,
                [
                    LoggedChange(change, one["finding_id"], NOW, one["cluster"], rose=rose or UNSET, backfill=backfill)
                    for one in records
                ],
            )

    def remove(self, *finding_ids: str) -> None:
        """Remove findings, and say so."""
        with transaction(open_engine(self.state)) as connection:
            connection.execute(FINDINGS.delete().where(FINDINGS.c.finding_id.in_(finding_ids)))
            table.put(connection, [LoggedChange("gone", one, NOW, "prod") for one in finding_ids])

    def plan(self, now: float = NOW) -> Sequence[SinkMessage]:
        """The next messages."""
        found: list[SinkMessage] = []
        more = True
        while more:
            with transaction(open_engine(self.state)) as connection:
                planned = plan(connection, self.settings, now)
            found += planned.messages
            more = planned.more
        return found
