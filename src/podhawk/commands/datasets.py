"""Datasets that a search can name: lookup tables, and the data model Risk.

Of Splunk's data models podhawk keeps one, Risk: it is what its own detections write. Its rows come from
`Context.datasets` under plain field names; `tstats` and `datamodel … search` see them as
`All_Risk.risk_object`, `from` as `risk_object`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from podhawk.commands.context import Context, place
from podhawk.commands.names import shown
from podhawk.errors import SearchError
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import SearchText

MODEL, ROOT = "Risk", "All_Risk"
_TYPE = re.compile(r"(datamodel|inputlookup|lookup|savedsearch)(\s*:\s*|\s+)(?=[\w\"'])", re.IGNORECASE)
_INHERITED = frozenset({"host", "source", "sourcetype", "index"})
EMPTY = "the data model Risk is empty here: nothing has written risk yet"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset by its type (datamodel, lookup, inputlookup, savedsearch) and name."""

    kind: str
    name: str
    at: int = field(default=0, compare=False)
    source: SearchText | None = field(default=None, compare=False, repr=False)

    def error(self, message: str, remedy: str = "") -> SearchError:
        return place(self.source, self.at, message, remedy)


def parse_dataset(cursor: Cursor, *, colon: bool = False) -> Dataset | None:
    """`type:name` or, unless `colon` is asked for, `type name`; None if no dataset stands next."""
    found = cursor.looking_at(_TYPE)
    if not found or (colon and ":" not in found[2]):
        return None
    at = cursor.at
    cursor.at = found.end()
    return Dataset(found[1].lower(), cursor.name("the name of a dataset"), at, cursor.source)


def render_dataset(dataset: Dataset) -> str:
    return f"{dataset.kind}:{shown(dataset.name)}"


def check_dataset(dataset: Dataset, context: Context) -> None:
    """Refuse what cannot be read. Raises SearchError or ContentError."""
    if dataset.kind == "savedsearch":
        raise dataset.error(f"saved search {dataset.name!r} cannot be read: podhawk keeps no saved searches",
                            "Write the search itself, in square brackets.")
    if dataset.kind == "datamodel":
        check_model(dataset, *split_model(dataset.name))
    else:
        context.lookups.get(dataset.name)


def split_model(name: str) -> tuple[str, str]:
    """A data model's name and the dataset in it."""
    model, _, inner = name.partition(".")
    return model, inner or (ROOT if model == MODEL else "")


def check_model(dataset: Dataset, model: str, inner: str) -> None:
    if model != MODEL:
        raise dataset.error(f"data model {model!r} is not supported: podhawk keeps the data model {MODEL} only",
                            "Search the events themselves.")
    if inner != ROOT:
        raise dataset.error(f"data model {MODEL} has no dataset {inner!r}", f"Its dataset is {MODEL}.{ROOT}.")


def dataset_table(dataset: Dataset, context: Context) -> Table:
    """The rows of a dataset; an empty cell of a lookup table is an absent field."""
    if dataset.kind == "datamodel":
        return Table(list(risk_rows(context)), None)
    lookup = context.lookups.get(dataset.name)
    rows = [Row(((name, value) for name, value in cells.items() if value != ""), OrderKey(0.0, 0.0, (number,)))
            for number, cells in enumerate(lookup.rows)]
    return Table(rows, tuple(lookup.fields))


def risk_rows(context: Context, prefix: str = "") -> Iterator[Row]:
    """The rows of the data model Risk, their fields under `prefix.` where one is given."""
    empty = True
    for row in context.datasets.rows(MODEL, ROOT):
        empty = False
        if not prefix:
            yield Row(row, row.order)
            continue
        named = Row(((name if name.startswith("_") or name in _INHERITED else f"{prefix}.{name}", value)
                     for name, value in row.items()), row.order)
        named["nodename"] = prefix
        yield named
    if empty:
        context.warn("risk-empty", EMPTY)
