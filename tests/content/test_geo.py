"""Places by address, out of real database files of both layouts in use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.geo import open_geo
from podhawk.content.model import Content
from podhawk.errors import PodhawkError
from support import mmdb

CITY = {
    "city": {"names": {"en": "Berlin", "de": "Berlin"}},
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "State of Berlin"}}],
    "continent": {"names": {"en": "Europe"}},
    "location": {"latitude": 52.5, "longitude": 13.25, "time_zone": "Europe/Berlin", "metro_code": 7},
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return mmdb.write(
        tmp_path / "places.mmdb", {"203.0.113.0/24": CITY, "2001:db8::/32": {"country": {"names": {"en": "Chile"}}}}
    )


def test_everything_that_is_known(database: Path) -> None:
    place = open_geo(str(database)).locate("203.0.113.9")
    assert place is not None
    assert {
        "City": "Berlin",
        "Country": "Germany",
        "Region": "State of Berlin",
        "lat": "52.5",
        "lon": "13.25",
        "Continent": "Europe",
        "Timezone": "Europe/Berlin",
    }.items() <= dict(place).items()


def test_ipv6_and_places_of_which_little_is_known(database: Path) -> None:
    place = open_geo(str(database)).locate("2001:db8::7")
    assert place is not None
    assert place["Country"] == "Chile"
    assert "City" not in place


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "not an address", "", "203.0.113.9.1", "1" * 500])
def test_no_place(database: Path, address: str) -> None:
    assert open_geo(str(database)).locate(address) is None


@pytest.mark.parametrize("content", [None, b"", b"not a database", b"\xab\xcd\xefMaxMind.com garbage"])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PodhawkError, match=r"x\.mmdb"):
        open_geo(str(path))


def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text(
        "".join(json.dumps({"ip": ip}) + "\n" for ip in (["203.0.113.9"], ["10.0.0.1"], ["10.0.0.1", "203.0.113.9"]))
    )
    return path


def test_iplocation_reads_the_database(database: Path, tmp_path: Path) -> None:
    rows = list(
        api.search(
            "* | iplocation ip{} | table ip{} City Country Region lat",
            events(tmp_path),
            content=Content(),
            input_format="json",
            geo=str(database),
        )
    )
    berlin = {"City": "Berlin", "Country": "Germany", "Region": "State of Berlin", "lat": "52.5"}
    nothing = dict.fromkeys(berlin)
    assert rows == [
        {"ip{}": "203.0.113.9", **berlin},
        {"ip{}": "10.0.0.1", **nothing},
        {"ip{}": ["10.0.0.1", "203.0.113.9"], **berlin},
    ]


def test_prefix_and_all_fields(database: Path, tmp_path: Path) -> None:
    search = "* | iplocation prefix=g_ allfields=t ip{} | table g_Continent g_Timezone g_Country City"
    row = next(iter(api.search(search, events(tmp_path), content=Content(), input_format="json", geo=str(database))))
    assert row == {"g_Continent": "Europe", "g_Timezone": "Europe/Berlin", "g_Country": "Germany", "City": None}


def test_location_detections_fire_with_a_database(published: Content, shared: Path, tmp_path: Path) -> None:
    """Every address of the corpus is private, so the database places one of those."""
    database = mmdb.write(tmp_path / "lab.mmdb", {"127.0.0.0/8": CITY})
    chosen = [one for one in published.detections if "iplocation" in one.search]
    log = shared / "audit" / "corpus" / "A-metadata.log.gz"
    result = api.rows(published, log, detections=chosen, geo=str(database))
    rows = {one.detection.stem: len(one.result or ()) for one in result.detections}
    assert rows["kubernetes_abuse_of_secret_by_unusual_location"] > 100
    assert rows["kubernetes_access_scanning"] > 0
    assert rows["kubernetes_access_scanning"] == rows["kubernetes_scanning_by_unauthenticated_ip_address"]
