"""Compare two checkouts of podhawk on the same logs: `python bench/compare.py BEFORE AFTER LOG … [--content DIR]`.

Both run the same command on the same log in turn. `--content` is the content of both, so that only the code differs;
`--content-of-after` gives the second checkout content of its own. Measured are the CPU time of the whole process,
start-up included, its peak memory (RSS), and with `--instructions` the instructions of a run under valgrind, which do
not depend on other load. With `--wall` all cores are used, and the time is that on the clock. Before the rounds each
checkout runs once, so that byte code and the content cache are there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

COUNTED = re.compile(rb"I\s+refs:\s+([\d,]+)")


@dataclass
class Checkout:
    """A checkout with the content that it runs, and of that the detections `only`; `cpu` are seconds, of the clock with
    `wall`, and `memory` MB, one for each round."""

    name: str
    folder: Path
    content: Path
    only: tuple[str, ...] = ()
    wall: bool = False
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    instructions: int = 0

    def command(self, log: Path) -> list[str]:
        """The command that is measured: findings as JSON lines."""
        options = ["--content", str(self.content), *(part for name in self.only for part in ("--only", name))]
        options += [] if self.wall else ["--jobs", "1"]
        return [sys.executable, "-m", "podhawk", "run", "-q", "-o", "jsonl", *options, str(log)]

    def environment(self, cache: str) -> dict[str, str]:
        """Where Python finds this checkout. The hash seed is fixed, because instructions depend on it."""
        source = str((self.folder / "src").resolve())
        return {**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": "0", "XDG_CACHE_HOME": cache}

    def run(self, log: Path, cache: str) -> None:
        """Run once and add what was measured. Raises SystemExit if the command fails."""
        began = time.monotonic()
        done = subprocess.Popen(
            self.command(log), env=self.environment(cache), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert done.stderr is not None
        said = done.stderr.read().decode("utf-8", "replace")
        _, status, used = os.wait4(done.pid, 0)
        done.returncode = os.waitstatus_to_exitcode(status)
        if done.returncode:
            raise SystemExit(f"{self.folder}: exit code {done.returncode}: {said.strip()[-300:]}")
        took = time.monotonic() - began
        self.cpu.append(took if self.wall else used.ru_utime + used.ru_stime)
        self.memory.append(used.ru_maxrss / 1024)

    def count(self, log: Path, cache: str) -> None:
        """Count the instructions of a run."""
        counter = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
        done = subprocess.run(
            [*counter, *self.command(log)], env=self.environment(cache), capture_output=True, check=False
        )
        found = COUNTED.search(done.stderr)
        if done.returncode or found is None:
            raise SystemExit(f"{self.folder}: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}")
        self.instructions = int(found[1].replace(b",", b""))


def compare(log: Path, both: tuple[Checkout, Checkout], rounds: int, instructions: bool) -> str:
    """A row of the table for a log."""
    with tempfile.TemporaryDirectory() as cache:
        for one in both:
            one.run(log, cache)
            one.cpu.clear()
            one.memory.clear()
        for number in range(rounds):
            for one in both if number % 2 == 0 else both[::-1]:
                one.run(log, cache)
        for one in both if instructions else ():
            one.count(log, cache)
    before, after = both
    pairs = [mine / theirs for mine, theirs in zip(after.cpu, before.cpu, strict=True)]
    cells = [
        log.name,
        f"{statistics.median(before.cpu):.2f}",
        f"{statistics.median(after.cpu):.2f}",
        f"{min(after.cpu) / min(before.cpu):.2f}",
        f"{statistics.median(pairs):.2f}",
        f"{statistics.median(after.memory) / statistics.median(before.memory):.2f}",
        f"{after.instructions / before.instructions:.3f}" if instructions else "",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="a checkout of podhawk")
    parser.add_argument("after", type=Path, help="the other one")
    parser.add_argument("logs", type=Path, nargs="+")
    parser.add_argument("--content", type=Path, help="the content of both (default: the pack of BEFORE)")
    parser.add_argument("--content-of-after", type=Path, help="the content of AFTER (default: that of both)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--instructions", action="store_true", help="count instructions with valgrind, which is slow")
    parser.add_argument("--only", action="append", default=[], help="a detection, as `podhawk run --only` takes it")
    parser.add_argument("--wall", action="store_true", help="use all cores, and measure the time on the clock")
    given = parser.parse_args()
    if given.instructions and shutil.which("valgrind") is None:
        parser.error("--instructions needs valgrind")
    content = given.content or given.before / "src" / "podhawk" / "pack"
    unit = "s" if given.wall else "CPU s"
    print(f"| log | before, {unit} | after, {unit} | ratio of the best | median of ratios | peak RAM | instructions |")
    print("|---|---|---|---|---|---|---|")
    for log in given.logs:
        before = Checkout("before", given.before, content, tuple(given.only), given.wall)
        after = Checkout("after", given.after, given.content_of_after or content, tuple(given.only), given.wall)
        print(compare(log, (before, after), given.rounds, given.instructions), flush=True)


if __name__ == "__main__":
    main()
