"""Every kind of content file. Adding one is one entry here, with its reader and its place in `Content`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from podhawk.content import objects
from podhawk.content.content_type import ContentType, each, has_any, has_search_of
from podhawk.content.deployment import read_deployment
from podhawk.content.detection import higher_version, key_of, read_deprecation, read_detection
from podhawk.content.falco import FalcoObject, is_falco
from podhawk.content.model import (
    Baseline,
    Carried,
    DataSource,
    Deployment,
    Deprecation,
    Detection,
    Investigation,
    LookupDefinition,
    Macro,
    Story,
)
from podhawk.content.reading import MappingReader
from podhawk.content.sigma import SigmaRule, is_sigma
from podhawk.errors import Place


def _is_detection(data: Mapping[str, Any]) -> bool:
    """Whether an object that no other kind claims is a detection, perhaps one that lacks its search."""
    parts = ("rba", "finding", "intermediate_findings", "how_to_implement")
    return isinstance(data.get("search"), str) or any(key in data for key in parts)


def _carried(kind: str) -> ContentType[Carried]:
    def read(top: MappingReader) -> Iterable[tuple[Place, Carried]]:
        file = top.document.file
        yield top.place(), Carried(kind, top.text("name", "label") or Path(file).stem, file)

    keys = {"dashboard": ("theme", "dashboard"), "playbook": ("playbook", "app_list")}[kind]
    return ContentType(kind, f"{kind}s", has_any(*keys), read)


def _deprecations(top: MappingReader) -> Iterable[tuple[str, Deprecation]]:
    for item in top.inners("detections"):
        yield item.text("content", "name"), read_deprecation(item)


_ABOUT: Final = frozenset({"author", "date", "creation_date", "modification_date", "id", "version", "description"})
_ABOUT_SEARCHES: Final = _ABOUT | {
    "type",
    "datamodel",
    "dataset",
    "how_to_implement",
    "known_false_positives",
    "references",
    "product",
    "security_domain",
}

SIGMA: Final = ContentType[SigmaRule](
    "Sigma rule", "", is_sigma, lambda top: ((top.place(), SigmaRule(top)),), anywhere=True
)
FALCO: Final = ContentType[FalcoObject](
    "Falco rule", "", is_falco, lambda top: ((top.place(), FalcoObject(top)),), anywhere=True
)
DETECTION: Final = ContentType[Detection](
    "detection",
    "detections",
    _is_detection,
    each(read_detection, key_of),
    higher_version,
    has_search=True,
    unused=_ABOUT | {"datamodel", "dataset", "context", "update_timestamp"},
)
MACRO: Final = ContentType[Macro](
    "macro",
    "macros",
    has_any("definition"),
    each(objects.read_macro, lambda one: one.key),
    objects.later_macro,
    supporting=True,
    replaceable=True,
    unused=_ABOUT,
)
LOOKUP: Final = ContentType[LookupDefinition](
    "lookup",
    "lookups",
    has_any("filename", "collection", "fields_list", "lookup_type", "match_type"),
    each(objects.read_lookup, lambda one: one.name),
    supporting=True,
    replaceable=True,
    unused=_ABOUT | {"collection"},
)
STORY: Final = ContentType[Story](
    "story",
    "stories",
    has_any("narrative"),
    each(objects.read_story, lambda one: one.name),
    supporting=True,
    unused=_ABOUT | {"type"},
)
DATA_SOURCE: Final = ContentType[DataSource](
    "data source",
    "data_sources",
    has_any("sourcetype", "supported_TA", "example_log"),
    each(objects.read_data_source, lambda one: one.name),
    supporting=True,
    unused=_ABOUT | {"supported_TA", "field_mappings", "convert_to_log_source", "configuration"},
)
DEPLOYMENT: Final = ContentType[Deployment](
    "deployment",
    "deployments",
    has_any("scheduling", "alert_action", "cron_schedule"),
    each(read_deployment, lambda one: one.name),
    supporting=True,
    unused=_ABOUT,
)
BASELINE: Final = ContentType[Baseline](
    "baseline",
    "baselines",
    has_search_of("baseline"),
    each(objects.read_baseline, lambda one: one.name),
    has_search=True,
    unused=_ABOUT_SEARCHES,
)
INVESTIGATION: Final = ContentType[Investigation](
    "investigation",
    "investigations",
    has_search_of("investigation"),
    each(objects.read_investigation, lambda one: one.name),
    has_search=True,
    unused=_ABOUT_SEARCHES,
)
DASHBOARD: Final = _carried("dashboard")
PLAYBOOK: Final = _carried("playbook")
DEPRECATIONS: Final = ContentType[Deprecation]("deprecations", "", lambda data: False, _deprecations)

CONTENT_TYPES: Final[tuple[ContentType[Any], ...]] = (
    SIGMA,
    FALCO,
    DETECTION,
    MACRO,
    LOOKUP,
    STORY,
    DATA_SOURCE,
    DEPLOYMENT,
    BASELINE,
    INVESTIGATION,
    DASHBOARD,
    PLAYBOOK,
    DEPRECATIONS,
)
"""In the order in which the folders of a content root are read."""

FOLDERS: Final[dict[str, ContentType[Any]]] = {one.folder: one for one in CONTENT_TYPES if one.folder}
"""The folders of a content root."""
_JUDGED: Final = (*(one for one in CONTENT_TYPES if one is not DETECTION), DETECTION)


def type_by_keys(data: Mapping[str, Any]) -> ContentType[Any] | None:
    """The kind of an object, judged by its keys alone. A detection is what no other kind claims."""
    return next((one for one in _JUDGED if one.tells(data)), None)
