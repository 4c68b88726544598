"""The lookup tables that a search names."""

from __future__ import annotations

from collections.abc import Iterator

from podhawk.commands.datasets import Dataset
from podhawk.commands.declare import Stage
from podhawk.commands.inputlookup import InputLookup
from podhawk.commands.lookup import LookUp
from podhawk.commands.outputlookup import OutputLookup
from podhawk.engine.plan.pipelines import parts_of


def lookups_of(stage: Stage) -> Iterator[str]:
    """The names of the tables that a command reads or writes, not those of the pipelines that it holds."""
    match stage.node:
        case LookUp(table=name) | InputLookup(table=name) | OutputLookup(table=name):
            yield name
        case node:
            for part in parts_of(node):
                if isinstance(part, Dataset) and part.kind in ("lookup", "inputlookup"):
                    yield part.name
