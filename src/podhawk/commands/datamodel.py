"""datamodel: the rows of a data model's dataset."""

from __future__ import annotations

from collections.abc import Sequence

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stage, always
from podhawk.commands.properties import Effect, Resources, effect, immutable
from podhawk.commands.search import audit_search
from podhawk.commands.shared.auditmodel import PREFIX, is_audit
from podhawk.commands.shared.datasets import Dataset, check_model, model_rows
from podhawk.commands.shared.names import shown
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed

_OPTIONS = ("strict_fields", "allow_old_summaries", "summariesonly")


class DataModel(Placed, frozen=True):
    """`flat` gives plain field names, else they stand under the dataset's name."""

    model: str
    dataset: str
    flat: bool = False
    at: Dataset = Dataset("datamodel", "")


def _parse(cursor: Cursor) -> DataModel:
    at = Dataset("datamodel", "", cursor.at, cursor.source)
    words: list[str] = []
    while not cursor.done:
        for name, value in cursor.options(_OPTIONS).items():
            cursor.boolean(value, name)
        if not cursor.done:
            words.append(cursor.name("a word"))
    if len(words) != 3:
        raise at.error(
            "datamodel: expected a data model, a dataset, and search or flat",
            "For example: | datamodel Risk All_Risk search.",
        )
    mode = words[2].lower()
    if mode not in ("search", "flat"):
        raise at.error(f"datamodel: mode {words[2]!r} is not supported; use search or flat")
    return DataModel(words[0], words[1], mode == "flat", at)


def _generate(node: DataModel, context: Context) -> Table:
    return Table(list(model_rows(context, node.model, node.dataset, "" if node.flat else node.dataset)), None)


def _over_events(node: DataModel, later: Sequence[Stage]) -> str:
    """Over audit events: their fields with the names of the model beside them. What the next search demands of these
    fields is demanded of the events already."""
    if not is_audit(node.model):
        return ""
    return audit_search("" if node.flat else PREFIX, later)


DATAMODEL = Command(
    name="datamodel",
    syntax="datamodel <data model> <dataset> search|flat",
    doc="Returns the rows of a data model: Risk and Findings, the results of detections, or Kubernetes Audit, the"
    " events under CIM names. With `search`, fields are named `All_Risk.risk_object` and so on; with `flat`, "
    "they have no prefix. Other data models are refused.",
    examples=(
        Example("| datamodel Risk All_Risk search | stats count", ({"count": "0"},)),
        Example("| datamodel Risk All_Risk flat | stats count", ({"count": "0"},)),
        Example(
            "| datamodel Kubernetes Audit search | search Audit.action=created | table Audit.user Audit.action",
            ({"Audit.user": "ann", "Audit.action": "created"},),
            ('{"verb":"create","user":{"username":"ann"}}', '{"verb":"get","user":{"username":"bob"}}'),
        ),
    ),
    parse=_parse,
    render=lambda node: f"{shown(node.model)} {shown(node.dataset)} {'flat' if node.flat else 'search'}",
    kind=always(Kind.GENERATING),
    reads=lambda node, wanted: frozenset(),
    columns=lambda node, columns: None,
    generate=_generate,
    over_events=_over_events,
    check=lambda node, context: check_model(node.at, node.model, node.dataset),
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    resources=lambda node: Resources(models=(f"{node.model}.{node.dataset}",)),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/datamodel",
)
