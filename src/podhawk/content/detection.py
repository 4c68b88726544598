"""A detection file of any generation into the one `Detection`.

What tells the generations apart: a `finding`, `intermediate_findings` or `creation_date` is
generation 3; an `rba` block is 2, unless `tags` still carries the old risk inputs (the transition
form, published for a while in late 2024); everything else is 1. A Hunting detection has no risk part
in any newer generation, so flat story names or a clean `tags` decide there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from podhawk.content import annotations as facts
from podhawk.content import risk
from podhawk.content.boundary import OUTSIDE_REMEDY, dataset_paths, outside
from podhawk.content.deployment import read_deployment
from podhawk.content.model import (
    AttackData,
    ContentProblem,
    ContentTest,
    Deployment,
    Deprecation,
    Detection,
    DrilldownSearch,
    Form,
    Throttling,
)
from podhawk.content.reading import MappingReader

TYPES: Final = ("Anomaly", "TTP", "Hunting", "Correlation")
STATUSES: Final = ("production", "experimental", "deprecated", "removed")
_OLD_TAGS: Final = ("confidence", "impact", "risk_score", "observable", "message", "required_fields")
_GENERATION: Final[dict[Form, int]] = {"tags": 1, "transition": 2, "rba": 2, "findings": 3}


def form_of(top: MappingReader) -> Form:
    """Which generation of the file format this is."""
    if any(key in top for key in ("finding", "intermediate_findings", "creation_date", "modification_date")):
        return "findings"
    tags = top.data.get("tags")
    if not isinstance(tags, dict):
        return "findings" if "analytic_story" in top else "rba" if "rba" in top else "tags"
    old = any(tags.get(key) is not None for key in _OLD_TAGS)
    if "rba" in top:
        return "transition" if old else "rba"
    return "tags" if old else "rba"


def read_detection(top: MappingReader) -> Detection:
    """One detection. Raises ContentError where the file has no name or no search."""
    name, search = top.need("name"), top.need("search")
    form = form_of(top)
    tags = top if form == "findings" else top.inner("tags")
    found = (
        risk.from_findings(top)
        if form == "findings"
        else risk.from_tags(tags)
        if form == "tags"
        else risk.from_rba(top.inner("rba"), tags)
    )
    type_ = _known(top, "type", TYPES, "Anomaly")
    status = _known(top, "status", STATUSES, "production")
    deprecation = _deprecation(top)
    if deprecation and status not in ("deprecated", "removed"):
        status = "deprecated"
    techniques = tuple(id_.strip().upper() for id_ in tags.texts("mitre_attack_id"))
    domain = tags.text("security_domain")
    manual = tags.text("manual_test")
    top.notes.extend(found.notes + risk.score_notes(found) + _technique_notes(techniques))
    return Detection(
        name=name,
        search=search,
        id=top.text("id"),
        version=top.integer("version") or 1,
        generation=_GENERATION[form],
        form=form,
        status=status,
        type=type_,
        date=top.text("date", "modification_date", "creation_date"),
        creation_date=top.text("creation_date"),
        modification_date=top.text("modification_date", "date"),
        author=top.text("author"),
        description=top.text("description"),
        data_source=_data_source(top),
        how_to_implement=top.text("how_to_implement"),
        known_false_positives=top.text("known_false_positives"),
        references=top.texts("references"),
        drilldowns=_drilldowns(top),
        analytic_story=tags.texts("analytic_story"),
        asset_type=tags.text("asset_type"),
        mitre_attack_id=techniques,
        kill_chain_phases=tags.texts("kill_chain_phases") or facts.kill_chain_phases(techniques),
        nist=tags.texts("nist") or facts.nist(type_),
        cis20=tags.texts("cis20") or facts.cis20(domain),
        cve=tags.texts("cve"),
        product=tags.texts("product"),
        security_domain=domain,
        atomic_guid=tags.texts("atomic_guid"),
        category=tags.texts("category"),
        threat_group=tags.texts("threat_group"),
        baselines=tags.texts("baselines"),
        required_fields=tuple(dict.fromkeys(tags.texts("required_fields"))),
        message=found.message,
        title=found.title,
        finding_entity=found.finding_entity,
        risk_objects=tuple(found.risk_objects),
        threat_objects=tuple(found.threat_objects),
        impact=found.impact,
        confidence=found.confidence,
        risk_score=found.score if found.score is not None else found.stated_score or 0,
        severity=facts.severity(found.score),
        throttling=_throttling(top, tags),
        schedule=_schedule_name(top),
        deployment=_inline_deployment(top),
        deprecation=deprecation,
        tests=tuple(read_test(item, manual) for item in top.inners("tests")),
        filter_macro=filter_macro_name(top.document.file, name, search),
        file=top.document.file,
        home=top.document.home,
        search_line=top.document.text_line(*top.path, "search"),
        notes=tuple(dict.fromkeys(top.notes)),
    )


def key_of(detection: Detection) -> str:
    """What tells a detection from others while content is loaded: its id in any case, else its file and name."""
    return detection.id.lower() or f"{detection.file}#{detection.name}"


def higher_version(old: Detection, new: Detection, top: MappingReader) -> tuple[Detection, ContentProblem | None]:
    """Of two detections with one id the one of the higher version, the later one of equals; with a warning."""
    return new if new.version >= old.version else old, ContentProblem(
        top.place("id"),
        f"detection id {new.id} is also used by {old.name!r} in {old.file}; "
        f"version {max(old.version, new.version)} is loaded",
        "Give each detection its own id.",
        "warning",
    )


def slug(name: str) -> str:
    """The file name that content repositories derive from a detection's name."""
    return name.lower().translate(_SLUG)


