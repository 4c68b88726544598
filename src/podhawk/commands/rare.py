"""rare: the least frequent combinations of values."""

from __future__ import annotations

from podhawk.commands.declare import Example
from podhawk.commands.shared.frequency import declare

RARE = declare(
    "rare",
    True,
    "Counts the combinations of the fields' values and gives the ten least frequent (limit=0: all), per BY group, "
    "rarest first, with their count and percentage. Rows that lack a field are not counted; each value of a "
    "multivalue counts. Of equal counts the one with the larger values comes first.",
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
