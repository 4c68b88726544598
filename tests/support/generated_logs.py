"""Logs and searches that every way of reading in pieces must agree on."""

from __future__ import annotations

import json
import random
from pathlib import Path

SEARCHES = [
    "verb=create | stats count values(who) list(n) first(n) last(n) earliest(n) latest(n) avg(n) by ns",
    "* | stats count dc(n) perc50(n) stdev(n) by verb",
    "verb=create",
    "* | dedup ns",
    "* | sort 7 -n, who | table n who",
    "* | top 3 who",
    "* | tail 4 | table n",
    "* | chart count over verb by ns",
    "* | timechart span=10s count by verb",
    "* | fillnull | stats count by missing n ns",
    "verb=create | append [search verb=delete | stats count] | stats count",
    "* | head 5 | table n _time",
    "* | streamstats count | search count<4 | table n count",
    "verb=delete | join ns [search verb=create | stats count by ns]",
    '* | rex field=who "(?<first>.)" | stats count by first',
    "* | eval x=n*2 | stats sum(x)",
    "[search verb=delete | head 1 | table who] | stats count",
]


def write(path: Path, seed: int, count: int = 3000, half: bool = False) -> Path:
    chance = random.Random(seed)
    lines = []
    for number in range(count):
        second = chance.randrange(60)
        lines.append(
            json.dumps(
                {
                    "auditID": str(number),
                    "verb": chance.choice(["create", "get", "delete"]),
                    "stage": "ResponseComplete",
                    "who": chance.choice(["ann", "bob", "eve", "x"]),
                    "n": chance.choice([number, 0.1, 1e3]),
                    "ns": chance.choice(["a", "b"]),
                    "requestReceivedTimestamp": f"2026-11-25T10:00:{second:02d}.000001Z",
                    "stageTimestamp": f"2026-11-25T10:00:{second:02d}.5Z",
                }
            )
        )
    if half:
        lines[count // 2] = lines[count // 2][:40]
    path.write_text("\n".join(lines) + "\n")
    return path
