"""The Threat Matrix for Kubernetes: its techniques by tactic, with the detections for each.

Detections name techniques of ATT&CK. The matrix says which of these each of its techniques stands for, often one for
several of them. So a technique here is *claimed* if a detection names one of its ATT&CK techniques, which may mean
another one that stands for the same. Techniques for which the matrix names none cannot be claimed that way.

Source: https://microsoft.github.io/Threat-Matrix-for-Kubernetes/
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from podhawk.content.model import Detection


class ThreatTechnique(Struct, frozen=True):
    """A technique of the matrix: its id and name, the ATT&CK techniques that it stands for, and the detections that
    name one of these or a sub-technique."""

    id: str
    name: str
    attack: tuple[str, ...]
    detections: tuple[str, ...] = ()


class _Named(Struct, frozen=True):
    name: str
    attack: tuple[str, ...]


class _Tactic(Struct, frozen=True):
    name: str
    techniques: tuple[str, ...]


class _Facts(Struct, frozen=True):
    source: str
    techniques: dict[str, _Named]
    tactics: tuple[_Tactic, ...]


@cache
def _facts() -> _Facts:
    text = resources.files("podhawk.authoring.coverage").joinpath("threat_matrix.json").read_bytes()
    return msgspec.json.decode(text, type=_Facts)


def threat_matrix(detections: Sequence[Detection]) -> list[tuple[str, list[ThreatTechnique]]]:
    """The techniques by tactic, in the order of the matrix."""
    facts = _facts()

    def of(id_: str) -> ThreatTechnique:
        known = facts.techniques[id_]
        names = (one.name for one in detections if any(_under(own, known.attack) for own in one.mitre_attack_id))
        return ThreatTechnique(id_, known.name, known.attack, tuple(names))

    return [(one.name, [of(id_) for id_ in one.techniques]) for one in facts.tactics]


def _under(name: str, attack: Sequence[str]) -> bool:
    written = name.strip().upper()
    return any(written == one or written.startswith(f"{one}.") for one in attack)
