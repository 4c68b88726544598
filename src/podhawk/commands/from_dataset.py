"""from: the rows of a dataset."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stage, always
from podhawk.commands.properties import Effect, effect, immutable
from podhawk.commands.search import audit_search
from podhawk.commands.shared.auditmodel import is_audit
from podhawk.commands.shared.datasets import (
    Dataset,
    check_dataset,
    dataset_resources,
    dataset_table,
    parse_dataset,
    render_dataset,
)
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor


class From(Struct, frozen=True):
    dataset: Dataset


def _parse(cursor: Cursor) -> From:
    dataset = parse_dataset(cursor)
    if dataset is None:
        cursor.fail("expected a dataset such as datamodel:Risk.All_Risk or lookup:NAME")
    cursor.finish()
    return From(dataset)


def _generate(node: From, context: Context) -> Table:
    return dataset_table(node.dataset, context)


def _over_events(node: From, later: Sequence[Stage]) -> str:
    """Over audit events: their fields with the names of the model beside them."""
    dataset = node.dataset
    return audit_search("", later) if dataset.kind == "datamodel" and is_audit(dataset.name) else ""


FROM = Command(
    name="from",
    syntax="from datamodel:<data model>.<dataset> | from lookup:<name>",
    doc="Returns the rows of a dataset: a lookup table, the data models Risk and Findings, which contain the "
    "results of detections, or Kubernetes.Audit, the events under CIM names. An empty data model gives a "
    "warning. Other data models and saved searches are refused.",
    examples=(
        Example("| from datamodel:Risk.All_Risk | stats count", ({"count": "0"},)),
        Example("| from datamodel Risk.All_Risk | search risk_object=alice | stats count", ({"count": "0"},)),
    ),
    parse=_parse,
    render=lambda node: render_dataset(node.dataset),
    kind=always(Kind.GENERATING),
    reads=lambda node, wanted: frozenset(),
    columns=lambda node, columns: None,
    generate=_generate,
    over_events=_over_events,
    check=lambda node, context: check_dataset(node.dataset, context),
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    resources=lambda node: dataset_resources(node.dataset),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/from",
)
