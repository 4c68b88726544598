"""What detection content is made of, whichever generation of file it came from.

Everything here is a plain frozen value: no behaviour beyond small look-ups. Text stays as the file
spelled it where it carries meaning (the search, messages, dates); the names that generations spell
differently (risk object types, statuses, schedules) are normalised once, by the readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from podhawk.content.parsed import Parsed
from podhawk.errors import Place

Form = Literal["tags", "transition", "rba", "findings", "sigma"]
MatchType = Literal["EXACT", "WILDCARD", "CIDR"]
LookupKind = Literal["csv", "kvstore", "mlmodel"]
Severity = Literal["informational", "low", "medium", "high", "critical"]


class ContentProblem(Struct, frozen=True):
    """A fault in a content file. `severity` is "error" where the object could not be loaded."""

    place: Place
    message: str
    remedy: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if str(self.place) else self.message


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


class Deployment(Struct, frozen=True):
    """When searches of a type run, and what they raise."""

    name: str
    id: str = ""
    type: str = ""
    description: str = ""
    cron_schedule: str = ""
    earliest_time: str = ""
    latest_time: str = ""
    schedule_window: str = ""
    alert_action: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""


class Detection(Struct, frozen=True, kw_only=True):
    """One detection, normalised.

    `generation` is 1 (tags), 2 (rba) or 3 (findings); `form` tells the transition form, which holds
    parts of 1 and 2, from a clean 2. `risk_objects` has every entity that scores, the one of a
    `finding` first. `required_fields` are those the file states; the engine computes the true ones.
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


class Macro(Struct, frozen=True):
    """A piece of search text with a name. The same name with another number of arguments is another macro."""

    name: str
    arguments: tuple[str, ...]
    definition: str
    description: str = ""
    iseval: bool = False
    validation: str = ""
    errormsg: str = ""
    file: str = ""
    generated: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """What a call names: the macro's name and its number of arguments."""
        return (self.name, len(self.arguments))


class LookupDefinition(Struct, frozen=True):
    """How a lookup table matches. `path` is the CSV file on disk, empty for tables without one.

    The defaults are those of transforms.conf: exact, case-sensitive, at most 100 matches, none needed.
    """

    name: str
    kind: LookupKind = "csv"
    filename: str = ""
    fields: tuple[str, ...] = ()
    match_type: Mapping[str, MatchType] = field(default_factory=dict)
    default_match: str | None = None
    min_matches: int = 0
    max_matches: int = 100
    case_sensitive_match: bool = True
    description: str = ""
    file: str = ""
    path: str = ""


class Story(Struct, frozen=True):
    """An analytic story: what a group of detections is about."""

    name: str
    id: str = ""
    version: int = 1
    date: str = ""
    author: str = ""
    status: str = "production"
    description: str = ""
    narrative: str = ""
    references: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    usecase: str = ""
    product: tuple[str, ...] = ()
    file: str = ""


class DataSource(Struct, frozen=True):
    """Where events of a kind come from, and what they look like."""

    name: str
    id: str = ""
    version: int = 1
    description: str = ""
    source: str = ""
    sourcetype: str = ""
    separator: str = ""
    fields: tuple[str, ...] = ()
    output_fields: tuple[str, ...] = ()
    mitre_components: tuple[str, ...] = ()
    example_log: str = ""
    file: str = ""


class Baseline(Struct, frozen=True):
    """A search that writes what is normal into a lookup; `detections` names those that read it."""

    name: str
    search: str
    id: str = ""
    version: int = 1
    status: str = "production"
    description: str = ""
    analytic_story: tuple[str, ...] = ()
    detections: tuple[str, ...] = ()
    required_fields: tuple[str, ...] = ()
    deployment: Deployment | None = None
    file: str = ""
    search_line: int = 0


class Investigation(Struct, frozen=True):
    """A search that an analyst starts with values from a finding (`$src_ip$`)."""

    name: str
    search: str
    id: str = ""
    version: int = 1
    status: str = "production"
    description: str = ""
    analytic_story: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    required_fields: tuple[str, ...] = ()
    file: str = ""
    search_line: int = 0


class Carried(Struct, frozen=True):
    """A dashboard or playbook: kept and listed, not run."""

    kind: str
    name: str
    file: str


class Content(Struct, frozen=True):
    """Everything that was loaded, and what could not be."""

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
    parsed: Parsed = field(default_factory=Parsed)

    def __post_init__(self) -> None:
        if self.parsed.macros is None:
            self.parsed.macros = self.macros

    def keep(self) -> None:
        """Keep what was read and parsed for the next run, where there is a place for it."""
        self.parsed.save([getattr(self, one) for one in self.__struct_fields__ if one != "parsed"])

    def deployment_for(self, detection: Detection) -> Deployment | None:
        """The detection's own schedule, the one it names, or the default of its type."""
        if detection.deployment is not None:
            return detection.deployment
        if detection.schedule in self.deployments:
            return self.deployments[detection.schedule]
        wanted = detection.type.lower()
        return next((d for d in self.deployments.values() if d.type.lower() == wanted), None)
