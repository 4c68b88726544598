"""All noise classes, and the pass that finds their members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from msgspec import Struct, field

from podhawk.detect.finding import NoiseAction, NoiseHit
from podhawk.detect.match import Match
from podhawk.detect.noise.baseline import BASELINE, OUTSIDE
from podhawk.detect.noise.controllers import CONTROLLERS
from podhawk.detect.noise.declare import NoiseClass
from podhawk.detect.noise.denied import DENIED
from podhawk.detect.noise.dryrun import DRY_RUN
from podhawk.detect.noise.habit import HABIT
from podhawk.detect.noise.loopback import LOOPBACK
from podhawk.detect.noise.operators import OPERATORS
from podhawk.detect.noise.ordinary import ORDINARY
from podhawk.detect.noise.probes import PROBES
from podhawk.detect.noise.repeats import REPEATS
from podhawk.detect.noise.reported import REPORTED
from podhawk.detect.noise.stages import STAGES
from podhawk.detect.noise.subresource import SUBRESOURCE
from podhawk.errors import UsageError, nearest

NOISE_CLASSES: Final[tuple[NoiseClass, ...]] = (
    SUBRESOURCE,
    STAGES,
    DRY_RUN,
    DENIED,
    CONTROLLERS,
    REPEATS,
    REPORTED,
    HABIT,
    ORDINARY,
    BASELINE,
    OUTSIDE,
    PROBES,
    LOOPBACK,
    OPERATORS,
)
ACTIONS: Final = (*get_args(NoiseAction), "off")


class NoisePolicy(Struct, frozen=True):
    """What becomes of the members of each class: its own choice, or what `[noise]` of podhawk.toml says."""

    chosen: Mapping[str, str] = field(default_factory=dict)

    def action(self, one: NoiseClass) -> str:
        return self.chosen.get(one.name, one.action)


def policy_of(table: Mapping[str, Any]) -> NoisePolicy:
    """The policy that a `[noise]` table states. Raises UsageError for unknown classes and actions."""
    names = [one.name for one in NOISE_CLASSES]
    for name, action in table.items():
        if name not in names:
            raise UsageError(f"unknown class {name!r} in [noise]", remedy=nearest(name, names))
        if action not in ACTIONS:
            raise UsageError(
                f"{name} in [noise] must be one of {', '.join(ACTIONS)}, not {action!r}",
                remedy=nearest(str(action), ACTIONS),
            )
    return NoisePolicy(dict(table))


def with_noise(
    matches: Sequence[Match],
    policy: NoisePolicy,
    *,
    late: bool = False,
    told: Mapping[str, Sequence[bool]] | None = None,
) -> list[Match]:
    """The matches with the noise classes that they belong to: those that come before the priority, or the late ones.
    `told` are the members of classes that are known already."""
    given = told or {}
    hits: list[list[NoiseHit]] = [[] for _ in matches]
    for one in NOISE_CLASSES:
        action = policy.action(one)
        if action == "off" or one.late is not late:
            continue
        for number, member in enumerate(given[one.name] if one.name in given else one.members(matches)):
            known = matches[number].known
            if member or (one.of_events and known is not None and one.name in known.classes):
                hits[number].append(NoiseHit(one.name, action))  # type: ignore[arg-type]
    return [
        match.having(noise=(*match.finding.noise, *found)) if found else match
        for match, found in zip(matches, hits, strict=True)
    ]
