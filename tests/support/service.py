"""`podhawk serve` as its users run it: a process of its own, and requests over HTTP."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from podhawk.serve.tokens import SCOPES, Token, new_token
from support.processes import HOST, free_port, wait_for

SECONDS = 60.0
"""For a service to start, and for an evaluator to catch up, on a machine that is busy with other tests."""


@dataclass
class Service:
    """A service with a folder of its own. It can be killed and started again."""

    folder: Path
    options: Sequence[object] = ()
    port: int = 0
    token: str = ""
    scheme: str = "http"
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    directory: Path | None = None
    """Where it is started, and so looks for podhawk.toml."""

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        if not self.token:
            self.token = self.new_token("all")

    def new_token(self, name: str, clusters: tuple[str, ...] = ("*",), **members: Any) -> str:
        members.setdefault("scopes", SCOPES)
        return new_token(self.folder / "tokens.json", Token(name, clusters, **members))

    @property
    def url(self) -> str:
        return f"{self.scheme}://{HOST}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start the service, and wait until it answers."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "podhawk", "serve", "--quiet", "--state", str(self.folder)),
                    *("--listen", f"{HOST}:{self.port}", "--free-disk", "1M", *map(str, self.options)),
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                cwd=self.directory,
                start_new_session=True,
            )
        wait_for(self.answers, SECONDS, f"the service: {self.log}")

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            return httpx.get(f"{self.url}/livez", verify=False, timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self, *, everything: bool = False) -> None:
        """End the server as a lack of memory would; its evaluator ends by itself. `everything` ends both, as a loss of
        power would."""
        assert self.process is not None
        if everything:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def age_inbox(self) -> None:
        """Make the files of the inbox an hour older. The service must not run; it begins a new file then, and seals the
        others."""
        for path in (self.folder / "inbox").glob("inbox-*.db"):
            with sqlite3.connect(path) as connection:
                connection.execute("UPDATE about SET opened = opened - 3600")

    def post(self, path: str, body: bytes | str, **headers: str) -> httpx.Response:
        return httpx.post(self.url + path, content=body, headers={**self.headers, **headers}, timeout=30, verify=False)

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return httpx.get(self.url + path, params=parameters, headers=self.headers, timeout=30, verify=False)

    def ledger(self) -> dict[str, dict[str, Any]]:
        return {one["sender"]: one for one in self.get("/api/v1/ledger").json()["senders"]}

    def metric(self, name: str) -> float:
        """The sum of the samples of a metric."""
        lines = self.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def wait_until_evaluated(self, seconds: float = SECONDS) -> None:
        wait_for(lambda: not any(one["waiting"] for one in self.ledger().values()), seconds, f"evaluation: {self.log}")

    def findings(self) -> list[dict[str, Any]]:
        """All findings, by pages."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get("/api/v1/findings", limit=500, **cursor).json()
            found += page["findings"]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}


@contextmanager
def service(folder: Path, *options: object, token: str = "", **environment: str) -> Iterator[Service]:
    """A service that runs until the block ends."""
    folder.mkdir(exist_ok=True)
    made = Service(folder, options, token=token, environment=environment)
    made.start()
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.process.terminate()
            try:
                made.process.wait(30)
            except subprocess.TimeoutExpired:
                made.process.kill()


def event_list(events: Sequence[Any]) -> bytes:
    """The body of an audit webhook."""
    items = b",".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in events)
    return b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[' + items + b"]}"


def taken(account: dict[str, Any]) -> dict[str, Any]:
    """An account in which it does not matter how much has been evaluated so far."""
    return {**account, "evaluated": account["evaluated"] + account["waiting"], "waiting": 0}


def balanced(account: dict[str, Any]) -> bool:
    """Whether everything that a sender sent is accounted for."""
    accounted = sum(account[name] for name in ("evaluated", "waiting", "dead_lettered", "repeated"))
    return account["received"] == accounted + sum(account["rejected"].values())
