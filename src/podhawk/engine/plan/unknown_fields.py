"""Fields that a search names and that nothing can have: typos, which Splunk and podhawk answer with silence.

There are two kinds: a field of the input that is not in the schema of audit events and that no command makes, and a
field behind a command that leaves known columns (`stats`, `table`), none of which has this name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from podhawk.commands.declare import Stage
from podhawk.commands.fillnull import FillNull
from podhawk.engine.plan.lineage import sources
from podhawk.errors import nearest
from podhawk.events.schema import CARRIERS, known, suggestions


class UnknownField(Struct, frozen=True):
    """A name, and the remedy that names the nearest known one (or ""). `column` says that it is one of the second
    kind."""

    name: str
    remedy: str
    column: bool = False

    @property
    def message(self) -> str:
        return f"{'the rows at this point' if self.column else 'audit events'} have no field {self.name!r}"


def unknown_fields(stages: Sequence[Stage]) -> list[UnknownField]:
    """The fields of both kinds, by name. A name with a wildcard, or with the prefix of a carrier, is taken for
    known."""
    # fillnull fills a misspelt field as well; it makes none.
    making = [stage for stage in stages if not isinstance(stage.node, FillNull)]
    found = {
        name: UnknownField(name, suggestions(name))
        for name in fields_read(stages)
        if not known(name) and not name.startswith(CARRIERS) and not _made(name, making)
    }
    for one in _unknown_columns(stages):
        found.setdefault(one.name, one)
    return [found[name] for name in sorted(found)]


def fields_read(stages: Sequence[Stage]) -> frozenset[str]:
    """The event fields that the stages name. Behind a stage that may read or rename any field, no name is certain."""
    wanted: frozenset[str] = frozenset()
    for stage in reversed(stages):
        reads = stage.command.reads(stage.node, wanted)
        wanted = reads if reads is not None else stage.command.reads(stage.node, frozenset()) or frozenset()
    return wanted


def _made(name: str, stages: Sequence[Stage]) -> bool:
    """Whether a stage may make a field from anything but itself: not a copy, not an aggregation of itself."""
    return any(made.of != frozenset({name}) for stage in stages for made in sources(stage, name))


def _unknown_columns(stages: Sequence[Stage]) -> Iterator[UnknownField]:
    columns: tuple[str, ...] | None = None
    for stage in stages:
        if columns is not None and not isinstance(stage.node, FillNull):
            for name in sorted(stage.command.reads(stage.node, frozenset()) or ()):
                if name not in columns and "*" not in name and not name.startswith("_"):
                    yield UnknownField(name, _nearest_column(name, columns), column=True)
        columns = stage.command.columns(stage.node, columns)


def _nearest_column(name: str, columns: Sequence[str]) -> str:
    return nearest(name, columns) or f"Fields at this point: {', '.join(columns[:12])}."
