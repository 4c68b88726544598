"""Places by address, out of an MMDB file that the user names.

Two layouts of city databases are read: MaxMind's (GeoIP2 and GeoLite2 City) and DB-IP's, which has the same
shape with fewer members. Names are taken in English, and where a record has none in English, in the first
language it has. What a record lacks is left out.

Source: https://maxmind.github.io/MaxMind-DB/ and
https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/iplocation
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from podhawk.errors import Place, UsageError
from podhawk.rows import as_text

if TYPE_CHECKING:
    import maxminddb

_REMEMBERED: Final = 20_000
LANGUAGE: Final = "en"


class MmdbGeo:
    """A city database. `name` tells which one, with the day it was built, for the report of a run."""

    def __init__(self, reader: maxminddb.Reader, path: str = "") -> None:
        self._reader = reader
        self.path = path
        self._known: dict[str, Mapping[str, str] | None] = {}
        metadata = reader.metadata()
        built = datetime.fromtimestamp(metadata.build_epoch, UTC)
        self.name = f"{metadata.database_type} {built:%Y-%m-%d}"

    def locate(self, address: str) -> Mapping[str, str] | None:
        """City, Country, Region, lat, lon, Continent, MetroCode and Timezone, as far as they are known.

        None for an address that the database does not have and for text that is no address. A network in
        CIDR form is located by its first address.
        """
        if address not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[address] = self._look_up(address)
        return self._known[address]

    def _look_up(self, address: str) -> Mapping[str, str] | None:
        try:
            place = ipaddress.ip_interface(address.strip()).ip
            record = self._reader.get(place)
        except ValueError:
            # No address, or an IPv6 address in a database of IPv4 only.
            return None
        return describe(record) if isinstance(record, dict) else None

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()


def describe(record: Mapping[str, Any]) -> Mapping[str, str] | None:
    """A record as the fields that `iplocation` knows; None if it tells none of them."""
    location = _member(record, "location")
    subdivisions = record.get("subdivisions")
    region = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else None
    found = {
        "City": _named(record.get("city")),
        "Country": _named(record.get("country")),
        "Region": _named(region),
        "lat": _text(location.get("latitude")),
        "lon": _text(location.get("longitude")),
        "Continent": _named(record.get("continent")),
        "MetroCode": _text(location.get("metro_code")),
        "Timezone": _text(location.get("time_zone")),
    }
    known = {name: value for name, value in found.items() if value}
    return known or None


def open_geo(path: str) -> MmdbGeo:
    """The database in a file. Raises UsageError if it cannot be read or is no such database."""
    import maxminddb

    place = Place(path)
    if not Path(path).is_file():
        raise UsageError(
            "no such file",
            place=place,
            remedy="--geo takes a .mmdb file, such as DB-IP City Lite or GeoLite2 City.",
        )
    try:
        return MmdbGeo(maxminddb.open_database(path), path)
    except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
        raise UsageError(
            f"not a MaxMind database: {error}", place=place, remedy="--geo takes an uncompressed .mmdb file."
        ) from None


def _member(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _named(part: Any) -> str:
    """The name of a place: `{"names": {"en": …}}`, or the name itself."""
    if isinstance(part, str):
        return part
    names = part.get("names") if isinstance(part, dict) else None
    if not isinstance(names, dict) or not names:
        return ""
    return _text(names.get(LANGUAGE, next(iter(names.values()))))


def _text(value: Any) -> str:
    return as_text(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
