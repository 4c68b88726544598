"""What an increment costs beside many kept findings, compared with the same increment beside none.

    python bench/increments.py --kept 20000 --new 1000

Makes a log of ordinary work, takes it into a state in pieces, and then runs increments of `--new` events, half of them
of one account that has made a tenth of everything before. The same increments run over an empty state. The line says
the processor time of each, the ratio of the medians, and the size of the state.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

PIECE = 20_000
"""Events of one run that fills the state."""
START = 1_795_000_000.0
CONTENT = """\
name: Pod Created
id: 7b1f6d1e-0000-4000-8000-000000000001
version: 1
type: Anomaly
status: production
search: verb=create objectRef.resource=pods | table user.username objectRef.namespace
rba: {message: $user.username$ made a pod, risk_objects: [{field: user.username, type: user, score: 20}]}
---
name: Secret Read
id: 7b1f6d1e-0000-4000-8000-000000000002
version: 1
type: Anomaly
status: production
search: verb=get objectRef.resource=secrets | table user.username objectRef.namespace
rba: {message: $user.username$ read a secret, risk_objects: [{field: user.username, type: user, score: 20}]}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", type=int, default=20_000, help="events, each of which is a finding, in the state")
    parser.add_argument("--new", type=int, default=1_000, help="events of an increment")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--users", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="podhawk-bench-") as folder:
        root = Path(folder)
        (root / "content.yml").write_text(CONTENT)
        events = made(Random(1), options.users)
        for start in range(0, options.kept, PIECE):
            run(root, "beside", [next(events) for _ in range(min(PIECE, options.kept - start))])
        beside, alone = [], []
        hot = made(Random(2), options.users, hot=2)
        for _ in range(options.rounds):
            piece = [next(hot) for _ in range(options.new)]
            beside.append(run(root, "beside", piece))
            alone.append(run(root, "alone", piece))
        size = (root / "beside" / "podhawk.db").stat().st_size
    ratio = statistics.median(beside) / statistics.median(alone)
    print(
        f"{options.new:,} new events: {statistics.median(beside):.2f} s beside {options.kept:,} findings, "
        f"{statistics.median(alone):.2f} s beside none: {ratio:.2f} times; {size / 1e6:.0f} MB of state, "
        f"load {os.getloadavg()[0]:.1f}"
    )


def made(random: Random, users: int, hot: int = 10) -> Iterator[dict[str, Any]]:
    """Events without end; one in `hot` is of the same account."""
    number, second = 0, START + (0 if hot == 10 else 80_000)
    while True:
        number += 1
        second += random.random() * 2
        busy = number % hot == 0
        user = "busy" if busy else f"user{random.randrange(users)}"
        pod = random.random() < 0.5
        yield {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": f"{hot}-{number}",
            "stage": "ResponseComplete",
            "requestURI": "/api/v1/namespaces/shop/" + ("pods" if pod else "secrets/s"),
            "verb": "create" if pod else "get",
            "user": {"username": user, "groups": ["system:authenticated"]},
            "sourceIPs": ["10.0.0.7"],
            "userAgent": "app/1",
            "objectRef": {"resource": "pods" if pod else "secrets", "namespace": "shop", "name": "x"},
            "responseStatus": {"code": 201 if pod else 200},
            "requestReceivedTimestamp": at(second),
            "stageTimestamp": at(second + 0.01),
        }


def at(second: float) -> str:
    """A time as an API server writes it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def run(root: Path, state: str, events: list[dict[str, Any]]) -> float:
    """The processor seconds of one run over events, start-up included."""
    log = root / "piece.log"
    log.write_text("".join(json.dumps(one) + "\n" for one in events))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "podhawk", "run", "-q", "--jobs", "1", "-o", "jsonl", str(log)]
    subprocess.run(
        [*command, "--content", str(root / "content.yml"), "--state", str(root / state)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
