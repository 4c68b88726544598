"""makeresults: rows out of nothing."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, always
from podhawk.commands.properties import Effect, Made, effect
from podhawk.functions.declare import Volatility
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl.cursor import Cursor

LIMIT = 1_000_000


class MakeResults(Struct, frozen=True):
    count: int = 1
    annotate: bool = False


def _parse(cursor: Cursor) -> MakeResults:
    options = cursor.options(("count", "annotate", "splunk_server", "splunk_server_group"))
    if not cursor.done and cursor.peek().isdigit():
        options["count"] = cursor.word()
    cursor.finish()
    count = cursor.integer(options.get("count", "1"), "count")
    if count > LIMIT:
        cursor.fail(f"count must be at most {LIMIT}")
    return MakeResults(count, cursor.boolean(options.get("annotate", "f"), "annotate"))


def _render(node: MakeResults) -> str:
    count = f"count={node.count}" if node.count != 1 else ""
    return f"{count} annotate=true".strip() if node.annotate else count


def _generate(node: MakeResults, context: Context) -> Table:
    rows: list[Row] = []
    for number in range(node.count):
        row = Row({"_time": int(context.env.now)}, OrderKey(0.0, 0.0, (number,)))
        if node.annotate:
            row |= {"host": "podhawk", "source": "makeresults", "sourcetype": "makeresults", "index": "main"}
        rows.append(row)
    return Table(rows, None)


MAKERESULTS = Command(
    name="makeresults",
    syntax="makeresults [count=<n>] [annotate=<bool>]",
    doc="Makes `count` rows (default: 1) that contain only `_time`, set to now.",
    examples=(Example('| makeresults count=2 | eval x="y" | table x', ({"x": "y"}, {"x": "y"})),),
    parse=_parse,
    render=_render,
    kind=always(Kind.GENERATING),
    reads=lambda node, wanted: frozenset(),
    columns=lambda node, columns: None,
    generate=_generate,
    made=lambda node, name: (Made(frozenset(), aggregated=False),),
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: Volatility.STABLE,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/makeresults",
)
