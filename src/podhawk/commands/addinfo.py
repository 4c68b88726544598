"""addinfo: the time range of the search, in each row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, plus
from podhawk.commands.properties import Effect, Made, SearchRange, Sources, effect, same
from podhawk.functions.declare import Volatility
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor

_MADE = ("info_min_time", "info_max_time", "info_sid", "info_search_time")


class AddInfo(Struct, frozen=True):
    within: SearchRange = SearchRange()


def _parse(cursor: Cursor) -> AddInfo:
    cursor.finish()
    return AddInfo()


def _stream(node: AddInfo, context: Context) -> Stream:
    earliest, latest = node.within.earliest, node.within.latest
    now = f"{context.env.now:.3f}"
    known = (
        "0.000" if earliest is None else f"{earliest:.3f}",
        "+Infinity" if latest is None else f"{latest:.3f}",
        f"{math.floor(context.env.now)}.1",
        now,
    )

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            row.update(zip(_MADE, known, strict=True))
            yield row

    return stream


def _reads(node: AddInfo, wanted: Wanted) -> Wanted:
    return None if wanted is None else wanted - frozenset(_MADE)


def _columns(node: AddInfo, columns: Columns) -> Columns:
    return plus(columns, *_MADE)


def _made(node: AddInfo, name: str) -> Sources:
    return (Made(frozenset(), aggregated=False, total=True),) if name in _MADE else same(node, name)


ADDINFO = Command(
    name="addinfo",
    syntax="addinfo",
    doc="Adds the time range of the search to each row: info_min_time and info_max_time in epoch seconds (0.000 and "
    "+Infinity where it is open), info_search_time, when the search began, and info_sid, a number for the search.",
    examples=(
        Example(
            "earliest=1000 latest=5000 | addinfo | table info_min_time info_max_time",
            ({"info_min_time": "1000.000", "info_max_time": "5000.000"},),
            ('{"_time":2000}',),
        ),
    ),
    parse=_parse,
    render=lambda node: "",
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    ranged=lambda node, within: AddInfo(within),
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=lambda node: Volatility.STABLE,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/addinfo",
)
