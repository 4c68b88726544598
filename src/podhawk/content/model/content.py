"""Everything that was loaded."""

from __future__ import annotations

from msgspec import Struct, field

from podhawk.content.model.detection import Detection
from podhawk.content.model.problem import ContentProblem
from podhawk.content.model.supporting import (
    Baseline,
    Carried,
    DataSource,
    Deployment,
    Investigation,
    LookupDefinition,
    Macro,
    Story,
)
from podhawk.content.parsed import Parsed


class Content(Struct, frozen=True):
    """Everything that was loaded, and what could not be.

    `macros_of` holds all macros as the detections of a content root see them, by the root, where these differ from
    `macros`.
    """

    detections: tuple[Detection, ...] = ()
    macros: dict[tuple[str, int], Macro] = field(default_factory=dict)
    lookups: dict[str, LookupDefinition] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    data_sources: dict[str, DataSource] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    baselines: tuple[Baseline, ...] = ()
    investigations: tuple[Investigation, ...] = ()
    carried: tuple[Carried, ...] = ()
    lookup_files: dict[str, str] = field(default_factory=dict)
    problems: tuple[ContentProblem, ...] = ()
    macros_of: dict[str, dict[tuple[str, int], Macro]] = field(default_factory=dict)
    parsed: Parsed = field(default_factory=Parsed)

    def __post_init__(self) -> None:
        if self.parsed.macros is None:
            self.parsed.macros = self.macros

    def macros_for(self, detection: Detection) -> dict[tuple[str, int], Macro]:
        """The macros that a detection sees: those of its content root, where another one defines them otherwise."""
        return self.macros_of.get(detection.home, self.macros)

    def keep(self) -> None:
        """Keep what was read and parsed for the next run, where there is a place for it."""
        self.parsed.save([getattr(self, one) for one in self.__struct_fields__ if one != "parsed"])

    def deployment_for(self, detection: Detection) -> Deployment | None:
        """The detection's own schedule, the one it names, that of one of its stories, or the default of its type."""
        if detection.deployment is not None:
            return detection.deployment
        if detection.schedule in self.deployments:
            return self.deployments[detection.schedule]
        stories = {name.lower() for name in detection.analytic_story}
        wanted = detection.type.lower()
        every = self.deployments.values()
        return next(
            (one for one in every if not stories.isdisjoint(name.lower() for name in one.analytic_story)),
            next((one for one in every if one.type.lower() == wanted and not one.analytic_story), None),
        )
