"""Load for `podhawk serve`: distinct audit events over the webhook, and what they cost.

    python bench/serve_load.py LOG [--rate EVENTS/S] [--seconds N] [--connections N]

LOG is an audit log of which lines are taken; each event gets an audit id and times of its own, so that no two are
alike. The load is made by other processes, whose CPU is not counted. Prints events per second, answers by status, CPU
of the server, of the evaluator and of sealing per event beside that of `podhawk run` over the same events, lag from the
last byte of a request to the commit of its findings, and memory over the time: it should stay flat.
"""

from __future__ import annotations

import argparse
import atexit
import gzip
import http.client
import json
import multiprocessing
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BATCH = 400
SAMPLE = 10.0
MOST_RUN = 400_000
"""Events that `podhawk run` is given to compare with."""
HOST = "127.0.0.1"
_ID = re.compile(rb'"auditID":"[^"]*"')
_TIME = re.compile(rb'("(?:requestReceivedTimestamp|stageTimestamp)"):"[^"]*"')


def batch_of(lines: list[bytes], number: int) -> bytes:
    """A body of events that no other body has."""
    items = items_of(lines, number, b",")
    return b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + items + b"]}"


def items_of(lines: list[bytes], number: int, between: bytes) -> bytes:
    """The events of a body."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
    chosen = [lines[(number * BATCH + place) % len(lines)] for place in range(BATCH)]
    return between.join(
        _TIME.sub(rb'\1:"' + now + b'"', _ID.sub(b'"auditID":"load-%d-%d"' % (number, place), line, count=1))
        for place, line in enumerate(chosen)
    )


def load(port: int, token: str, log: str, first: int, step: int, rate: float, end: float, told: Any) -> None:
    """Send batches until a time, at most so many events a second."""
    lines = lines_of(log)
    statuses: Counter[int] = Counter()
    number, begun, sent = first, time.time(), 0
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    while time.time() < end:
        body = batch_of(lines, number)
        try:
            connection.request(
                "POST", f"/audit/load/cp-{first}?timeout=30s", body, {"Authorization": f"Bearer {token}"}
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            statuses[0] += 1
            continue
        statuses[answer.status] += 1
        if answer.status == 200:
            number, sent = number + step, sent + BATCH
        else:
            time.sleep(1)
        if rate:
            time.sleep(max(0.0, begun + sent / rate - time.time()))
    told.put((sent, statuses))


def lines_of(log: str) -> list[bytes]:
    data = Path(log).read_bytes()
    return (gzip.decompress(data) if log.endswith(".gz") else data).splitlines()[:40_000]


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> int:
    """The proportional memory of a process, in megabytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("Pss:"))


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def sealed(state: str) -> float:
    """The CPU seconds that sealing all events takes."""
    from podhawk.serve.lake.seal import seal
    from podhawk.store.inbox_files import INBOX, segments
    from podhawk.store.lake import Manifest

    start = time.process_time()
    manifest = Manifest(state)
    manifest.make()
    for segment in segments(Path(state) / INBOX):
        seal(segment, manifest)
    return time.process_time() - start


def metrics(port: int, token: str) -> dict[str, float]:
    asked = urllib.request.Request(f"http://{HOST}:{port}/metrics", headers={"Authorization": f"Bearer {token}"})
    found: Counter[str] = Counter()
    for line in urllib.request.urlopen(asked).read().decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name if "le=" in name else name.split("{")[0]] += float(value)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log")
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--connections", type=int, default=3)
    given = parser.parse_args()
    from podhawk.serve.tokens import SCOPES, Token, new_token

    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        token = new_token(Path(folder) / "tokens.json", Token("load", ("*",), SCOPES))
        free.bind((HOST, 0))
        port = free.getsockname()[1]
        free.close()
        server = subprocess.Popen(
            [sys.executable, "-m", "podhawk", "serve", "--quiet", "--state", folder, "--listen", f"{HOST}:{port}"]
        )
        while True:
            time.sleep(0.5)
            try:
                if json.load(urllib.request.urlopen(f"http://{HOST}:{port}/readyz"))["evaluator"] == "ready":
                    break
            except OSError:
                continue
        atexit.register(server.kill)
        evaluator = next(one for one in children_of(server.pid) if "evaluator" in command_of(one))
        before = cpu_of(server.pid), cpu_of(evaluator)
        told: Any = multiprocessing.Queue()
        end = time.time() + given.seconds
        senders = [
            multiprocessing.Process(
                target=load,
                args=(port, token, given.log, number, given.connections, given.rate / given.connections, end, told),
            )
            for number in range(given.connections)
        ]
        started = time.time()
        for one in senders:
            one.start()
        samples = [(memory_of(server.pid), memory_of(evaluator))]
        while time.time() < end - SAMPLE:
            time.sleep(SAMPLE)
            samples.append((memory_of(server.pid), memory_of(evaluator)))
        results = [told.get() for _ in senders]
        took = time.time() - started
        sent = sum(count for count, _ in results)
        while metrics(port, token)["podhawk_events_waiting"]:
            time.sleep(0.5)
        drained = time.time() - started
        now = metrics(port, token)
        used = cpu_of(server.pid) - before[0], cpu_of(evaluator) - before[1]
        samples.append((memory_of(server.pid), memory_of(evaluator)))
        server.terminate()
        server.wait()
        sealing = sealed(folder)
        log = Path(folder) / "same.log"
        lines = lines_of(given.log)
        alike = min(sent // BATCH + 1, MOST_RUN // BATCH)
        log.write_bytes(b"".join(items_of(lines, number, b"\n") + b"\n" for number in range(alike)))
        start = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "podhawk", "run", "--jobs", "1", "--quiet", "-o", "jsonl", str(log)],
            stdout=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = after.ru_utime + after.ru_stime - start.ru_utime - start.ru_stime
        run *= sent / (alike * BATCH)
    statuses = sum((statuses for _, statuses in results), Counter())
    print(f"acknowledged: {sent:,} events in {took:.1f} s, {sent / took:,.0f} a second; answers {dict(statuses)}")
    print(f"evaluated after {drained:.1f} s, {sent / drained:,.0f} events a second")
    parts = [1e6 * one / max(sent, 1) for one in (*used, sealing)]
    run_cpu = 1e6 * run / max(sent, 1)
    print(
        "CPU per event: server {:.1f} us, evaluator {:.1f} us, sealing {:.1f} us".format(*parts)
        + f"; run {run_cpu:.1f} us; ratio {sum(parts) / run_cpu:.2f}"
    )
    count = now["podhawk_event_lag_seconds_count"]
    bounds = sorted((float(name.split('"')[1]), value) for name, value in now.items() if "le=" in name)
    late = next((bound for bound, value in bounds if value >= 0.99 * count), float("inf"))
    print(f"lag: mean {now['podhawk_event_lag_seconds_sum'] / max(count, 1):.2f} s, 99th percentile at most {late:g} s")
    for name, values in zip(("server", "evaluator"), zip(*samples, strict=True), strict=True):
        print(f"memory of the {name} (PSS in MB, every {SAMPLE:.0f} s): {' '.join(map(str, values))}")


if __name__ == "__main__":
    main()
