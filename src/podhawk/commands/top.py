"""top: the most frequent combinations of values."""

from __future__ import annotations

from podhawk.commands.declare import Example
from podhawk.commands.shared.frequency import declare

TOP = declare(
    "top",
    False,
    "Counts the combinations of values of the fields and returns the ten most frequent per BY "
    "group (limit=0: all), with count and percentage. Rows that lack a field are not counted. "
    "Each value of a multivalue counts. Ties are sorted by value, largest first.",
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
