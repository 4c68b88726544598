"""Many increments in a row: whether time or memory grows, and whether they find what one run finds.

    python bench/in_a_row.py --increments 1000 --new 20
    python bench/in_a_row.py --log audit.log --events 3000

The first line makes events of which each is a finding, and prints for every hundred increments the processor time of
one, the memory of the process, and the size of the state. The second takes events of a log, each as an increment of its
own: those before and after the events that one run finds something about, in order. In the end it compares the state
with that run. `--seconds` ends either early.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from beside_many import START, made

from podhawk import api
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.model import Content
from podhawk.detect.report.finding_json import to_record

EVERY = 100
NOT_COMPARED = ("revision", "replaces", "status", "disposition", "assignee")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--increments", type=int, default=1_000)
    parser.add_argument("--new", type=int, default=20, help="events of an increment")
    parser.add_argument("--log", type=Path, help="take events of this log, one at a time")
    parser.add_argument("--events", type=int, default=3_000, help="how many of them")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no increment after so many")
    options = parser.parse_args()
    content = load_content([shipped_pack()])
    with tempfile.TemporaryDirectory(prefix="podhawk-bench-") as folder:
        if options.log is None:
            pieces = _made(options.increments, options.new)
            run(content, Path(folder), pieces, options.seconds)
        elif not alone(content, Path(folder), options.log, options.events, options.seconds):
            sys.exit(1)


def _made(increments: int, new: int) -> Iterator[str]:
    events = made(Random(1), 2, START, "r")
    for _ in range(increments):
        yield "".join(json.dumps(next(events)) + "\n" for _ in range(new))


def run(content: Content, folder: Path, pieces: Iterator[str], seconds: float) -> int:
    """Run increments, and print what they cost. Returns how many."""
    end, log, costs = time.monotonic() + seconds, folder / "piece.log", []
    for number in count(1):
        piece = next(pieces, None)
        if piece is None or time.monotonic() > end:
            return number - 1
        log.write_text(piece)
        start = time.process_time()
        known = api.run(content, log, state=str(folder / "state"), jobs=1).found.known
        costs.append(time.process_time() - start)
        if number % EVERY == 0:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            size = (folder / "state" / "podhawk.db").stat().st_size / 1e6
            print(
                f"{number:,} increments: {statistics.median(costs):.3f} s each of the last {len(costs)}, "
                f"{known:,} findings, {memory} MiB of memory at most, {size:,.0f} MB of state",
                flush=True,
            )
            costs.clear()
    raise AssertionError


def alone(content: Content, folder: Path, log: Path, events: int, seconds: float) -> bool:
    """Take events of a log one at a time, and compare what is known then with one run over them."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines(keepends=True) if line.strip()]
    found = api.run(content, log, jobs=1).found.findings
    ids = {request.audit_id for one in found for request in one.requests}
    near = sorted(_near([number for number, line in enumerate(lines) if _id(line) in ids], len(lines), events))
    done = run(content, folder, iter([lines[number] for number in near]), seconds)
    part = folder / "part.log"
    part.write_text("".join(lines[number] for number in near[:done]))
    expected = _told(api.run(content, part, jobs=1).found.findings)
    known = _told(api.run(content, part, state=str(folder / "state"), jobs=1).found.everything())
    same = known == expected
    print(
        f"{done:,} of {len(lines):,} events one at a time: {len(expected):,} findings, {'equal' if same else 'OTHER'}"
    )
    for id_ in sorted(known.keys() | expected.keys()):
        if known.get(id_) != expected.get(id_):
            print(f"  {id_}: {known.get(id_, {}).get('title')!r} {expected.get(id_, {}).get('title')!r}")
    return same


def _id(line: str) -> str:
    try:
        return str(json.loads(line).get("auditID"))
    except (ValueError, AttributeError):
        return ""


def _near(places: list[int], length: int, most: int) -> set[int]:
    """The places themselves and those around them, up to so many."""
    found: set[int] = set()
    for distance in range(length):
        for place in places:
            for one in (place - distance, place + distance):
                if len(found) >= most:
                    return found
                if 0 <= one < length:
                    found.add(one)
        if not places:
            break
    return found


def _told(findings: Any) -> dict[str, Any]:
    found = {}
    for one in map(to_record, findings):
        for name in NOT_COMPARED:
            one.pop(name)
        for request in one["requests"]:
            request.pop("source")
        found[one["finding_id"]] = json.loads(json.dumps(one))
    return found


if __name__ == "__main__":
    main()
