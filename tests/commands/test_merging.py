"""Mergeable commands give the same rows however their input is cut and in whatever order it is merged."""

from __future__ import annotations

import random

import pytest

from podhawk.commands.context import Context
from podhawk.commands.parse import parse_search
from podhawk.rows import OrderKey, Row
from podhawk.spl.text import plain

SEARCHES = [
    "top limit=3 user",
    "top limit=2 useother=t verb by user",
    "rare groups",
    "sort -n, user",
    "sort 5 user",
    "dedup 2 user",
    "dedup user verb keepempty=t",
    "tail 4",
    "chart count over user by verb limit=2",
    "chart avg(_time) list(verb) over n bins=5 by user",
    "timechart count by verb limit=1",
    "timechart span=1h sum(n)",
    "timechart per_hour(n) first(verb)",
    "timechart minspan=1h values(user)",
]


def made_rows(seed: int, spread: float) -> list[Row]:
    chance = random.Random(seed)
    rows = []
    for number in range(60):
        fields: dict[str, object] = {"_time": round(chance.random() * spread, 3), "n": str(chance.randrange(40))}
        if chance.random() < 0.8:
            fields["user"] = chance.choice("abcd")
        if chance.random() < 0.8:
            fields["verb"] = chance.choice(["get", "list", "watch", "10", "9"])
        if chance.random() < 0.5:
            fields["groups"] = ("x", "y") if chance.random() < 0.5 else "x"
        rows.append(Row(fields, OrderKey(-float(str(fields["_time"])), 0.0, (number,))))  # type: ignore[arg-type]
    return rows


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("spread", [50.0, 5e4, 4e7])
def test_cuts_do_not_show(search: str, spread: float) -> None:
    stage = parse_search(plain(f"* | {search}")).stages[1]
    assert stage.command.merge is not None
    chance = random.Random(search)
    results = []
    for attempt in range(6):
        run = stage.command.merge(stage.node, Context())
        rows = made_rows(7, spread)
        if attempt:
            chance.shuffle(rows)
        states = []
        while rows:
            size = len(rows) if attempt == 0 else chance.randrange(1, 30)
            state = run.start()
            run.add(state, rows[:size])
            states.append(state)
            rows = rows[size:]
        chance.shuffle(states)
        whole = states.pop()
        while states:
            whole = run.merge(states.pop(), whole)
        table = run.finish(whole)
        results.append(([dict(row) for row in table.rows], table.columns))
    assert results[0][0]
    assert all(result == results[0] for result in results)
