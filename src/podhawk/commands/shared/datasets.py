"""Datasets that a search can name: lookup tables, and the data models Risk and Findings.

Podhawk keeps two data models, which are what its own detections write: Risk, as Splunk has it, and Findings (findings
and incidents). Their rows come from `Context.datasets` under plain field names; `tstats` and `datamodel … search` see
them as `All_Risk.risk_object`, `from` as `risk_object`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from podhawk.commands.context import Context, place, table_of
from podhawk.commands.properties import Resources
from podhawk.commands.shared.auditmodel import DATASET, MODEL, is_audit
from podhawk.commands.shared.names import shown
from podhawk.errors import SearchError, nearest
from podhawk.lazy import lazy_pattern
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

MODELS = {"Risk": ("All_Risk",), "Findings": ("All_Findings", "Incidents"), MODEL: (DATASET,)}
"""Each data model with its datasets, the root one first."""
_TYPE = lazy_pattern(r"(datamodel|inputlookup|lookup|savedsearch)(\s*:\s*|\s+)(?=[\w\"'])", re.IGNORECASE)
_INHERITED = frozenset({"host", "source", "sourcetype", "index"})
EMPTY = "the data model {} is empty; name the --state of an earlier run to read its results"


class Dataset(Placed, frozen=True):
    """A dataset by its type (datamodel, lookup, inputlookup, savedsearch) and name."""

    kind: str
    name: str
    at: int = 0
    source: SearchText | None = None

    def error(self, message: str, remedy: str = "") -> SearchError:
        return place(self.source, self.at, message, remedy)


def parse_dataset(cursor: Cursor, *, colon: bool = False) -> Dataset | None:
    """`type:name` or, unless `colon` is asked for, `type name`; None if no dataset stands next."""
    found = cursor.looking_at(_TYPE)
    if not found or (colon and ":" not in found[2]):
        return None
    cursor.at = at = found.end()
    return Dataset(found[1].lower(), dotted(cursor, "the name of a dataset"), at, cursor.source)


def dotted(cursor: Cursor, what: str) -> str:
    """A name whose parts may be in quotes of their own: `"Risk"."All_Risk"`."""
    name = cursor.name(what)
    while cursor.take("."):
        name += f".{cursor.name(what)}"
    return name


def render_dataset(dataset: Dataset) -> str:
    return f"{dataset.kind}:{shown(dataset.name)}"


def check_dataset(dataset: Dataset, context: Context) -> None:
    """Refuse what cannot be read. Raises SearchError or ContentError."""
    if dataset.kind == "savedsearch":
        raise dataset.error(
            f"saved search {dataset.name!r} is not available: podhawk has no saved searches",
            "Write the search itself in square brackets.",
        )
    if dataset.kind == "datamodel":
        check_model(dataset, *split_model(dataset.name))
        if is_audit(dataset.name):
            raise dataset.error(
                f"the data model {MODEL} is made of the events of the search, and cannot stand here",
                f"Write it as a subsearch: [| from datamodel:{dataset.name}].",
            )
    else:
        table_of(context, dataset.name, dataset.source, dataset.at)


def dataset_resources(dataset: Dataset) -> Resources:
    """The table or data model that a dataset reads."""
    return Resources(models=(dataset.name,)) if dataset.kind == "datamodel" else Resources(lookups=(dataset.name,))


def split_model(name: str) -> tuple[str, str]:
    """A data model's name and the dataset in it."""
    model, _, inner = name.partition(".")
    return model, inner or MODELS.get(model, ("",))[0]


def needs_model(model: str) -> str:
    return f"needs the data model {model}"


def check_model(dataset: Dataset, model: str, inner: str) -> None:
    if model not in MODELS:
        raise dataset.error(
            f"this search {needs_model(model)}, which podhawk does not have",
            nearest(model, MODELS) or f"podhawk has the data models {', '.join(MODELS)}.",
        )
    if inner not in MODELS[model]:
        raise dataset.error(
            f"data model {model} has no dataset {inner!r}",
            f"Known datasets: {', '.join(f'{model}.{name}' for name in MODELS[model])}.",
        )


def dataset_table(dataset: Dataset, context: Context) -> Table:
    """The rows of a dataset; an empty cell of a lookup table is an absent field."""
    if dataset.kind == "datamodel":
        return Table(list(model_rows(context, *split_model(dataset.name))), None)
    lookup = context.lookups.get(dataset.name)
    rows = [
        Row(((name, value) for name, value in cells.items() if value != ""), OrderKey(0.0, 0.0, (number,)))
        for number, cells in enumerate(lookup.rows)
    ]
    return Table(rows, tuple(lookup.fields))


@lru_cache(maxsize=1024)
def _prefixed(names: tuple[str, ...], prefix: str) -> tuple[str, ...]:
    """The names of the fields of a row under a prefix."""
    return tuple(name if name.startswith("_") or name in _INHERITED else f"{prefix}.{name}" for name in names)


def model_rows(context: Context, model: str, inner: str, prefix: str = "") -> Iterator[Row]:
    """The rows of a data model's dataset, their fields under `prefix.` where one is given."""
    empty = True
    for row in context.datasets.rows(model, inner):
        empty = False
        if not prefix:
            yield Row(row, row.order)
            continue
        named = Row(zip(_prefixed(tuple(row), prefix), row.values(), strict=True), row.order)
        named["nodename"] = prefix
        yield named
    if empty:
        context.warn(f"{model.lower()}-empty", EMPTY.format(model))
