"""podhawk beside its peers on one log, in one go: `python bench/run.py audit.log [--content DIR] [--report FILE]`.

Every command runs in turn, several rounds, on the same file; a ratio compares the medians of one call. Peers that
are not installed are left out and named. Times are of whole processes, start-up included, on a warm page cache.
When not to trust a number: on a machine that does other work, on a file that does not fit the page cache, or where
the rounds differ by more than a tenth.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

DENSE = "* | stats count by user.username verb objectRef.resource"
SEED = "kubernetes_pod_created_in_default_namespace"
_LOOP = """
import json, sys
counts = {}
for line in open(sys.argv[1], "rb"):
    event = json.loads(line)
    key = (event.get("user", {}).get("username"), event.get("verb"), event.get("objectRef", {}).get("resource"))
    counts[key] = counts.get(key, 0) + 1
print(len(counts))
"""
_DUCKDB = """
import duckdb, sys
base = duckdb.connect()
base.execute(f"set threads={sys.argv[2]}")
print(len(base.execute('''select "user".username, verb, objectRef.resource, count(*) from read_json(?,
    format='newline_delimited', maximum_object_size=33554432, columns={verb: 'VARCHAR',
    "user": 'STRUCT(username VARCHAR)', objectRef: 'STRUCT(resource VARCHAR)'}) group by all''',
    [sys.argv[1]]).fetchall()))
"""
_JQ = 'select(.verb=="create" and .objectRef.resource=="pods") | .auditID'


@dataclass
class Runner:
    """A command to time; `cores` is how many it may use."""

    name: str
    command: list[str]
    cores: int = 1
    seconds: list[float] = field(default_factory=list)

    def run(self) -> None:
        pinned = ["taskset", "-c", ",".join(map(str, range(self.cores))), *self.command]
        started = time.perf_counter()
        done = subprocess.run(pinned, stdout=subprocess.DEVNULL if self.name != "grep" else subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        self.seconds.append(time.perf_counter() - started)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{self.name} failed: {done.stderr.decode()[-500:]}")

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def installed(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def runners(path: str, content: str | None) -> tuple[list[Runner], list[str]]:
    """The commands, and the names of peers that are not here."""
    podhawk = [sys.executable, "-m", "podhawk.cli"]
    chosen = ["--content", content] if content else []
    cores = len(os.sched_getaffinity(0))
    found = [
        Runner("grep", ["grep", "-c", '"pods"', path]),
        Runner("podhawk seed", [*podhawk, "run", "--rows", "-q", "-o", "jsonl", "--jobs", "1", *chosen, "--only", SEED,
                                path]),
        Runner("podhawk pack", [*podhawk, "run", "--rows", "-q", "-o", "jsonl", "--jobs", "1", path]),
        Runner("podhawk pack, all cores", [*podhawk, "run", "--rows", "-q", "-o", "jsonl", path], cores),
        Runner("podhawk dense", [*podhawk, "search", DENSE, "-q", "--jobs", "1", path]),
        Runner("podhawk dense, all cores", [*podhawk, "search", DENSE, "-q", path], cores),
        Runner("json.loads dense", [sys.executable, "-c", _LOOP, path]),
    ]
    missing = []
    if shutil.which("jq"):
        found.append(Runner("jq", ["jq", "-c", _JQ, path]))
    else:
        missing.append("jq")
    if installed("duckdb"):
        found.append(Runner("DuckDB dense", [sys.executable, "-c", _DUCKDB, path, "1"]))
        found.append(Runner("DuckDB dense, all cores", [sys.executable, "-c", _DUCKDB, path, str(cores)], cores))
    else:
        missing.append("duckdb")
    return found, missing


RATIOS = (("podhawk seed", "grep"), ("podhawk pack", "grep"), ("podhawk dense", "DuckDB dense"),
          ("podhawk dense, all cores", "DuckDB dense, all cores"), ("podhawk dense", "json.loads dense"),
          ("podhawk seed", "jq"))


def report(path: Path, found: list[Runner], missing: list[str]) -> str:
    """A Markdown report."""
    by_name = {one.name: one for one in found}
    size = path.stat().st_size / 1e6
    lines = [f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; {path.name}, "
             f"{size:,.0f} MB; {len(found[0].seconds)} rounds", "", "| command | median s | MB/s | spread |",
             "|---|---|---|---|"]
    for one in found:
        spread = (max(one.seconds) - min(one.seconds)) / one.median
        lines.append(f"| {one.name} | {one.median:.2f} | {size / one.median:,.0f} | {spread:.0%} |")
    lines += ["", "| ratio | times its speed |", "|---|---|"]
    for ours, theirs in RATIOS:
        if ours in by_name and theirs in by_name:
            lines.append(f"| {ours} / {theirs} | {by_name[theirs].median / by_name[ours].median:.2f} |")
    if missing:
        lines += ["", f"Not installed, so left out: {', '.join(missing)}."]
    lines += ["", f"Largest memory of one process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} "
              "MB (of any command above)."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--content", help="published content for the seed detection; default: the shipped pack")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    commands, absent = runners(str(given.path), given.content)
    for _ in range(given.rounds):
        for command in commands:
            command.run()
    text = report(given.path, commands, absent)
    print(text)
    if given.report:
        given.report.write_text(text + json.dumps({one.name: one.seconds for one in commands}) + "\n")
