"""States keep everything on their way to another machine, and foreign bytes are told."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from podhawk.commands.context import Context
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.engine.run.batch import TimeRange
from podhawk.engine.search.compiled import Observed, ScanJob
from podhawk.engine.spark import wire as states
from podhawk.engine.spark.payload import Shipment, pack, unpack
from podhawk.engine.spark.wire import dump, load
from podhawk.errors import EngineError
from podhawk.events.event import AuditEvent, Origin, View
from podhawk.events.options import ReadOptions
from podhawk.rows import Filled, OrderKey, Row

TEXT = some.text(some.characters(), max_size=5)  # lone surrogates too
LEAF = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(),
    some.floats(allow_nan=False),
    TEXT,
    TEXT.map(Filled),
    some.fractions(),
)
KEY = some.one_of(TEXT, some.integers(), some.tuples(TEXT, TEXT))
ORDER = some.builds(
    OrderKey,
    some.floats(allow_nan=False),
    some.floats(allow_nan=False),
    some.lists(some.integers(0, 9), max_size=4).map(tuple),
)
VALUE = some.recursive(
    LEAF,
    lambda inner: some.one_of(
        some.lists(inner, max_size=4),
        some.lists(inner, max_size=4).map(tuple),
        some.dictionaries(KEY, inner, max_size=4),
        some.sets(KEY, max_size=4),
        some.frozensets(KEY, max_size=4),
        some.dictionaries(KEY, some.integers(), max_size=4).map(Counter),
        some.builds(Row, some.dictionaries(TEXT, TEXT, max_size=3), ORDER),
    ),
    max_leaves=12,
)


def alike(one: Any, two: Any) -> bool:
    """Equal, of the same kinds, in the same order."""
    if type(one) is not type(two):
        return False
    if isinstance(one, Row) and one.order != two.order:
        return False
    if isinstance(one, dict):
        return alike(list(one.items()), list(two.items()))
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(alike, one, two))
    return bool(one == two)


@given(VALUE)
def test_every_value_comes_back_as_it_was(value: Any) -> None:
    assert alike(load(dump(value)), value)


AGGREGATIONS = (
    "count count(x) as c dc(x) estdc(x) values(x) list(x) mode(x) sum(x) avg(x) sumsq(x) stdev(x) "
    "stdevp(x) var(x) varp(x) perc95(x) upperperc50(x) median(x) min(x) max(x) range(x) first(x) last(x) "
    "earliest(x) latest(x) earliest_time(x) latest_time(x) rate(x) values(*) as *"
)
SEARCHES = [
    f"* | stats {AGGREGATIONS} by y",
    "* | stats sum(x) count",
    "* | fillnull | stats values(x) by x y",
    "* | top x",
    "* | rare x by y",
    "* | dedup x keepempty=true",
    "* | sort 5 -x, y",
    "* | tail 3",
    "* | chart count over x by y",
    "* | timechart span=1s avg(x) by y",
    "* | timechart count",
    "* | chart count over x span=3",
    "*",
]
ROW = some.fixed_dictionaries(
    {},
    optional={
        "x": some.one_of(some.integers(-9, 1 << 70), some.floats(-1e100, 1e100), TEXT, some.just(("a", "b"))),
        "y": some.sampled_from(["a", "b", "1", "1.0"]),
        "_time": some.integers(0, 9),
    },
)


@pytest.mark.parametrize("search", SEARCHES)
@settings(max_examples=25, deadline=None)
@given(data=some.data())
def test_a_state_that_was_sent_finishes_as_it_would_have(search: str, data: Any) -> None:
    parts = data.draw(some.lists(some.lists(ROW, max_size=6), min_size=1, max_size=3))
    local, sent = (_finished(search, parts, crosses) for crosses in (False, True))
    assert alike(local, sent)


def _finished(search: str, parts: list[list[dict[str, Any]]], crosses: bool) -> list[Row]:
    context = Context()
    job = ScanJob(make_plan(read_search(search, {}), context), context, Observed())
    made = []
    for number, part in enumerate(parts):
        job.restart()
        job.feed(Row(row, OrderKey(0.0, 0.0, (number, place))) for place, row in enumerate(part))
        made.append(load(dump(job.state)) if crosses else job.state)
    job.restart()
    for state in made:
        job.absorb_state(state)
    return job.finish().rows


def test_another_version_is_told() -> None:
    other = msgspec.msgpack.encode([states.MAGIC, states.VERSION + 1, None])
    with pytest.raises(EngineError, match=f"version {states.VERSION + 1}.*\n.*same version"):
        load(other)


def test_events_that_an_older_version_kept_can_be_read() -> None:
    event = AuditEvent(View({"auditID": "a"}, "{}"), None, 1.0, None, Origin("a.log", 1))
    magic, _, inner = msgspec.msgpack.decode(dump(event))
    assert load(msgspec.msgpack.encode([magic, states.OLDEST, inner])) == event


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x80\x04K\x01.",
        msgspec.msgpack.encode({"a": 1}),
        *(
            msgspec.msgpack.encode([states.MAGIC, states.VERSION, inner])
            for inner in ([99], [13, 999], [13, 0, 1, 2, 3], [6, 1], [], {"a": 1}, [11, "x"])
        ),
    ],
)
def test_bytes_that_are_no_state_are_told(data: bytes) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        load(data)


def test_a_class_that_is_not_listed_is_refused() -> None:
    with pytest.raises(TypeError, match="Context"):
        dump([Context()])


def test_an_executor_of_another_version_says_so() -> None:
    sent = Shipment("9.9", states.VERSION, [], ReadOptions(), TimeRange(), [])
    with pytest.raises(EngineError, match=r"the driver runs podhawk 9\.9"):
        unpack(pack(sent))


def test_fractions_are_exact() -> None:
    assert load(dump(Fraction(1, 3) + (1 << 80))) == Fraction(1, 3) + (1 << 80)
