"""Values that no sensible log has do not stop a search; wrong text is refused with its place."""

from __future__ import annotations

import pytest

from podhawk.commands.context import Context
from podhawk.commands.parse import parse_search
from podhawk.engine.plan.stages import run_pipeline
from podhawk.errors import SearchError
from podhawk.rows import OrderKey, Row
from podhawk.spl.text import plain

VALUES = ["", "nan", "inf", "-1e308", "1.7976931348623157e308", "5e-324", "1e400", "-0", "abc", "1_0", "٣", "9" * 400]
SEARCHES = [
    "bin _time",
    "bin _time span=1d",
    "bin _time span=1mon",
    "bin _time span=5m aligntime=@d",
    "bin x span=0.1",
    "bin x",
    "bin x span=2log10",
    "bin x span=1d",
    "bin x minspan=1h",
    "sort -x, ip(x), num(x)",
    "sort 0 x",
    "timechart count by x",
    "timechart span=1y max(x)",
    "timechart span=1mon count(x)",
    "chart count over x bins=5",
    "chart count over x span=1log2",
    "chart count max(x) by x2 x",
    "streamstats time_window=1d max(x)",
    "streamstats time_window=1ms count",
    "eventstats dc(x) max(x) by x2",
    "addtotals col=t",
    "top x",
    "rare x",
    "dedup x consecutive=t",
    "xyseries x x2 _time",
    "untable x a b",
    "filldown",
]


@pytest.mark.parametrize("search", SEARCHES)
def test_odd_values_do_not_stop_a_search(search: str) -> None:
    rows = [
        Row({"_time": value, "x": value, "x2": "k", "y": (value, "1")}, OrderKey(0.0, 0.0, (number,)))
        for number, value in enumerate(VALUES)
    ]
    table = run_pipeline(parse_search(plain(f"* | {search}")), rows, Context())
    assert all(value is not None for row in table.rows for value in row.values())


@pytest.mark.parametrize(
    "search",
    [
        "sort",
        "sort x*",
        "sort num(x",
        "dedup",
        "dedup x sortby",
        "tail x",
        "tail -1",
        "top",
        "top limit=-1 x",
        "top x by",
        "rare 1.5 x",
        "bin",
        "bin x y",
        "bin span=0 x",
        "bin bins=1 x",
        "bin aligntime=soon _time",
        "chart",
        "chart count over",
        "chart count by a where",
        "chart count by a b where foo in top3",
        "chart count by a a",
        "chart agg=foo count by a b",
        "chart span=5 count",
        "chart count by a b bins=5",
        "timechart",
        "timechart count by _time",
        "timechart per_day()",
        "timechart per_hour(x*)",
        "timechart count count",
        "timechart span=log2 count",
        "eventstats",
        "eventstats count by",
        "streamstats",
        "streamstats window=-1 count",
        "streamstats reset_before=x count",
        "streamstats reset_after=(x count",
        "xyseries a b",
        "untable a b b",
        "addtotals row=maybe",
        "filldown =",
    ],
)
def test_wrong_text_is_refused_with_its_place(search: str) -> None:
    with pytest.raises(SearchError) as caught:
        parse_search(plain(f"* | {search}"))
    assert caught.value.place is not None
