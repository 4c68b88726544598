"""top: the most frequent combinations of values."""

from __future__ import annotations

from podhawk.commands.declare import Example
from podhawk.commands.shared.frequency import declare

TOP = declare(
    "top",
    False,
    "Counts the combinations of the fields' values and gives the ten most frequent (limit=0: all), per BY group, "
    "with their count and percentage. Rows that lack a field are not counted; each value of a multivalue counts. "
    "Of equal counts the one with the larger values comes first.",
    (
        Example(
            "* | top user",
            ({"user": "a", "count": "2", "percent": "66.666667"}, {"user": "b", "count": "1", "percent": "33.333333"}),
            ('{"user":"a"}', '{"user":"a"}', '{"user":"b"}', '{"verb":"get"}'),
        ),
        Example(
            "* | top limit=1 useother=true showperc=false verb by user",
            ({"user": "a", "verb": "get", "count": "2"}, {"user": "a", "verb": "OTHER", "count": "1"}),
            ('{"user":"a","verb":"get"}', '{"user":"a","verb":"get"}', '{"user":"a","verb":"list"}'),
        ),
    ),
)
