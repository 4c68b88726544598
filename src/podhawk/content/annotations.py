"""Annotations that content does not state but that follow from it.

The ATT&CK facts (technique names and tactics, tactic names and kill chain phases) are a data file,
`attack.json`: techniques of the Containers matrix and all that published Kubernetes and cloud
detections name. An identifier outside it keeps its number and gets no tactics. `attack_ids.txt` says which exist.

The rules for NIST, CIS, kill chain and severity are those of Splunk's contentctl.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from podhawk.content.model import Severity


class Tactic(Struct, frozen=True):
    """An ATT&CK tactic."""

    id: str
    name: str
    kill_chain: str


class Technique(Struct, frozen=True):
    """An ATT&CK technique with its tactics, in matrix order. `known` is false outside the table."""

    id: str
    name: str
    tactics: tuple[Tactic, ...] = ()
    known: bool = True


@cache
def _table() -> tuple[dict[str, Tactic], dict[str, Technique]]:
    text = Path(__file__).with_name("attack.json").read_bytes()
    data = msgspec.json.decode(text)
    tactics = {row["id"]: Tactic(row["id"], row["name"], row["kill_chain"]) for row in data["tactics"]}
    techniques = {
        id_: Technique(id_, row["name"], tuple(tactics[t] for t in row["tactics"]))
        for id_, row in data["techniques"].items()
    }
    return tactics, techniques


def technique(id_: str) -> Technique:
    """The technique of that id (`T1552.007`); an unknown sub-technique has its parent's tactics."""
    techniques = _table()[1]
    key = id_.strip().upper()
    found = techniques.get(key)
    if found is not None:
        return found
    parent = techniques.get(key.split(".")[0])
    return Technique(key, key, parent.tactics if parent else (), known=False)


@cache
def attack_ids() -> frozenset[str]:
    """Every id of a technique or sub-technique of ATT&CK for Enterprise, also of those without a name here."""
    text = Path(__file__).with_name("attack_ids.txt").read_text(encoding="utf-8")
    found: set[str] = set()
    for word in (word for line in text.splitlines() if not line.startswith("#") for word in line.split()):
        parent, _, parts = word.partition(":")
        found.add(parent)
        for part in filter(None, parts.split(",")):
            first, _, last = part.partition("-")
            found.update(f"{parent}.{number:03}" for number in range(int(first), int(last or first) + 1))
    return frozenset(found)


def techniques() -> tuple[Technique, ...]:
    """Every technique of the table."""
    return tuple(_table()[1].values())


def tactics() -> tuple[Tactic, ...]:
    """Every tactic, in matrix order."""
    return tuple(_table()[0].values())


def kill_chain_phases(ids: Iterable[str]) -> tuple[str, ...]:
    """The kill chain phases that the techniques' tactics stand for, each once, sorted."""
    return tuple(sorted({tactic.kill_chain for id_ in ids for tactic in technique(id_).tactics}))


def nist(type_: str) -> tuple[str, ...]:
    """The function of NIST's framework: continuous monitoring for a TTP, else anomalies and events."""
    return ("DE.CM",) if type_.upper() == "TTP" else ("DE.AE",)


def cis20(security_domain: str) -> tuple[str, ...]:
    """The CIS control that detections of a security domain belong to."""
    return ("CIS 13",) if security_domain.lower() == "network" else ("CIS 10",)


def severity(score: int | None) -> Severity:
    """The band of a risk score from 0 to 100; a detection that scores nothing is high."""
    if score is None:
        return "high"
    for limit, name in _BANDS:
        if score <= limit:
            return name
    return "critical"


_BANDS: tuple[tuple[int, Severity], ...] = ((20, "informational"), (40, "low"), (60, "medium"), (80, "high"))
