"""What detections need beside them: macros, lookups, stories, data sources, schedules, other searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

MatchType = Literal["EXACT", "WILDCARD", "CIDR"]
LookupKind = Literal["csv", "kvstore", "mlmodel"]


class Deployment(Struct, frozen=True):
    """When searches run, and what they raise: those of some stories, or of a type."""

    name: str
    id: str = ""
    type: str = ""
    analytic_story: tuple[str, ...] = ()
    description: str = ""
    cron_schedule: str = ""
    earliest_time: str = ""
    latest_time: str = ""
    schedule_window: str = ""
    alert_action: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""


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
