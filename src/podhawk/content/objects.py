"""Every other object of a content folder: macros, lookups, stories, data sources, baselines."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from podhawk.content.boundary import is_inside
from podhawk.content.deployment import read_deployment
from podhawk.content.model import (
    Baseline,
    ContentProblem,
    DataSource,
    Investigation,
    LookupDefinition,
    LookupKind,
    Macro,
    MatchType,
    Story,
)
from podhawk.content.reading import MappingReader
from podhawk.errors import ContentError
from podhawk.lazy import lazy_pattern

_MATCH: Final = lazy_pattern(r"\s*(WILDCARD|CIDR|EXACT)\s*\(\s*([^)]*?)\s*\)\s*\Z", re.IGNORECASE)
_MATCH_TYPES: Final[dict[str, MatchType]] = {"WILDCARD": "WILDCARD", "CIDR": "CIDR", "EXACT": "EXACT"}


def read_macro(top: MappingReader) -> Macro:
    """One macro. An empty definition is allowed: it expands to nothing."""
    name = top.need("name")
    if "definition" not in top and top.data.get("definition") != "":
        raise ContentError("a macro needs a 'definition'", place=top.place())
    arguments = tuple(part.strip() for text in top.texts("arguments", "args") for part in text.split(","))
    stated = re.fullmatch(r"(.+)\((\d+)\)", name)
    if stated:
        name = stated[1]
        if int(stated[2]) != len(arguments):
            raise ContentError(
                f"the name states {stated[2]} arguments, but 'arguments' lists {len(arguments)}",
                place=top.place("name"),
                remedy="Make the name and 'arguments' agree.",
            )
    return Macro(
        name,
        arguments,
        top.text("definition"),
        top.text("description"),
        top.flag("iseval"),
        top.text("validation"),
        top.text("errormsg"),
        top.document.file,
    )


def later_macro(old: Macro, new: Macro, top: MappingReader) -> tuple[Macro, ContentProblem | None]:
    """Of two macros the later one, with a warning if their definitions differ in more than blanks."""
    if old.definition.split() == new.definition.split():
        return new, None
    return new, ContentProblem(
        top.place("definition"),
        f"macro {new.name!r} has another definition in {old.file}; this one is used",
        "Remove one of them, or move the definition of your site into an override folder.",
        "warning",
    )


def read_lookup(top: MappingReader) -> LookupDefinition:
    """One lookup definition; the CSV is looked for beside the file.

    A CSV lookup that names no file has the name of its definition file, as newer content does.
    """
    name = top.need("name")
    kind = _lookup_kind(top)
    home = Path(top.document.file).parent
    filename = top.text("filename")
    if kind == "csv" and not filename:
        filename = Path(top.document.file).stem + ".csv"
    path = home / filename if filename else home
    if kind == "csv" and not is_inside(path, top.document.home or home):
        raise ContentError(
            f"lookup {name!r}: the file {filename!r} is outside the content root and is not read",
            place=top.place("filename"),
            remedy="Put the CSV file next to this file, or name its folder with --overrides and write only its name "
            "here.",
        )
    fields = tuple(
        part.strip() for text in top.texts("fields_list", "fields") for part in text.split(",") if part.strip()
    )
    return LookupDefinition(
        name=name,
        kind=kind,
        filename=filename,
        fields=fields,
        match_type=_match_types(top),
        default_match=top.text("default_match") if top.raw("default_match") is not None else None,
        min_matches=max(0, top.integer("min_matches") or 0),
        max_matches=max(1, top.integer("max_matches") or 100),
        case_sensitive_match=top.flag("case_sensitive_match", default=True),
        description=top.text("description"),
        file=top.document.file,
        path=os.path.realpath(path) if kind == "csv" and os.path.isfile(path) else "",
    )


def _lookup_kind(top: MappingReader) -> LookupKind:
    stated = top.text("lookup_type").lower()
    filename = top.text("filename")
    if stated == "mlmodel" or filename.endswith(".mlmodel"):
        return "mlmodel"
    if stated == "kvstore" or (not stated and not filename and ("collection" in top or "fields_list" in top)):
        return "kvstore"
    return "csv"


def _match_types(top: MappingReader) -> dict[str, MatchType]:
    """`WILDCARD(a), CIDR(b)` as text, or a list of such texts."""
    found: dict[str, MatchType] = {}
    for text in top.texts("match_type"):
        for part in re.split(r"(?<=\))[\s,;]*", text):
            if not part.strip():
                continue
            match = _MATCH.match(part)
            if match is None:
                raise ContentError(
                    f"invalid match_type {part.strip()!r}",
                    place=top.place("match_type"),
                    remedy="Use WILDCARD(field), CIDR(field) or EXACT(field).",
                )
            for name in match[2].split(","):
                found[name.strip()] = _MATCH_TYPES[match[1].upper()]
    return found


def read_story(top: MappingReader) -> Story:
    """One analytic story; generation 3 has no `tags` block."""
    tags = top.inner("tags") if "tags" in top else top
    return Story(
        top.need("name"),
        top.text("id"),
        top.integer("version") or 1,
        top.text("date", "modification_date", "creation_date"),
        top.text("author"),
        top.text("status") or "production",
        top.text("description"),
        top.text("narrative"),
        top.texts("references"),
        tags.texts("category"),
        tags.text("usecase"),
        tags.texts("product"),
        top.document.file,
    )


def read_data_source(top: MappingReader) -> DataSource:
    """One data source."""
    return DataSource(
        top.need("name"),
        top.text("id"),
        top.integer("version") or 1,
        top.text("description"),
        top.text("source"),
        top.text("sourcetype"),
        top.text("separator"),
        top.texts("fields"),
        top.texts("output_fields"),
        top.texts("mitre_components"),
        top.text("example_log"),
        top.document.file,
    )


def read_baseline(top: MappingReader) -> Baseline:
    """One baseline: its search, the detections that need it and its schedule."""
    tags = top.inner("tags") if "tags" in top else top
    inline = [key for key in ("deployment", "schedule") if isinstance(top.raw(key), dict)]
    schedule = top.inner(inline[0]) if inline else None
    return Baseline(
        top.need("name"),
        top.need("search"),
        top.text("id"),
        top.integer("version") or 1,
        top.text("status") or "production",
        top.text("description"),
        tags.texts("analytic_story"),
        tags.texts("detections"),
        tags.texts("required_fields"),
        read_deployment(schedule, named=False) if schedule else None,
        top.document.file,
        top.document.text_line(*top.path, "search"),
    )


def read_investigation(top: MappingReader) -> Investigation:
    """One investigation; `inputs` are the `$tokens$` of its search, stated or found."""
    tags = top.inner("tags") if "tags" in top else top
    search = top.need("search")
    inputs = top.texts("inputs") or tuple(dict.fromkeys(re.findall(r"\$([\w.{}]+)\$", search)))
    return Investigation(
        top.need("name"),
        search,
        top.text("id"),
        top.integer("version") or 1,
        top.text("status") or "production",
        top.text("description"),
        tags.texts("analytic_story"),
        inputs,
        tags.texts("required_fields"),
        top.document.file,
        top.document.text_line(*top.path, "search"),
    )
