"""How long the pages of the console take beside many findings.

    python bench/console_pages.py --findings 100000 --rounds 5 [--live 200]

Makes a state as `beside_many.py` does, starts `podhawk serve` over it, signs in as an admin, and follows the links of
every page, a few of each kind, as somebody would who clicks on everything. Prints for each kind of page the median and
the longest time from request to answer, the slowest first. With `--live`, so many new findings a second are sent to the
webhook meanwhile. `--keep FOLDER` keeps the state for the next time.
"""

from __future__ import annotations

import argparse
import atexit
import html
import http.client
import json
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter, defaultdict, deque
from pathlib import Path
from typing import Final

from beside_many import filled, made

from podhawk.content.load import load_content, shipped_pack
from podhawk.serve.console.accounts import Accounts
from podhawk.serve.console.database import ConsoleDatabase
from podhawk.serve.tokens import SCOPES, Token, new_token

HOST: Final = "127.0.0.1"
PASSWORD: Final = "seven grey herons fly"
OF_A_KIND: Final = 3
"""Pages that are visited of one path whose queries have the same names."""
OF_A_PATH: Final = 60
"""Pages that are visited of one path."""
SLOW: Final = 0.3
"""Seconds from which on a page is told at once."""
STARTS: Final = (
    "/queue",
    "/queue?rows=findings",
    "/identities",
    "/hunt",
    "/content",
    "/coverage",
    "/health",
    "/people",
)
_ID: Final = re.compile(r"(?<=/)(?:[0-9a-f-]{8,}|[^/?]*%[^/?]*)(?=/|$)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--live", type=float, default=0.0, help="findings a second that come meanwhile")
    parser.add_argument("--keep", type=Path, help="a folder that holds the state, or that is to hold it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="podhawk-bench-") as folder:
        state = (options.keep or Path(folder)) / "many"
        if not (state / "podhawk.db").is_file():
            filled(load_content([shipped_pack()]), state, Path(folder), options.findings)
        token = new_token(state / "tokens.json", Token(f"bench {time.time()}", ("*",), SCOPES))
        name = f"bench{time.time():.0f}"
        database = ConsoleDatabase(state)
        accounts = Accounts(database)
        accounts.accept(accounts.invite(name, "admin", ("*",), time.time()), name, PASSWORD, time.time())
        database.close()
        browser = Browser(served(state))
        browser.sign_in(name)
        while browser.is_behind():
            time.sleep(1)
        if options.live:
            threading.Thread(target=send, args=(browser.port, token, options.live), daemon=True).start()
        measured(browser, options.rounds)


def served(state: Path) -> int:
    """Start the service, and wait until it answers; gives its port."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "podhawk", "serve", "--quiet", "--state", str(state), "--listen", f"{HOST}:{port}"]
    server = subprocess.Popen(command)
    atexit.register(server.terminate)
    while True:
        try:
            connection = http.client.HTTPConnection(HOST, port, timeout=10)
            connection.request("GET", "/readyz")
            if json.load(connection.getresponse())["evaluator"] == "ready":
                return port
        except OSError:
            pass
        time.sleep(0.5)


class Browser:
    """Requests with the cookies of one session."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._cookies: dict[str, str] = {}
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)

    def get(self, path: str) -> tuple[int, str, float]:
        """The status and text of a page, and the seconds that it took."""
        return self._asked("GET", path, None)

    def _asked(self, method: str, path: str, form: dict[str, str] | None) -> tuple[int, str, float]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        start = time.perf_counter()
        self._connection.request(method, path, urllib.parse.urlencode(form or {}) if form else None, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode(errors="replace")
        took = time.perf_counter() - start
        for value in answer.headers.get_all("Set-Cookie") or ():
            name, _, rest = value.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        return answer.status, text, took

    def sign_in(self, name: str) -> None:
        """Sign in, as somebody does in a browser."""
        found = re.search(r'name="_csrf" value="([^"]+)"', self.get("/sign-in")[1])
        assert found is not None
        status, text, _ = self._asked("POST", "/sign-in", {"_csrf": found[1], "name": name, "password": PASSWORD})
        assert status == 303, text

    def is_behind(self) -> bool:
        """Whether findings are not in the table of the queue yet."""
        return "are still being read" in self.get("/queue")[1]


def measured(browser: Browser, rounds: int) -> None:
    """Visit the pages, and print how long they took."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    slowest: dict[str, str] = {}
    visited: defaultdict[str, set[str]] = defaultdict(set)
    of_path: Counter[str] = Counter()
    left = deque(STARTS)
    while left:
        path = left.popleft()
        kind = kind_of(path)
        place = kind.partition("?")[0]
        if path in visited[kind] or len(visited[kind]) >= OF_A_KIND or of_path[place] >= OF_A_PATH:
            continue
        of_path[place] += 1
        visited[kind].add(path)
        for _ in range(rounds):
            status, text, took = browser.get(path)
            assert status == 200, (status, path, text[:500])
            if took > max(times[kind], default=0.0):
                slowest[kind] = path
            times[kind].append(took)
            if took > SLOW:
                print(f"{1e3 * took:.0f} ms: {path}", file=sys.stderr)
        left.extend(links(text))
    print(f"{'median ms':>9} {'longest':>8} {'pages':>5}  kind of page (the slowest one)")
    for kind, some in sorted(times.items(), key=lambda item: -max(item[1])):
        numbers = f"{1e3 * statistics.median(some):9.0f} {1e3 * max(some):8.0f} {len(visited[kind]):5}"
        print(f"{numbers}  {kind} ({slowest[kind]})")


def kind_of(path: str) -> str:
    """A page without what it is about, and the names of what its URL asks for."""
    place, _, query = path.partition("?")
    names = sorted({name for name, _ in urllib.parse.parse_qsl(query)})
    return _ID.sub("…", place) + (f"?{'&'.join(names)}" if names else "")


def links(text: str) -> list[str]:
    """The places of this console that a page leads to, and the parts that it loads."""
    found = re.findall(r'(?:href|hx-get)="(/[^"#]*)', text)
    return [one for one in map(html.unescape, found) if not one.startswith(("/static", "/sign-out", "/api"))]


def send(port: int, token: str, rate: float) -> None:
    """Send findings to the webhook, a batch each second."""
    events = made(random.Random(time.time()), 10, time.time(), f"live{time.time():.0f}")
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    headers = {"Authorization": f"Bearer {token}"}
    while True:
        body = json.dumps(
            {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [next(events) for _ in range(round(rate))]}
        )
        start = time.monotonic()
        connection.request("POST", "/audit/live/cp-1", body, headers)
        connection.getresponse().read()
        time.sleep(max(0.0, start + 1 - time.monotonic()))


if __name__ == "__main__":
    main()
