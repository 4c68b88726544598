"""How fast the verbs about activity are, compared with grep, which scans the same bytes and uses one core.

    python bench/activity.py audit.log --who mallory --who 203.0.113.9

Each command runs `--rounds` times in turn, on the same cores, after the file was read once. The line of a verb says its
median wall time, processor time, most memory, and its speed relative to `grep -c NAME`: once to grep as it is, once to
one grep on each core.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from pathlib import Path

from measure import Timed

COUNT = 'grep -c -F -e "$1" "$2" || test $? = 1'
"""1: no line has it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("--who", action="append", default=[], metavar="NAME", help="who to ask for; repeatable")
    parser.add_argument("--verbs", default="who,timeline,fields", help="which verbs to time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    podhawk = [sys.executable, "-m", "podhawk"]
    names = options.who or ["mallory"]
    greps = {name: Timed(f"grep -c {name}", ["sh", "-c", COUNT, "sh", name, str(options.log)]) for name in names}
    asked: list[tuple[Timed, Timed]] = []
    for verb in options.verbs.split(","):
        for name in names if verb == "who" else names[:1]:
            words = [verb, *([name] if verb == "who" else []), "-o", "jsonl", str(options.log)]
            asked.append(
                (
                    Timed(" ".join(words[:2] if verb == "who" else words[:1]), [*podhawk, *words], options.cores),
                    greps[name],
                )
            )
    size = options.log.stat().st_size
    used: dict[str, float] = {}
    for _ in range(options.rounds):
        for one in [*greps.values(), *(verb for verb, _ in asked)]:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            one.run()
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            used[one.name] = min(used.get(one.name, spent), spent)
    print(f"{size / 1e9:.2f} GB, {options.cores} cores, load {os.getloadavg()[0]:.1f}")
    for one in greps.values():
        print(f"{one.name}: {one.median:.2f} s, {size / one.median / 1e9:.2f} GB/s, processor {used[one.name]:.2f} s")
    for verb, grep in asked:
        if verb.failed:
            print(f"{verb.name}: {verb.failed}")
            continue
        ratio = grep.median / verb.median
        print(
            f"{verb.name}: {verb.median:.2f} s, processor {used[verb.name]:.2f} s, {verb.memory:.0f} MB, "
            f"{ratio:.2f} x grep, {ratio / options.cores:.2f} x one grep per core"
        )


if __name__ == "__main__":
    main()
