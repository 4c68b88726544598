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
from podhawk.commands.registry import SUPPORTED
from podhawk.engine import wire
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.engine.run.source import TimeRange
from podhawk.engine.search.collectors import RowCollector
from podhawk.engine.search.compiled import compile_search
from podhawk.engine.search.stats import SearchStats
from podhawk.engine.spark.payload import Payload, pack, unpack
from podhawk.engine.wire import dump, load
from podhawk.errors import EngineError
from podhawk.events.decode import JsonNumber
from podhawk.events.event import AuditEvent, Origin, View
from podhawk.events.options import InputReport, ReadOptions
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
    pytest.param("* | chart count over x span=3", marks=pytest.mark.slow),  # counts up to 50,000 ranges
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


def test_the_states_of_every_mergeable_command_are_sent() -> None:
    tried = {stage.name for search in SEARCHES if isinstance(search, str) for stage in read_search(search, {}).stages}
    assert {command.name for command in SUPPORTED if command.merge is not None} <= tried


def _finished(search: str, parts: list[list[dict[str, Any]]], crosses: bool) -> list[Row]:
    context = Context()
    collector = RowCollector(compile_search(make_plan(read_search(search, {}), context), context), SearchStats())
    made = []
    for number, part in enumerate(parts):
        collector.clear()
        for place, row in enumerate(part):
            collector.add_row(Row(row, OrderKey(0.0, 0.0, (number, place))))
        collector.settle()
        made.append(load(dump(collector.state)) if crosses else collector.state)
    collector.clear()
    for state in made:
        collector.merge(state)
    return collector.finish().rows


def test_another_version_is_told() -> None:
    other = msgspec.msgpack.encode([wire.MAGIC, wire.VERSION + 1, None])
    with pytest.raises(EngineError, match=f"version {wire.VERSION + 1}.*\n.*same version"):
        load(other)


VERSION_1_EVENT = bytes.fromhex(
    "93ad706f646861776b2d7374617465019b0d1b9a0d1c9702a761756469744944a161a16e9208a4312e3530a4757365729302a667726f75"
    "70739300a167920cc403eda080af7b2261756469744944223a2261227daa6b756265726e65746573a55f6a736f6ea96c6f63616c686f73"
    "74a46d61696e910291029a0d1c9502a170c3a3626967920bb43078343030303030303030303030303030303030a3726177a3737263a273"
    "74a168a1699302a161a1629302a1789300a131a132cb3ff8000000000000cb4002000000000000950d19a5612e6c6f670702a470726f64"
    "a3676b65c39204ae726573706f6e73654f626a656374"
)
VERSION_1_PLAIN_EVENT = bytes.fromhex(
    "93ad706f646861776b2d7374617465019b0d1b9a0d1c9302a761756469744944a162a27b7daa6b756265726e65746573a55f6a736f6ea9"
    "6c6f63616c686f7374a46d61696e91029102c0c0c0950d19a5622e6c6f670100a764656661756c74a66e6174697665c29104"
)
"""Events as the last podhawk of version 1 wrote them."""


def test_events_that_version_1_kept_could_not_be_read() -> None:
    native = View({"auditID": "a", "n": JsonNumber("1.50"), "user": {"groups": ["g", "\ud800"]}}, '{"auditID":"a"}')
    carrier = View({"p": True, "big": 1 << 70}, "raw", "src", "st", "h", "i", {"a": "b"}, {"x": ["1", "2"]})
    missing = frozenset({"responseObject"})
    event = AuditEvent(native, carrier, 1.5, 2.25, Origin("a.log", 7, 2), "prod", "gke", True, missing)
    assert load(VERSION_1_EVENT) == event
    assert type(load(VERSION_1_EVENT).view.data["n"]) is JsonNumber
    plain = AuditEvent(View({"auditID": "b"}, "{}"), None, None, None, Origin("b.log", 1))
    assert load(VERSION_1_PLAIN_EVENT) == plain


@pytest.mark.parametrize("version", [2, 3])
def test_events_that_versions_2_and_3_kept_are_read(version: int) -> None:
    """Both wrote these bytes, but for the version."""
    data = bytes.fromhex(
        f"93ad706f646861776b2d7374617465{version:02x}9b0d059a0d069702a761756469744944a161a16e9208a4312e3530a4757365729302a6"
        "67726f7570739300a167920cc403eda080af7b2261756469744944223a2261227daa6b756265726e65746573a55f6a736f6ea96c6f63616c"
        "686f7374a46d61696e910291029a0d069502a170c3a3626967920bb43078343030303030303030303030303030303030a3726177a3737263"
        "a27374a168a1699302a161a1629302a1789300a131a132cb3ff8000000000000cb4002000000000000950d03a5612e6c6f670702a470726f"
        "64a3676b65c39204ae726573706f6e73654f626a656374"
    )
    assert load(data) == load(VERSION_1_EVENT)


@pytest.mark.parametrize("version", [2, 3])
def test_reports_of_an_older_version_have_other_members(version: int) -> None:
    """Version 3 was used for two sets of members of InputReport: neither is read as the present one."""
    sent = msgspec.msgpack.decode(dump(InputReport()))
    with pytest.raises(EngineError, match="cannot read a state"):
        load(msgspec.msgpack.encode([wire.MAGIC, version, sent[2][:-2]]))


@pytest.mark.parametrize("number", [0, 22, 24, 29, -1, None, []])
def test_version_1_numbered_other_classes_otherwise(number: Any) -> None:
    """Only events are kept; a number of version 1 must not be taken for one of today's."""
    data = msgspec.msgpack.encode([wire.MAGIC, 1, [wire.Tag.OBJECT, number, 1, 2, 3]])
    with pytest.raises(EngineError, match="cannot read a state"):
        load(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x80\x04K\x01.",
        msgspec.msgpack.encode({"a": 1}),
        *(
            msgspec.msgpack.encode([wire.MAGIC, wire.VERSION, inner])
            for inner in ([99], [13, 999], [13, 0, 1, 2, 3], [6, 1], [], {"a": 1}, [11, "x"])
        ),
    ],
)
def test_bytes_that_are_no_state_are_told(data: bytes) -> None:
    with pytest.raises(EngineError, match="cannot read"):
        load(data)


def test_a_class_that_is_not_listed_is_refused() -> None:
    with pytest.raises(TypeError, match="Context"):
        dump([Context()])


def test_an_executor_of_another_version_says_so() -> None:
    sent = Payload("9.9", wire.VERSION, [], ReadOptions(), TimeRange(), [])
    with pytest.raises(EngineError, match=r"the driver runs podhawk 9\.9"):
        unpack(pack(sent))


def test_fractions_are_exact() -> None:
    assert load(dump(Fraction(1, 3) + (1 << 80))) == Fraction(1, 3) + (1 << 80)
