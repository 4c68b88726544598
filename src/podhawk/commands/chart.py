"""chart: aggregations in a table of rows and series."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Mergeable, Wanted, always
from podhawk.commands.properties import NO_COLUMN, UNKNOWN, Effect, Sources, computed, copy, effect
from podhawk.commands.shared.bins import OPTIONS as BIN_OPTIONS
from podhawk.commands.shared.bins import Bins, read_bins, show_bins
from podhawk.commands.shared.grid import GRID_STATES, Grid, GridRun
from podhawk.commands.shared.items import (
    Item,
    item_columns,
    item_fields,
    item_made,
    item_patterns,
    item_volatility,
    parse_items,
    ranged_items,
    render_items,
)
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.series import OPTIONS as SERIES_OPTIONS
from podhawk.commands.shared.series import (
    SeriesOptions,
    read_series,
    show_filter,
    show_series,
    take_filter,
    take_options,
)
from podhawk.commands.where import void
from podhawk.spl.cursor import Cursor

_ALL = (*SERIES_OPTIONS, *BIN_OPTIONS)


class Chart(Struct, frozen=True):
    items: tuple[Item, ...]
    over: str = ""
    by: str = ""
    bins: Bins = field(default_factory=Bins)
    by_bins: Bins = field(default_factory=Bins)
    options: SeriesOptions = field(default_factory=SeriesOptions)


def sorted_out(found: dict[str, str], series: dict[str, str], bins: dict[str, str]) -> None:
    """Put options where they belong: those of the series, those of the bins of the field just named."""
    for name, value in found.items():
        (bins if name in BIN_OPTIONS else series)[name] = value


def _parse(cursor: Cursor) -> Chart:
    series: dict[str, str] = {}
    row: dict[str, str] = {}
    column: dict[str, str] = {}
    sorted_out(take_options(cursor, _ALL), series, row)
    items = parse_items(cursor, ("by", "over"), combine=True, spark=True)
    if not items:
        cursor.fail("expected an aggregation such as count or sum(field)")
    sorted_out(take_options(cursor, _ALL), series, row)
    over = by = ""
    at = cursor.at
    word = cursor.keyword("over", "by")
    if word:
        over = cursor.name("a field for the rows")
        sorted_out(take_options(cursor, _ALL), series, row)
        cursor.commas()
        split = bool(cursor.keyword("by")) if word == "over" else not cursor.done and not cursor.at_word(("where",))
        at = cursor.at if split else at
        if split:
            by = cursor.name("a field for the columns")
        sorted_out(take_options(cursor, _ALL), series, column if by else row)
    chosen = take_filter(cursor)
    sorted_out(take_options(cursor, _ALL), series, column if by else row)
    cursor.finish()
    if "*" in over + by:
        raise cursor.error("wildcards are not allowed in OVER and BY", at)
    if over and over == by:
        raise cursor.error(f"{over} cannot be both the row field and the column field", at)
    used = next((item for item in items if item.argument == over or item.name == over), None)
    if over and used is not None:
        raise cursor.error(f"{over!r} is the row field and cannot be aggregated too", used.at)
    if row and not over:
        raise cursor.error(f"option {next(iter(row))} applies to the row field, but there is no row field", at)
    by_bins = read_bins(cursor, column, by)
    if by_bins.stated and by_bins.span is None:
        cursor.fail("span= is the only bin option for the column field")
    return Chart(items, over, by, read_bins(cursor, row, over), by_bins, read_series(cursor, series, chosen))


def _render(node: Chart) -> str:
    parts = [show_series(node.options), render_items(node.items)]
    if node.over:
        parts += [f"OVER {shown(node.over)}", show_bins(node.bins)]
    if node.by:
        parts += [f"BY {shown(node.by)}", show_bins(node.by_bins)]
    parts.append(show_filter(node.options.filter))
    return " ".join(part for part in parts if part)


def _reads(node: Chart, wanted: Wanted) -> Wanted:
    read = item_fields(node.items)
    return None if read is None else read | {name for name in (node.over, node.by) if name}


def _columns(node: Chart, columns: Columns) -> Columns:
    made = item_columns(node.items)
    if node.by or made is None:
        return None
    return (node.over, *made) if node.over else made


def _merge(node: Chart, context: Context) -> Mergeable:
    return GridRun(Grid(node.items, node.over, node.by, node.bins, node.by_bins, node.options), context)


def _made(node: Chart, name: str) -> Sources:
    if name == node.over:
        cut = node.bins.stated or name == "_time"
        return (computed((name,), strict=True) if cut else replace(copy(name), total=True),)
    made = item_made(node.items, name) if not node.by else None
    return (made,) if made is not None else UNKNOWN if _columns(node, None) is None else NO_COLUMN


CHART = Command(
    name="chart",
    syntax="chart [limit=[top|bottom]<n>] [agg=<function>] [useother=<bool>] [usenull=<bool>] [otherstr=<text>] "
    "[nullstr=<text>] [sep=<text>] [format=<text>] [cont=<bool>] [dedup_splitvals=<bool>] <aggregation>… "
    "[OVER <field> [<bin options>]] [BY <field> [<bin options>] [<field> [span=<span>]]] "
    "[where <function> in|notin top|bottom<n> | where <function> <|> <number>]",
    doc="Returns one row per value of the row field and one column per value of the column field. "
    "The ten series with the largest sum are kept (with several aggregations: the ten most "
    "frequent). The others are summed in OTHER; rows without the column field are in NULL. Bin "
    "options such as span apply to the field before them; `_time` is always put into bins. With "
    "cont=true, the default, empty bins between others have rows too. With several aggregations, "
    "columns are named `aggregation: value`; format sets another name, built from $AGG$ and "
    "$VAL$.",
    examples=(
        Example(
            "* | chart count over user by verb",
            ({"user": "a", "get": "2", "list": "0"}, {"user": "b", "get": "0", "list": "1"}),
            ('{"user":"a","verb":"get"}', '{"user":"a","verb":"get"}', '{"user":"b","verb":"list"}'),
        ),
        Example(
            "* | chart limit=1 count sum(n) by user verb",
            ({"user": "a", "count: get": "2", "count: OTHER": "1", "sum(n): get": "3", "sum(n): OTHER": "4"},),
            ('{"user":"a","verb":"get","n":1}', '{"user":"a","verb":"get","n":2}', '{"user":"a","verb":"list","n":4}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.MERGEABLE),
    reads=_reads,
    columns=_columns,
    merge=_merge,
    check=lambda node, context: void(_merge(node, context)),
    made=_made,
    effect=effect(Effect.REBUILDS),
    groups=lambda node: tuple(name for name in (node.by, node.over) if name),
    volatility=lambda node: item_volatility(node.items),
    patterns=lambda node: item_patterns(node.items),
    states=GRID_STATES,
    ranged=lambda node, within: replace(node, items=ranged_items(node.items, within)),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/chart",
)
