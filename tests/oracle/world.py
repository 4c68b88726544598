"""The table, the file, the kept rows and the places that generated searches find, for the engine and for the oracle."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from oracle.env import Env, Rows
from oracle.generate_commands import WORDS
from podhawk import api
from podhawk.content.model import Content
from support import mmdb
from support.golden_case import content_for

NOW = 1_000.0
NETWORK = "203.0.113.0/24"
PLACE = {
    "city": {"names": {"en": "Berlin"}},
    "country": {"names": {"en": "Germany"}},
    "location": {"latitude": 52.5, "longitude": 13.25},
}


def table(text: str) -> Rows:
    """The rows of a CSV text, without empty cells."""
    return [{name: cell for name, cell in line.items() if cell} for line in csv.DictReader(io.StringIO(text))]


class World:
    """Both sides of the comparison, over files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "events.jsonl"
        self.geo = str(mmdb.write(folder / "places.mmdb", {NETWORK: PLACE}))
        self.content: Content = content_for({"lookups": {"words": WORDS, "tsidx_words": WORDS}}, folder)
        rows = table(WORDS)
        names = ("words", "words.csv", "tsidx_words")
        known = {"City": "Berlin", "Country": "Germany", "lat": "52.5", "lon": "13.25"}
        self.env = Env(
            tables={name: list(rows) for name in names},
            files={name: list(rows) for name in names},
            places={"203.0.113.9": known},
            source=str(self.path),
        )

    def engine(self, spl: str, exact: bool) -> Rows:
        result = api.search(
            spl,
            self.path,
            content=self.content,
            input_format="json",
            splunk_exact=exact,
            now=str(NOW),
            geo=self.geo,
        )
        return [{name: cell for name, cell in row.items() if cell is not None} for row in result]

    def write(self, events: list[str]) -> None:
        self.path.write_text("".join(event + "\n" for event in events), encoding="utf-8")
