"""A detection and its parts."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from podhawk.content.model.supporting import Deployment

Form = Literal["tags", "transition", "rba", "findings", "sigma", "falco"]
Severity = Literal["informational", "low", "medium", "high", "critical"]


class RiskObject(Struct, frozen=True):
    """A result field that names who or what gains risk; `type` is user, system or other."""

    field: str
    type: str
    score: int = 0
    message: str = ""


class ThreatObject(Struct, frozen=True):
    """A result field that names what the threat came by, such as an `ip_address`."""

    field: str
    type: str


class AttackData(Struct, frozen=True):
    """Events that a test replays: where they are and how they are indexed."""

    data: str
    source: str = ""
    sourcetype: str = ""
    index: str = ""
    host: str = ""


class ContentTest(Struct, frozen=True):
    """A test that a detection brings. `expected_results` None means one row or more."""

    name: str
    attack_data: tuple[AttackData, ...] = ()
    expected_results: int | None = None
    test_type: str = "unit"
    description: str = ""
    manual: str = ""


class DrilldownSearch(Struct, frozen=True):
    """A search that leads on from a finding. `%original_detection_search%` stands for the detection's."""

    name: str
    search: str
    earliest_offset: str = ""
    latest_offset: str = ""


class Throttling(Struct, frozen=True):
    """How long (`period`, e.g. `86400s`) equal values of `fields` stay quiet after a finding."""

    fields: tuple[str, ...]
    period: str


class Deprecation(Struct, frozen=True):
    """Why a detection went and what takes its place."""

    reason: str = ""
    removed_in: str = ""
    replacements: tuple[str, ...] = ()


class Detection(Struct, frozen=True, kw_only=True):
    """One detection, normalised.

    `generation` is 1 (tags), 2 (rba) or 3 (findings); `form` tells the transition form, which holds
    parts of 1 and 2, from a clean 2. `risk_objects` has every entity that scores, the one of a
    `finding` first. `required_fields` are those the file states; the engine computes the true ones.
    Files that the detection names must lie in the folder `home` ("": in the content root of its file).
    `notes` are disagreements inside the file that do not stop it from loading.
    """

    name: str
    search: str
    id: str = ""
    version: int = 1
    generation: int = 1
    form: Form = "tags"
    status: str = "production"
    type: str = "Anomaly"
    date: str = ""
    creation_date: str = ""
    modification_date: str = ""
    author: str = ""
    description: str = ""
    data_source: tuple[str, ...] = ()
    how_to_implement: str = ""
    known_false_positives: str = ""
    references: tuple[str, ...] = ()
    drilldowns: tuple[DrilldownSearch, ...] = ()
    analytic_story: tuple[str, ...] = ()
    asset_type: str = ""
    mitre_attack_id: tuple[str, ...] = ()
    kill_chain_phases: tuple[str, ...] = ()
    nist: tuple[str, ...] = ()
    cis20: tuple[str, ...] = ()
    cve: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    security_domain: str = ""
    atomic_guid: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    threat_group: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    required_fields: tuple[str, ...] = ()
    message: str = ""
    title: str = ""
    finding_entity: RiskObject | None = None
    risk_objects: tuple[RiskObject, ...] = ()
    threat_objects: tuple[ThreatObject, ...] = ()
    impact: int | None = None
    confidence: int | None = None
    risk_score: int = 0
    severity: Severity = "high"
    throttling: Throttling | None = None
    schedule: str = ""
    deployment: Deployment | None = None
    deprecation: Deprecation | None = None
    tests: tuple[ContentTest, ...] = ()
    filter_macro: str = ""
    file: str = ""
    home: str = ""
    search_line: int = 0
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What identifies the detection across its versions: its id, or its name if it has none."""
        return self.id or self.name

    @property
    def search_name(self) -> str:
        """What errors in its search are said to be in."""
        return f"{self.file or self.name}: search"

    @property
    def stem(self) -> str:
        """The file's name without folder and ending: how content repositories call a detection."""
        name = self.file.replace("\\", "/").rsplit("/", 1)[-1]
        return name.rsplit(".", 1)[0] if "." in name else name
