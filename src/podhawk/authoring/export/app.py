"""The app folder: .conf files, lookups, metadata.

Source: https://dev.splunk.com/enterprise/docs/releaseapps/appinspect and the .conf reference of Splunk
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from podhawk.authoring.export.archive import write_archive
from podhawk.authoring.export.conf import Stanza, conf
from podhawk.authoring.export.savedsearches import stanza
from podhawk.authoring.export.settings import AppSettings
from podhawk.content.boundary import unmoved
from podhawk.content.model import Content, Detection, LookupDefinition, Macro
from podhawk.errors import OutputError, UsageError
from podhawk.writing import write_text, writing_to

HEAD = "Written by podhawk export splunk. Put changes into local/."
_WRITTEN = ("default", "lookups", "metadata")
"""The folders of an app that are written; `local` belongs to the installation."""


class Exported(Struct, frozen=True):
    """What was written: the app's folder, and the same as an archive that Splunk installs."""

    folder: Path
    archive: Path
    detections: int
    macros: int
    lookups: int


def export(content: Content, detections: Sequence[Detection], app: AppSettings, target: Path) -> Exported:
    """Write the app into a folder below `target` that is called by its id, and into an archive beside it. An app that
    was exported before is replaced; its folder `local` stays. Raises UsageError if anything else is there."""
    folder = target / app.id
    if folder.exists():
        _clear(folder)
    macros = _macros(content, detections)
    lookups = [one for one in content.lookups.values() if one.kind == "csv" and one.path]
    files = {
        "default/app.conf": conf(_app(app), HEAD),
        "default/savedsearches.conf": conf([stanza(one, content, app) for one in detections], HEAD),
        "default/macros.conf": conf([_macro(one) for one in macros], HEAD),
        "default/transforms.conf": conf([_lookup(one) for one in lookups], HEAD),
        "default/analyticstories.conf": conf(
            [*_stories(content, detections, app), *(_in_story(one, app) for one in detections)], HEAD
        ),
        "default/server.conf": conf([("shclustering", {"conf_replication_include.analyticstories": "true"})], HEAD),
        "metadata/default.meta": "[]\naccess = read : [ * ], write : [ admin, sc_admin ]\nexport = system\n",
        "app.manifest": json.dumps(_manifest(app), indent=2) + "\n",
        "README.md": f"# {app.title}\n\n{app.description}\n",
    }
    try:
        for name, text in files.items():
            write_text(folder / name, text, parents=True)
        for one in lookups:
            with writing_to(folder / "lookups"):
                (folder / "lookups").mkdir(exist_ok=True)
                shutil.copyfile(unmoved(one.path), folder / "lookups" / Path(one.filename).name)
    except OutputError:
        _remove(folder)  # half an app would be taken for one
        raise
    archive = write_archive(folder, target / f"{app.id}-{app.version}.tar.gz")
    return Exported(folder, archive, len(detections), len(macros), len(lookups))


def _clear(folder: Path) -> None:
    """Remove what an earlier export wrote. Raises UsageError for a folder that no export wrote."""
    settings = folder / "default" / "app.conf"
    try:
        ours = not folder.is_symlink() and settings.read_text("utf-8").startswith(f"# {HEAD}")
    except (OSError, UnicodeError):
        ours = False
    if not ours:
        raise UsageError(
            f"{folder} already exists, and podhawk export did not write it",
            remedy="Remove it, or use another --output-dir.",
        )
    with writing_to(folder):
        _remove(folder)


def _remove(folder: Path) -> None:
    for name in _WRITTEN:
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
    if folder.is_dir() and {one.name for one in folder.iterdir()} <= {"app.manifest", "README.md"}:
        shutil.rmtree(folder)


