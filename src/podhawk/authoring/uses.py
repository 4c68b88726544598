"""The macros and lookup tables that a search uses, at any depth: in subsearches, legs and templates, and by macros that
call macros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.parse import parse_search
from podhawk.content.model import Content, Detection
from podhawk.engine.plan.pipelines import every_pipeline
from podhawk.engine.plan.planner import expand_search
from podhawk.engine.plan.runnable import content_context
from podhawk.errors import SearchError
from podhawk.spl.macros import MacroDefinition, MacroTable


class Uses(Struct, frozen=True):
    """What a search uses. Names that nothing defines are among them."""

    macros: frozenset[tuple[str, int]]
    lookups: frozenset[str]


class _Recorded(Mapping[tuple[str, int], MacroDefinition]):
    """Macros that remember which of them were asked for."""

    def __init__(self, macros: MacroTable) -> None:
        self._macros = macros
        self.asked: set[tuple[str, int]] = set()

    def __getitem__(self, key: tuple[str, int]) -> MacroDefinition:
        self.asked.add(key)
        return self._macros[key]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._macros)

    def __len__(self) -> int:
        return len(self._macros)


def uses_of(detection: Detection, content: Content) -> Uses | None:
    """What a detection's search uses; None if the search cannot be read."""
    macros = _Recorded(content.macros_for(detection))
    context = replace(content_context(content), macros=macros)
    try:
        text = expand_search(detection.search, macros, detection.search_name, context.env, keep_unknown=True)
        stages = [stage for pipeline in every_pipeline(parse_search(text), context) for stage in pipeline.stages]
    except SearchError:
        return None
    used = [stage.command.resources(stage.node) for stage in stages]
    return Uses(frozenset(macros.asked), frozenset(name for one in used for name in (*one.lookups, *one.written)))
