"""Compare podhawk with its peers on one log: `python bench/run.py audit.log [--report FILE] [--content DIR …]`.

All commands run in turn for several rounds on the same file; ratios compare the medians of one call. Peers that are
not installed are skipped and named. Times are of whole processes, including start-up, on a warm page cache.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from detections import write_detections
from measure import Timed

HERE = Path(__file__).resolve().parent
DENSE = "* | stats count by user.username verb objectRef.resource"
SEED = "kubernetes_pod_created_in_default_namespace"
PODHAWK = [sys.executable, "-m", "podhawk"]
PACKAGES = {"duckdb": "duckdb", "polars": "polars", "chdb": "chdb", "sigma_rule_matcher": "sigma-rule-matcher"}


def podhawk_commands(path: str, content: list[str], generated: Path) -> Iterator[Timed]:
    """podhawk, in the ways that are compared."""
    cores = len(os.sched_getaffinity(0))
    added = [part for one in content for part in ("--content", one)]
    rows = [*PODHAWK, "run", "--rows", "-q", "-o", "jsonl"]
    one = ["--jobs", "1"]
    every = [*added, *(["--content", str(HERE.parent / "src" / "podhawk" / "pack")] if added else [])]
    yield Timed("podhawk seed", [*rows, *one, *added, "--only", SEED, path])
    yield Timed("podhawk seed, all cores", [*rows, *added, "--only", SEED, path], cores)
    yield Timed("podhawk everything", [*rows, *one, *every, path])
    yield Timed("podhawk everything, all cores", [*rows, *every, path], cores)
    yield Timed("podhawk everything, findings", [*PODHAWK, "run", "-q", "-o", "jsonl", *one, *every, path])
    yield Timed("podhawk dense", [*PODHAWK, "search", DENSE, "-q", *one, path])
    yield Timed("podhawk dense, all cores", [*PODHAWK, "search", DENSE, "-q", path], cores)
    for number in (10, 1000):
        folder = write_detections(generated / str(number), number)
        yield Timed(f"podhawk {number} generated", [*rows, *one, "--content", str(folder), path])


def peer_commands(path: str, python: str, sigma: str | None) -> tuple[list[Timed], list[str]]:
    """The peers that are here, and the names of those that are not."""
    cores = len(os.sched_getaffinity(0))
    found = [Timed("grep", ["grep", "-c", '"pods"', path])]
    missing = []

    def peer(name: str, which: str, number: int, environment: dict[str, str] | None = None) -> None:
        found.append(Timed(name, [python, str(HERE / "peers.py"), which, path, str(number)], number, environment or {}))

    peer("json.loads dense", "json_dense", 1)
    if shutil.which("jq"):
        peer("jq seed", "jq_seed", 1)
        peer("jq seed, all cores", "jq_seed", cores)
    else:
        missing.append("jq")
    for module, name in (("duckdb", "DuckDB"), ("polars", "Polars"), ("chdb", "chDB")):
        if subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode:
            missing.append(name)
            continue
        for number, label in ((1, ""), (cores, ", all cores")):
            for question in ("dense", "seed"):
                peer(f"{name} {question}{label}", f"{module}_{question}", number, {"POLARS_MAX_THREADS": str(number)})
    if (
        sigma
        and not subprocess.run([python, "-c", "import sigma_rule_matcher"], capture_output=True, check=False).returncode
    ):
        peer("Sigma rules, sigma-rule-matcher", "sigma_rules", 1, {"SIGMA": sigma})
        found.append(
            Timed(
                "Sigma rules, podhawk",
                [*PODHAWK, "run", "--rows", "-q", "-o", "jsonl", "--jobs", "1", "--content", sigma, path],
            )
        )
    else:
        missing.append("sigma-rule-matcher (or --sigma)")
    return found, missing


RATIOS = (
    ("podhawk seed", "grep"),
    ("podhawk everything", "grep"),
    ("podhawk seed, all cores", "jq seed"),
    ("podhawk seed, all cores", "jq seed, all cores"),
    ("podhawk seed, all cores", "Polars seed, all cores"),
    ("podhawk seed, all cores", "chDB seed, all cores"),
    ("podhawk seed, all cores", "DuckDB seed, all cores"),
    ("podhawk dense", "DuckDB dense"),
    ("podhawk dense", "Polars dense"),
    ("podhawk dense", "chDB dense"),
    ("podhawk dense", "json.loads dense"),
    ("podhawk dense, all cores", "DuckDB dense, all cores"),
    ("podhawk everything, findings", "podhawk everything"),
    ("podhawk 1000 generated", "podhawk 10 generated"),
    ("Sigma rules, podhawk", "Sigma rules, sigma-rule-matcher"),
)

WHEN_NOT = (
    "Do not trust numbers from a machine with other load, from a log larger than the page cache, or from rounds "
    "that differ by more than ten percent. Ratios apply to this log only: the time of podhawk depends on the "
    "number of matching events and of rows, the time of grep does not."
)


def report(path: Path, commands: list[Timed], missing: list[str], python: str) -> str:
    """What was measured, as Markdown."""
    found = [one for one in commands if not one.failed]
    by_name = {one.name: one for one in found}
    size = path.stat().st_size
    with path.open("rb") as file:
        events = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    lines = [
        f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores; Python {platform.python_version()}; "
        f"{', '.join(versions(python))}.",
        "",
        f"Log: {path.name}, {size / 1e6:,.0f} MB, {events:,} events, SHA-256 {digest(path)}. "
        f"{len(found[0].seconds)} rounds.",
        "",
        "| command | median s | MB/s | events/s | spread | memory (PSS) |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.name} | {one.median:.2f} | {size / 1e6 / one.median:,.0f} | {events / one.median:,.0f} | "
        f"{one.spread:.0%} | {one.memory:,.0f} MB |"
        for one in found
    ]
    lines += ["", "| command | relative to | speed ratio |", "|---|---|---|"]
    lines += [
        f"| {ours} | {theirs} | {by_name[theirs].median / by_name[ours].median:.2f} |"
        for ours, theirs in RATIOS
        if ours in by_name and theirs in by_name
    ]
    broken = [f"{one.name} ({one.failed})" for one in commands if one.failed]
    lines += ["", WHEN_NOT]
    if broken:
        lines += ["", f"Failed on this log and skipped: {', '.join(broken)}."]
    if missing:
        lines += ["", f"Not installed and skipped: {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


def versions(python: str) -> list[str]:
    """The versions of what was compared."""
    code = (
        "import importlib.metadata as m, sys\nfor one in sys.argv[1:]:\n try: print(one, m.version(one))\n"
        " except m.PackageNotFoundError: pass"
    )
    theirs = subprocess.run([python, "-c", code, *PACKAGES.values()], capture_output=True, text=True, check=True).stdout
    grep = subprocess.run(["grep", "--version"], capture_output=True, text=True, check=False).stdout.splitlines()[:1]
    return [f"podhawk {importlib.metadata.version('podhawk')}", *theirs.splitlines(), *grep]


def digest(path: Path) -> str:
    """The first twelve digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--content", action="append", default=[], help="published content to run with the pack")
    parser.add_argument("--sigma", help="folder of Sigma rules for the audit log")
    parser.add_argument("--peers", default=sys.executable, help="Python of the peers (default: this one)")
    parser.add_argument("--only", action="append", default=[], help="prefix of command names (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as generated:
        peers, missing = peer_commands(str(given.path), given.peers, given.sigma)
        commands = [*peers, *podhawk_commands(str(given.path), given.content, Path(generated))]
        if given.only:
            commands = [one for one in commands if one.name == "grep" or one.name.startswith(tuple(given.only))]
        for _ in range(given.rounds):
            for command in commands:
                command.run()
    text = report(given.path, commands, missing, given.peers)
    print(text)
    if given.report:
        given.report.write_text(text + "\n" + json.dumps({one.name: one.seconds for one in commands}) + "\n")


if __name__ == "__main__":
    main()
