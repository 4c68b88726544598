"""iplocation: where an address is.

The database is the user's. Without one nothing is added, and the run says so. An address that the database
does not have (private ones, as a rule) adds no field; one that it has adds all of them, those it does not
tell as empty text, as Splunk's page says.

A multivalue field, such as `sourceIPs{}` behind proxies, is located by the first of its values that the
database has: the page does not say, and the first value is often a private address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from podhawk.commands.context import Context, Geo
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, needs, plus
from podhawk.commands.properties import Effect, Resources, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

FIRST_ONLY = "iplocation-first-only"
"""Switch: of a multivalue field only the first value is looked up."""
NO_EMPTY = "iplocation-no-empty"
"""Switch: what the database does not tell about a known address is no field, instead of an empty one."""
NO_DATABASE = "no-geo-database"
FIELDS = ("City", "Country", "Region", "lat", "lon")
MORE_FIELDS = ("City", "Continent", "Country", "MetroCode", "Region", "Timezone", "lat", "lon")
_OPTIONS = ("prefix", "allfields", "lang")


class IPLocation(Struct, frozen=True):
    field: str
    prefix: str = ""
    allfields: bool = False
    lang: str = "en"

    @property
    def made(self) -> tuple[str, ...]:
        """The names of the fields that a known address gets."""
        return tuple(self.prefix + name for name in (MORE_FIELDS if self.allfields else FIELDS))


def _parse(cursor: Cursor) -> IPLocation:
    options = cursor.options(_OPTIONS)
    field = cursor.name("the field that contains the address")
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    every = cursor.boolean(options.get("allfields", "f"), "allfields")
    return IPLocation(field, options.get("prefix", ""), every, options.get("lang", "en").lower())


def _render(node: IPLocation) -> str:
    parts = [f"prefix={quote(node.prefix)}"] if node.prefix else []
    if node.allfields:
        parts.append("allfields=true")
    if node.lang != "en":
        parts.append(f"lang={node.lang}")
    return " ".join((*parts, shown(node.field)))


def _reads(node: IPLocation, wanted: Wanted) -> Wanted:
    return needs(wanted, node.field)


def _columns(node: IPLocation, columns: Columns) -> Columns:
    return plus(columns, *node.made)


def _stream(node: IPLocation, context: Context) -> Stream:
    geo = context.geo
    if geo is None:

        def unchanged(rows: Iterable[Row]) -> Iterator[Row]:
            for row in rows:
                if node.field in row:
                    context.warn(NO_DATABASE, f"iplocation {node.field}")
                yield row

        return unchanged
    if node.lang != "en":
        context.warn("iplocation-lang", f"place names are in English, not in {node.lang!r}")
    return _locating(node, context, geo)


def _locating(node: IPLocation, context: Context, geo: Geo) -> Stream:
    first_only = FIRST_ONLY in context.env.switches
    empty = NO_EMPTY not in context.env.switches
    names = MORE_FIELDS if node.allfields else FIELDS

    def locate(values: tuple[str, ...]) -> Mapping[str, str] | None:
        for value in values[:1] if first_only else values:
            found = geo.locate(value)
            if found is not None:
                return found
        return None

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            place = locate(texts(value)) if value is not None else None
            if place is not None:
                for name in names:
                    if name in place or empty:
                        row[node.prefix + name] = place.get(name, "")
            yield row

    return stream


def _made(node: IPLocation, name: str) -> Sources:
    return (computed((node.field,)), copy(name)) if name in node.made else (copy(name),)


IPLOCATION = Command(
    name="iplocation",
    syntax="iplocation [prefix=<text>] [allfields=<bool>] [lang=<language>] <field>",
    doc="Adds City, Country, Region, lat and lon for the IP address in a field; `allfields` adds "
    "Continent, MetroCode and Timezone. `prefix` is put before the names. Needs a geolocation "
    "database (`--geo FILE.mmdb`). An address without a location, such as a private address, "
    "adds no fields. For a multivalue field, the first address with a location is used. Names "
    "are in English.",
    examples=(
        Example("* | iplocation ip | table ip Country", ({"ip": "10.0.0.1", "Country": None},), ('{"ip":"10.0.0.1"}',)),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    resources=lambda node: Resources(geo=True),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/iplocation",
)
