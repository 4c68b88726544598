"""rare: the least frequent combinations of values."""

from __future__ import annotations

from podhawk.commands.declare import Example
from podhawk.commands.shared.frequency import declare

RARE = declare(
    "rare",
    True,
    "Counts the combinations of values of the fields and returns the ten least frequent per BY "
    "group (limit=0: all), rarest first, with count and percentage. Rows that lack a field are "
    "not counted. Each value of a multivalue counts. Ties are sorted by value, largest first.",
    (
        Example(
            "* | rare limit=1 user",
            ({"user": "b", "count": "1", "percent": "33.333333"},),
            ('{"user":"a"}', '{"user":"a"}', '{"user":"b"}'),
        ),
        Example(
            "* | rare user verb showperc=false",
            ({"user": "b", "verb": "list", "count": "1"}, {"user": "a", "verb": "get", "count": "2"}),
            ('{"user":"a","verb":"get"}', '{"user":"a","verb":"get"}', '{"user":"b","verb":"list"}'),
        ),
    ),
)