_SLUG: Final = str.maketrans({" ": "_", "-": "_", ".": "_", "/": "_"})


def filter_macro_name(file: str, name: str, search: str) -> str:
    """The tuning slot: `<file stem>_filter`, or `<name>_filter` where only that stands in the search."""
    stem = file.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    by_file, by_name = f"{stem}_filter", f"{slug(name)}_filter"
    return by_name if by_file not in search and by_name in search else by_file


def _known(top: MappingReader, key: str, known: tuple[str, ...], default: str) -> str:
    text = top.text(key)
    if not text:
        return default
    for name in known:
        if name.lower() == text.strip().lower():
            return name
    top.notes.append(f"{key} {text!r} is not one of {', '.join(known)}")
    return text


def _technique_notes(ids: tuple[str, ...]) -> list[str]:
    parents = {id_ for id_ in ids if any(other.startswith(id_ + ".") for other in ids)}
    return [f"names both technique {id_} and one of its sub-techniques" for id_ in sorted(parents)]


def _data_source(top: MappingReader) -> tuple[str, ...]:
    """Names; sources that belong together are joined by AND. Generation 3 writes them as sets of sets."""
    value = top.raw("data_source")
    if not isinstance(value, list):
        return top.texts("data_source")
    return tuple(
        " AND ".join(str(part) for part in item) if isinstance(item, list) else str(item) for item in value if item
    )


def _drilldowns(top: MappingReader) -> tuple[DrilldownSearch, ...]:
    return tuple(
        DrilldownSearch(
            item.text("name"), item.text("search"), item.text("earliest_offset"), item.text("latest_offset")
        )
        for item in top.inners("drilldown_searches") or top.inners("drilldowns")
    )


def _throttling(top: MappingReader, tags: MappingReader) -> Throttling | None:
    item = tags.inner("throttling") if "throttling" in tags else top.inner("throttling")
    fields = item.texts("fields")
    return Throttling(fields, item.text("period")) if fields or "period" in item else None


def _schedule_name(top: MappingReader) -> str:
    for key in ("schedule", "deployment"):
        if isinstance(top.raw(key), str):
            return top.text(key)
    return ""


def _inline_deployment(top: MappingReader) -> Deployment | None:
    for key in ("schedule", "deployment"):
        if isinstance(top.raw(key), dict):
            return read_deployment(top.inner(key), named=False)
    return None


def _deprecation(top: MappingReader) -> Deprecation | None:
    if "deprecation_info" not in top:
        return None
    value = top.raw("deprecation_info")
    if not isinstance(value, dict):
        return Deprecation(reason=top.text("deprecation_info"))
    return read_deprecation(top.inner("deprecation_info"))


def read_deprecation(item: MappingReader) -> Deprecation:
    """Why and for what a detection was given up, in any spelling."""
    return Deprecation(
        item.text("reason", "deprecation_reason", "description"),
        item.text("removed_in_version", "removal_version", "removed_in", "version"),
        item.texts("replacement_content", "replacements", "replacement", "replaced_by"),
    )


def read_test(item: MappingReader, manual: str = "") -> ContentTest:
    """One entry of `tests`; `manual` says why the detection is tested by hand, if it is."""
    data = tuple(map(_attack_data, item.inners("attack_data")))
    return ContentTest(
        item.text("name"),
        data,
        item.integer("expected_results"),
        item.text("test_type") or "unit",
        item.text("description"),
        item.text("manual_test") or manual,
    )


def _attack_data(item: MappingReader) -> AttackData:
    name, document = item.text("data"), item.document
    is_path = name and "://" not in name and document.home
    if is_path and dataset_paths(name, document.file, Path(document.home)).leads_out:
        item.faults.append(ContentProblem(item.place("data"), outside(name), OUTSIDE_REMEDY))
    return AttackData(
        name, item.text("source"), item.text("sourcetype"), item.text("index", "custom_index"), item.text("host")
    )
