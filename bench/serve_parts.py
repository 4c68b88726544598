"""Compare ASGI frameworks and servers as parts of `podhawk serve`: requests per second and CPU per request.

Each pair runs in a process of its own. The application reads a body as a stream, as a receiver does, and answers with
its length. Small bodies show the cost of a request, large ones that of a byte. The load comes from this process, whose
CPU is not counted.

    python bench/serve_parts.py [SECONDS]

Needs the packages that are compared: pip install litestar falcon uvicorn httptools uvloop granian hypercorn
"""

from __future__ import annotations

import http.client
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

FRAMEWORKS = ("litestar", "falcon")
SERVERS = ("uvicorn", "granian", "hypercorn")
BODIES = (200, 500_000)
CONNECTIONS = 4


def litestar_app() -> Any:
    from litestar import Litestar, Request, post

    @post("/audit/{cluster:str}/{instance:str}", status_code=200, request_max_body_size=None)
    async def take(cluster: str, instance: str, request: Request[Any, Any, Any]) -> dict[str, int]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        return {"size": size}

    return Litestar([take], openapi_config=None)


def falcon_app() -> Any:
    import falcon.asgi

    class Take:
        async def on_post(self, request: Any, response: Any, cluster: str, instance: str) -> None:
            size = 0
            async for chunk in request.stream:
                size += len(chunk)
            response.media = {"size": size}

    app = falcon.asgi.App()
    app.add_route("/audit/{cluster}/{instance}", Take())
    return app


def app() -> Any:
    """The application that the variable FRAMEWORK names."""
    return {"litestar": litestar_app, "falcon": falcon_app}[os.environ["FRAMEWORK"]]()


def command(server: str, port: int) -> list[str]:
    """The command that serves `app`."""
    place = ["--host", "127.0.0.1", "--port", str(port)]
    return {
        "uvicorn": ["-m", "uvicorn", "serve_parts:app", "--factory", *place, "--no-access-log", "--log-level", "error"],
        "granian": ["-m", "granian", "serve_parts:app", "--interface", "asgi", "--factory", *place],
        "hypercorn": [
            "-m",
            "hypercorn",
            "--bind",
            f"127.0.0.1:{port}",
            "--worker-class",
            "uvloop",
            "serve_parts:app()",
        ],
    }[server]


def measure(framework: str, server: str, body: int, seconds: float) -> tuple[float, float, float]:
    """Requests per second, CPU milliseconds of the server per request, and the 99th percentile in milliseconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "FRAMEWORK": framework, "PYTHONPATH": str(Path(__file__).parent)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen([sys.executable, *command(server, port)], env=environment, stdout=subprocess.DEVNULL)
    took: list[float] = []
    try:
        _wait(port)
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=_load, args=(port, body, end, took)) for _ in range(CONNECTIONS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        process.terminate()
        process.wait(10)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took.sort()
    return len(took) / seconds, used * 1000 / len(took), took[len(took) * 99 // 100] * 1000


def _load(port: int, size: int, end: float, took: list[float]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = b"x" * size
    while (start := time.monotonic()) < end:
        connection.request("POST", "/audit/prod/cp-1?timeout=30s", body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        took.append(time.monotonic() - start)


def _wait(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    print(f"{'framework':10} {'server':10} {'body':>9} {'requests/s':>11} {'CPU ms':>8} {'p99 ms':>8}")
    for body in BODIES:
        for framework in FRAMEWORKS:
            for server in SERVERS:
                rate, cpu, late = measure(framework, server, body, seconds)
                print(f"{framework:10} {server:10} {body:>9,} {rate:>11,.0f} {cpu:>8.2f} {late:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
