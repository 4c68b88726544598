"""What is sent to executors with a search: the tables that its expressions read, and the time range of the run."""

from __future__ import annotations

from podhawk.commands.context import Context
from podhawk.commands.parse import parse_search
from podhawk.commands.properties import SearchRange
from podhawk.content.lookup_codec import pack_lookups, unpack_lookups
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.run.source import TimeRange
from podhawk.engine.search.collectors import RowCollector
from podhawk.engine.search.compiled import compile_search
from podhawk.engine.search.stats import SearchStats
from podhawk.engine.spark.payload import LookupCodec, Payload, collectors_of, sent_search
from podhawk.engine.wire import VERSION, dump, load
from podhawk.events.event import View
from podhawk.events.options import ReadOptions
from podhawk.rows import OrderKey, Row
from podhawk.spl.text import plain


def rows_over(search: str, context: Context, within: TimeRange) -> list[dict[str, object]]:
    """The rows of a search whose events an executor has looked at."""
    driver = RowCollector(compile_search(make_plan(parse_search(plain(search)), context), context), SearchStats())
    codec = LookupCodec(pack_lookups, unpack_lookups)
    payload = Payload("1", VERSION, [sent_search(driver, codec)], ReadOptions(), within, [])
    (part,) = collectors_of(payload, View({}, ""), codec.unpack, None)
    assert isinstance(part, RowCollector)
    part.add_row(Row({"user": "ann", "_time": 50}, OrderKey(0.0, 0.0, (1,))))
    part.settle()
    driver.merge(load(dump(part.state)))
    return [dict(row) for row in driver.finish().rows]


def test_a_table_of_an_expression_was_not_sent() -> None:
    store = LookupStore(Content(), None, False)
    store.write("teams", [{"user": "ann", "team": "red"}], ("user", "team"))
    search = 'search * | eval t=lookup("teams", json_object("user", user), json_array("team")) | stats count by t'
    assert rows_over(search, Context(lookups=store), TimeRange()) == [{"t": '{"team":"red"}', "count": 1}]


def test_the_time_range_of_the_run_was_not_known() -> None:
    search = "search * | addinfo | stats count by info_min_time info_max_time"
    found = rows_over(search, Context(within=SearchRange(10.0, 90.0)), TimeRange(10.0, 90.0))
    assert found == [{"info_min_time": "10.000", "info_max_time": "90.000", "count": 1}]
