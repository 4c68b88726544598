"""`/coverage`: the ATT&CK matrix for Containers and the Threat Matrix for Kubernetes, by what detections claim and by
what fired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from podhawk.authoring.coverage import cover, summary
from podhawk.authoring.coverage.threats import threat_matrix
from podhawk.content.selection import select
from podhawk.serve.console.content.volumes import DetectionVolume, volumes
from podhawk.serve.console.loaded_content import loaded_site
from podhawk.serve.console.page import Page, Visit


class MatrixCell(Struct, frozen=True):
    """A technique: the detections that claim it, how many visible findings they made, and where a click leads ("": the
    matrix names no ATT&CK technique for it)."""

    id: str
    name: str
    detections: tuple[str, ...]
    fired: int
    link: str

    @property
    def state(self) -> str:
        """fired, claimed or gap."""
        return "fired" if self.fired else "claimed" if self.detections else "gap"


Matrix = list[tuple[str, list[MatrixCell]]]


def view(visit: Visit) -> Mapping[str, Any]:
    """Both matrices."""
    site = loaded_site(visit.console)
    chosen = select(site.content, site.settings["only"], site.settings["exclude"])
    found = volumes(visit.console.kept.path, visit.token.clusters)
    by_name = {one.name: found.get(one.key, DetectionVolume()).visible for one in chosen}
    coverage = cover(chosen, None, None)
    attack: Matrix = [
        (
            tactic.name,
            [_cell(one.technique.id, one.technique.name, one.detections, by_name, (one.technique.id,)) for one in row],
        )
        for tactic, row in coverage.matrix
    ]
    threats: Matrix = [
        (name, [_cell(one.id, one.name, one.detections, by_name, one.attack) for one in row])
        for name, row in threat_matrix(chosen)
    ]
    which = "threats" if visit.asked("matrix") == "threats" else "attack"
    matrix = threats if which == "threats" else attack
    return {
        "which": which,
        "matrix": matrix,
        "counts": _counts(matrix),
        "lines": summary(coverage) if which == "attack" else (),
        "outside": list(coverage.outside) if which == "attack" else [],
    }


def _cell(
    id_: str, name: str, detections: tuple[str, ...], fired: Mapping[str, int], attack: Sequence[str]
) -> MatrixCell:
    link = f"/content?technique={attack[0]}" if attack else ""
    return MatrixCell(id_, name, detections, sum(fired.get(one, 0) for one in detections), link)


def _counts(matrix: Iterable[tuple[str, list[MatrixCell]]]) -> dict[str, int]:
    """How many techniques are in each state; each counts once."""
    every = {one.id: one for _, row in matrix for one in row}.values()
    return {state: sum(one.state == state for one in every) for state in ("fired", "claimed", "gap")}


COVERAGE: Final = Page("/coverage", "Coverage", "viewer", "coverage.html", view, place="Coverage", key="v")