def _app(app: AppSettings) -> list[Stanza]:
    return [
        ("install", {"is_configured": False, "state": "enabled", "state_change_requires_restart": False}),
        ("package", {"id": app.id, "check_for_updates": False}),
        ("id", {"name": app.id, "version": app.version}),
        ("launcher", {"author": app.author, "description": app.description, "version": app.version}),
        ("triggers", {"reload.analyticstories": "simple"}),
        ("ui", {"is_visible": False, "label": app.title}),
    ]


def _manifest(app: AppSettings) -> dict[str, object]:
    return {
        "schemaVersion": "2.0.0",
        "info": {
            "title": app.title,
            "id": {"group": None, "name": app.id, "version": app.version},
            "author": [{"name": app.author, "email": None, "company": None}],
            "releaseDate": None,
            "description": app.description,
            "classification": {"intendedAudience": None, "categories": ["Security"], "developmentStatus": None},
            "commonInformationModels": None,
            "license": {"name": None, "text": None, "uri": None},
            "privacyPolicy": {"name": None, "text": None, "uri": None},
            "releaseNotes": {"name": None, "text": "./README.md", "uri": None},
        },
        "dependencies": None,
        "tasks": None,
        "inputGroups": None,
        "incompatibleApps": None,
        "platformRequirements": None,
        "supportedDeployments": ["*"],
        "targetWorkloads": ["_search_heads"],
    }


def _macros(content: Content, detections: Sequence[Detection]) -> list[Macro]:
    """The content's macros, and the filter macro of each detection."""
    kept = {one.key: one for one in content.macros.values() if not one.generated}
    for one in detections:
        for name in {one.filter_macro, f"{one.stem}_filter"}:
            if f"`{name}`" in one.search and (name, 0) in content.macros:
                kept.setdefault((name, 0), content.macros[name, 0])
    return sorted(kept.values(), key=lambda one: one.key)


def _macro(one: Macro) -> Stanza:
    name = f"{one.name}({len(one.arguments)})" if one.arguments else one.name
    return name, {
        "args": ",".join(one.arguments),
        "definition": one.definition,
        "description": one.description,
        "iseval": True if one.iseval else None,
        "validation": one.validation,
        "errormsg": one.errormsg,
    }


def _lookup(one: LookupDefinition) -> Stanza:
    match = ", ".join(f"{kind}({name})" for name, kind in one.match_type.items() if kind != "EXACT")
    return one.name, {
        "filename": Path(one.filename).name,
        "default_match": one.default_match,
        "min_matches": one.min_matches or None,
        "max_matches": None if one.max_matches == 100 else one.max_matches,
        "case_sensitive_match": "true" if one.case_sensitive_match else "false",
        "match_type": match,
    }


def _stories(content: Content, detections: Sequence[Detection], app: AppSettings) -> list[Stanza]:
    found: list[Stanza] = []
    for name in sorted({story for one in detections for story in one.analytic_story}):
        story = content.stories.get(name)
        searches = [app.label(one.name) for one in detections if name in one.analytic_story]
        found.append(
            (
                f"analytic_story://{name}",
                {
                    "category": story.category[0] if story and story.category else "Cloud Security",
                    "last_updated": story.date if story else "",
                    "version": story.version if story else 1,
                    "references": json.dumps(list(story.references)) if story else "[]",
                    "maintainers": json.dumps(
                        [{"company": "", "email": "", "name": story.author if story else app.author}]
                    ),
                    "spec_version": 3,
                    "searches": json.dumps(searches),
                    "description": story.description if story else "",
                    "narrative": story.narrative if story else "",
                },
            )
        )
    return found


def _in_story(one: Detection, app: AppSettings) -> Stanza:
    return f"savedsearch://{app.label(one.name)}", {
        "type": "detection",
        "asset_type": one.asset_type,
        "confidence": "medium",
        "explanation": one.description,
        "how_to_implement": one.how_to_implement,
        "known_false_positives": one.known_false_positives,
        "annotations": json.dumps(
            {"mitre_attack": list(one.mitre_attack_id), "nist": list(one.nist), "cis20": list(one.cis20)}
        ),
        "providing_technologies": "null",
    }
