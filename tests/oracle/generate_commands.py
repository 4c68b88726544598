"""Searches that use every command, with its options in random combinations.

The world of a search has a table and a file `words`, rows that tscollect has kept as `words`, and places.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

from oracle.generate import NAMES, SINGLE, aggregation, clause, event, published
from oracle.generate_functions import condition, expression

WORDS = "a,b,n\npods,x,1\npods,y,2\nsecrets,x,3\n10,z,\nBeta,,5\n"
"""The table `words`, as CSV."""


def templates(first: bool) -> dict[str, list[str]]:
    """The templates of each command, those that stand first in a search or the others."""
    found: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "commands.txt").read_text(encoding="utf-8").splitlines():
        name, _, template = line.replace("⏎", "\n").partition(": ")
        if not line.startswith("#") and template.startswith("| ") == first:
            found.setdefault(name, []).append(template.removeprefix("| "))
    return found


EVERY = templates(False)
FIRST = templates(True)
COMMANDS = frozenset({*EVERY, *FIRST})
"""The commands that are made."""
FILLS: dict[str, tuple[str, ...]] = {
    "numeric": ("sum(n)", "avg(n)", "max(n)", "perc90(a)", "stdev(n)", "sumsq(n)", "median(a)"),
    "cell": ("count", "sum(n) AS s", "dc(b) AS d", "max(n) AS s", "values(b) AS v", "count(n) AS c"),
    "spark": ("count", "sum(n)", "count, 50s", "max(n), 1m", "dc(b), 100s"),
    "cut": ("span=10", "span=0.5", "bins=4", "bins=20", "minspan=5", "span=100 start=0 end=900"),
    "time": ("50s", "1m", "100", "1h", "5m@h", "30s", "1d"),
    "series": (
        "limit=1 ",
        "limit=bottom1 ",
        "limit=0 ",
        "useother=f ",
        "usenull=f ",
        "nullstr=none otherstr=rest limit=2 ",
        "agg=max limit=1 ",
        "dedup_splitvals=t ",
        "",
    ),
    "generated": (
        '| makeresults count=2 | eval a="made", n=7',
        "| inputlookup words",
        "search n=* | stats count BY a",
        "| tstats count by b",
    ),
    "sub": (
        "[search n>5 | fields a]",
        "[| inputlookup words where n<3 | fields a b]",
        "[search b=pods | return 2 a]",
        "NOT [search a=pods | fields n | format]",
        "[| inputlookup words | fields a | rename a AS search]",
    ),
    "value": ("[| inputlookup words | return $a]", '[search n=* | head 1 | eval n="\\"".n."\\"" | return $n]'),
    "model": ("Audit.user", "Audit.action", "Audit.verb Audit.status", "Audit.object_category", "Audit.user_group"),
    "audit": (
        "count",
        "dc(Audit.user) AS d",
        "values(Audit.action) AS v",
        "max(Audit.result_id) AS m count",
        "count min(_time) AS first",
    ),
}


CALLS = [
    f"{call} AS e"
    for call in (
        *(
            "estdc(a)",
            "estdc_error(a)",
            "sumsq(n)",
            "rate(n)",
            "upperperc75(n)",
            "exactperc99(n)",
            "p5(n)",
            "perc66.6(n)",
        ),
        *("mean(n)", "stdevp(n)", "var(n)", "earliest_time(a)", "latest_time(b)", "c(a)", "distinct_count(m)", "c"),
        *("sum(eval(n*2))", "avg(eval(len(a)))"),
    )
]
"""Aggregations besides those of `generate`."""


def numbers_of(chance: random.Random) -> str:
    return chance.choice(CALLS)


def aggregations(chance: random.Random) -> str:
    found: list[str] = []
    for place in range(chance.randint(1, 3)):
        call = aggregation(chance)
        known = [one.rsplit(" AS ", 1)[0] for one in found]
        if chance.random() < 0.5 and not any(one.endswith(" AS e") for one in found):
            found.append(numbers_of(chance))
        elif call.startswith(("max(n*)", "values(u*)")):
            found += [] if call in found else [call]
        elif call not in known:
            found.append(f"{call} AS r{place}")
    return " ".join(found) or "count"


def filled(chance: random.Random, template: str) -> str:
    """The template with its choices made, from the inside, and its places filled."""
    while "«" in template:
        template = re.sub("«([^«»]*)»", lambda found: chance.choice(found[1].split("|")), template)
    name = chance.choice(NAMES)
    single, other = chance.sample(SINGLE, 2)

    def argument(found: re.Match[str]) -> str:
        kind = found[1]
        if kind in FILLS:
            return filled(chance, chance.choice(FILLS[kind]))
        if kind == "names":
            return " ".join(f'"{name}"' for name in chance.sample(NAMES, chance.randint(1, 2)))
        if kind in MAKERS:
            return MAKERS[kind](chance)
        names = {"name": name, "single": single, "other": other}
        return f'"{names[kind]}"' if kind in names else found[0]

    return re.sub(r"(?<!\?)<([a-z]+)>", argument, template)


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "clause": lambda chance: clause(chance, 1),
    "condition": lambda chance: condition(chance, 1),
    "expression": expression,
    "aggregations": aggregations,
}


def pair(seed: int) -> tuple[list[str], str]:
    """Events and a search."""
    chance = random.Random(seed)
    events = [event(chance) for _ in range(chance.randint(0, 9))]
    if chance.random() < 0.1:
        return events, published(chance)
    stages = [clause(chance) if chance.random() < 0.5 else "*"]
    if chance.random() < 0.12:
        stages = ["", filled(chance, chance.choice(FIRST[chance.choice(sorted(FIRST))]))]
    for _ in range(chance.randint(1, 3)):
        stages.append(filled(chance, chance.choice(EVERY[chance.choice(sorted(EVERY))])))
    return events, " | ".join(stages).strip()
