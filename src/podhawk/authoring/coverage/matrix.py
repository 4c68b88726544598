"""The matrix: every technique of the Containers platform under each of its tactics, with the detections that name it.

The facts of the platform are `containers.json` (which techniques, of which ATT&CK version); names and tactics come
from the table that the rest of podhawk uses. A parent technique counts as covered through its sub-techniques, never
the other way round: a detection for T1552 says nothing about the container API in particular.

Source: https://attack.mitre.org/matrices/enterprise/containers/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

from podhawk.authoring.testing.results import CaseResult, of
from podhawk.content.annotations import Tactic, Technique, tactics, technique
from podhawk.content.model import Content, Detection
from podhawk.engine.plan.runnable import Runnable, runnability

CoverageState = Literal["proven", "claimed", "gap"]


class Platform(msgspec.Struct, frozen=True):
    """The facts of a platform's matrix: ATT&CK's version, the domain, and the platform's techniques."""

    attack: str
    domain: str
    platform: str
    techniques: tuple[str, ...]


@cache
def platform() -> Platform:
    """The Containers platform."""
    text = resources.files("podhawk.authoring.coverage").joinpath("containers.json").read_bytes()
    return msgspec.json.decode(text, type=Platform)


class Covered(Struct, frozen=True):
    """One technique. `detections` name it or a sub-technique of it, `proven` are those of them whose tests pass;
    `direct` says that one names the technique itself."""

    technique: Technique
    detections: tuple[str, ...]
    proven: tuple[str, ...]
    direct: bool

    @property
    def state(self) -> CoverageState:
        """gap: nothing names it; claimed: something does; proven: and its tests pass."""
        return "proven" if self.proven else "claimed" if self.detections else "gap"


class Coverage(Struct, frozen=True):
    """The matrix by tactic, the techniques that content names outside it, and whether tests were looked at.

    `cannot_run` are detections whose claims no test can prove here, with the reason.
    """

    platform: Platform
    matrix: tuple[tuple[Tactic, tuple[Covered, ...]], ...]
    outside: tuple[Covered, ...]
    tested: bool
    cannot_run: tuple[tuple[str, str], ...] = ()

    @property
    def techniques(self) -> tuple[Covered, ...]:
        """Every technique of the matrix, once."""
        return tuple({one.technique.id: one for _, row in self.matrix for one in row}.values())

    @property
    def gaps(self) -> tuple[Covered, ...]:
        """What nothing covers; where tests were looked at, what no test proves."""
        return tuple(one for one in self.techniques if not (one.proven if self.tested else one.detections))


def cover(
    detections: Sequence[Detection], results: Sequence[CaseResult] | None = None, content: Content | None = None
) -> Coverage:
    """The coverage that these detections claim and, with test results, what the tests prove.

    A detection is proven where it has a test that passed and none that failed. With the content that the detections
    belong to, those that cannot run are told.
    """
    facts = platform()
    proven = {one.name for one in detections if _passes(of(one, results or ()))}

    def covered(id_: str) -> Covered:
        users = [one for one in detections if any(_same_or_under(name, id_) for name in one.mitre_attack_id)]
        return Covered(
            technique(id_),
            tuple(one.name for one in users),
            tuple(one.name for one in users if one.name in proven),
            any(name.strip().upper() == id_ for one in users for name in one.mitre_attack_id),
        )

    every = [covered(id_) for id_ in facts.techniques]
    matrix = tuple((tactic, tuple(one for one in every if tactic in one.technique.tactics)) for tactic in tactics())
    named = {name.strip().upper() for one in detections for name in one.mitre_attack_id}
    return Coverage(
        facts,
        tuple((tactic, row) for tactic, row in matrix if row),
        tuple(covered(id_) for id_ in sorted(named - set(facts.techniques))),
        results is not None,
        tuple(_cannot_run(detections, content)) if content is not None else (),
    )


def _cannot_run(detections: Sequence[Detection], content: Content) -> Iterator[tuple[str, str]]:
    for one in detections:
        answer = runnability(one, content)
        if not isinstance(answer, Runnable):
            yield one.name, answer.message


def _passes(tested: Sequence[CaseResult]) -> bool:
    outcomes = {one.outcome for one in tested}
    return "passed" in outcomes and "failed" not in outcomes


def _same_or_under(name: str, id_: str) -> bool:
    written = name.strip().upper()
    return written == id_ or written.startswith(f"{id_}.")
