"""Commands, timed: whole processes, start-up included, pinned to the cores that they may use."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

EVERY = 0.05
"""Seconds between two looks at the memory."""


@dataclass
class Timed:
    """A command; `cores` is how many it may use. `seconds` has a value for each time it ran, `memory` the most that it
    and all its processes held at once (PSS, MB), `failed` what it said when it failed."""

    name: str
    command: list[str]
    cores: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    memory: float = 0.0
    printed: str = ""
    failed: str = ""

    def run(self) -> None:
        """Run it once, unless it has failed before."""
        if self.failed:
            return
        pinned = ["taskset", "-c", ",".join(map(str, range(self.cores))), *self.command]
        started = time.perf_counter()
        done = subprocess.Popen(
            pinned, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **self.environment}
        )
        stop = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done.pid, stop))
        watch.start()
        out, err = done.communicate()
        self.seconds.append(time.perf_counter() - started)
        stop.set()
        watch.join()
        if done.returncode:
            lines = [line for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
            self.failed = lines[-1][-200:] if lines else f"exit code {done.returncode}"
        self.printed = out[-100:].decode("utf-8", "replace").strip()

    def _watch(self, pid: int, stop: threading.Event) -> None:
        while not stop.wait(EVERY):
            self.memory = max(self.memory, sum(map(_pss, _tree(pid))) / 1024)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """How far the slowest and the fastest are apart, as a share of the median."""
        return (max(self.seconds) - min(self.seconds)) / self.median


def _tree(pid: int) -> list[int]:
    """A process and those below it."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            inner = children.read_text().split()
        except OSError:
            continue
        for child in inner:
            found += _tree(int(child))
    return found


def _pss(pid: int) -> int:
    """The memory of a process in kB, what it shares counted in shares."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:  # it has ended
        pass
    return 0
