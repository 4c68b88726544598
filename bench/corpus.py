"""Write a log of a given size from the shipped datasets: `python bench/corpus.py audit.log --megabytes 1024`.

The shipped events are repeated, with new audit ids and advancing times, so that a cache of equal lines gives no
advantage. The same size and seed give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

SLICES = Path(__file__).resolve().parent.parent / "src" / "podhawk" / "pack" / "datasets"
_ID = re.compile(rb'"auditID":"[^"]*"')
_TIME = re.compile(rb'"(requestReceivedTimestamp|stageTimestamp)":"[^"]*"')
START = datetime(2026, 11, 1, tzinfo=UTC)


ORDINARY = "ordinary_work.log.gz"
ORDINARY_SHARE = 20


def lines_of(level: str) -> list[bytes]:
    """The lines of the shipped slices that were logged at a level; ordinary work outweighs the attacks as it does in
    a real log."""
    wanted = f'"level":"{level}"'.encode()
    found = []
    for path in sorted(SLICES.glob("*.log.gz")):
        with gzip.open(path) as file:
            lines = [line for line in file if wanted in line[:200]]
        found += lines * (ORDINARY_SHARE if path.name == ORDINARY else 1)
    return found


def wanted_by_seed(line: bytes) -> bool:
    """Whether the seed detection wants an event: a pod is made in one of three namespaces."""
    return (
        b'"verb":"create"' in line
        and b'"resource":"pods"' in line
        and any(b'"namespace":"%s"' % name in line for name in (b"default", b"kube-system", b"kube-public"))
    )


def write(path: Path, megabytes: int, level: str = "Metadata", seed: int = 1, *, worst: bool = False) -> str:
    """Write the log; returns the first twelve digits of its SHA-256. The `worst` log has nothing in it but events that
    the seed detection wants, each a row of its own."""
    chance = random.Random(seed)
    lines = [line for line in lines_of(level) if wanted_by_seed(line) or not worst]
    digest = hashlib.sha256()
    size, number = 0, 0
    with path.open("wb") as out:
        while size < megabytes << 20:
            block = []
            for line in chance.sample(lines, len(lines)):
                number += 1
                moment = (START + timedelta(milliseconds=3 * number)).strftime("%Y-%m-%dT%H:%M:%S.%f").encode()
                line = _ID.sub(b'"auditID":"%032x"' % number, line, count=1)
                block.append(_TIME.sub(rb'"\1":"' + moment + b'Z"', line))
            data = b"".join(block)
            digest.update(data)
            out.write(data)
            size += len(data)
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--level", default="Metadata", choices=["Metadata", "RequestResponse"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worst", action="store_true", help="only events that the seed detection matches")
    given = parser.parse_args()
    print(write(given.path, given.megabytes, given.level, given.seed, worst=given.worst))
