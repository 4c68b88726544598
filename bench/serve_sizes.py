"""What events take on the disk: the inbox, the lake and the state of `podhawk serve`, for a million events.

    python bench/serve_sizes.py LOG [--events N]

LOG is an audit log, of which the first N events are sent to a service of its own over the webhook. When they have been
evaluated, the service is started again with an inbox that is an hour older, so that everything goes into the lake.
Prints bytes per million events, and seconds of CPU of server and evaluator for a million.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.processes import wait_for
from support.service import Service, event_list

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(group: int) -> float:
    """Seconds of CPU of the processes of a group."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def size_of(folder: Path, pattern: str) -> int:
    """Bytes of files."""
    return sum(one.stat().st_size for one in folder.glob(pattern) if one.is_file())


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log")
    parser.add_argument("--events", type=int, default=50_000)
    chosen = parser.parse_args()
    opened = gzip.open if chosen.log.endswith(".gz") else open
    with opened(chosen.log, "rb") as file:
        lines = [line.rstrip() for _, line in zip(range(chosen.events), file, strict=False)]
    with tempfile.TemporaryDirectory() as folder:
        live = Service(Path(folder))
        live.start()
        assert live.process is not None
        wait_for(lambda: live.get("/readyz").json()["evaluator"] == "ready", 60, live.log)
        idle, started = cpu_of(live.process.pid), time.monotonic()
        for start in range(0, len(lines), 400):
            assert live.post("/audit/prod/cp-1", event_list(lines[start : start + 400])).status_code == 200
        sent = time.monotonic() - started
        live.wait_until_evaluated(600)
        spent, took = cpu_of(live.process.pid) - idle, time.monotonic() - started
        inbox = live.metric("podhawk_inbox_bytes")
        live.stop()
        live.age_inbox()
        live.start()
        wait_for(lambda: live.metric("podhawk_lake_events") >= len(lines), 300, live.log)
        live.stop()
        per = 1_000_000 / len(lines)
        findings = size_of(live.folder, "podhawk.db*")
        size = sum(map(len, lines)) / len(lines)
        print(f"{len(lines):,} events of {size:,.0f} bytes, sent in {sent:.1f} s, done in {took:.1f} s")
        print(f"CPU: {spent * per:,.0f} s for a million events: {len(lines) / spent:,.0f} events a second on one core")
        for name, size in (
            ("inbox", inbox),
            ("lake", size_of(live.folder, "lake/*/*/*.json.gz")),
            ("state", findings),
        ):
            print(f"{name}: {size * per / 1e6:,.0f} MB for a million events")


if __name__ == "__main__":
    main()
