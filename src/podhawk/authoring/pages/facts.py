"""Everything that a detection's page shows, gathered before any HTML is made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from msgspec import Struct

from podhawk.authoring.pages.highlight import HighlightedText, pieces
from podhawk.authoring.pages.trace import Trace, trace
from podhawk.authoring.pages.where import PlaceVerdict, verdicts
from podhawk.authoring.testing.results import CaseResult, of
from podhawk.content.annotations import Technique, technique
from podhawk.content.model import Content, Deployment, Detection, Macro
from podhawk.content.normalised import required_fields_note
from podhawk.content.root import root_of
from podhawk.spl.macros import calls

_URL = re.compile(r"https?://[^\s<>\"'`]+")


class InForce(Struct, frozen=True):
    """An exception that hides findings of a detection: what it matches, and why."""

    name: str
    clause: str
    reason: str = ""
    expires: str = ""


class Called(Struct, frozen=True):
    """A macro that a search calls. `macro` is None where it is not defined; `site` says it is the filter macro."""

    name: str
    macro: Macro | None
    site: bool


class Text(Struct, frozen=True):
    """A run of prose; `link` is where it leads, if it is an address."""

    text: str
    link: str = ""


class Facts(Struct, frozen=True):
    """A detection and what follows from it."""

    detection: Detection
    slug: str
    techniques: tuple[Technique, ...]
    search: tuple[HighlightedText, ...]
    macros: tuple[Called, ...]
    trace: Trace
    where: tuple[PlaceVerdict, ...]
    tested: tuple[CaseResult, ...]
    exceptions: tuple[InForce, ...]
    fields_note: str
    required: tuple[str, ...]
    schedule: Deployment | None
    source: str
    """Where its file can be read; empty if that is not known."""
    datasets: Mapping[str, str]
    """Where the datasets of its tests can be read, by their names; empty texts if that is not known."""


def gather(
    detection: Detection,
    content: Content,
    slug: str,
    results: Sequence[CaseResult],
    exceptions: Sequence[InForce],
    source_url: str = "",
) -> Facts:
    """The facts of one detection. `source_url` is where the files of the content root can be read."""
    traced = trace(detection, content)
    computed = tuple(need.name for need in traced.needs)
    stated = detection.required_fields
    note = required_fields_note(stated, computed) if computed and not traced.every_field else None
    called = tuple(
        Called(name, content.macros_for(detection).get((name, count)), name == detection.filter_macro)
        for name, count in dict.fromkeys(calls(detection.search))
    )
    filtered = next((one.macro for one in called if one.site), None)
    own = (
        [InForce(filtered.name, filtered.definition, "the detection's filter macro")]
        if (filtered is not None and not filtered.generated and filtered.definition.strip() not in ("search *", ""))
        else []
    )
    return Facts(
        detection,
        slug,
        tuple(technique(one) for one in detection.mitre_attack_id),
        pieces(detection.search),
        called,
        traced,
        verdicts(traced),
        of(detection, results),
        (*own, *exceptions),
        note or "",
        stated or computed,
        content.deployment_for(detection),
        _in_repository(source_url, _below_root(detection.file)),
        {data.data: _in_repository(source_url, data.data) for test in detection.tests for data in test.attack_data},
    )


def _below_root(file: str) -> str:
    """The path of a file in its content root; "" if it has none."""
    if not file:
        return ""
    path = Path(file).resolve()
    root = root_of(path).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else ""


def _in_repository(source_url: str, path: str) -> str:
    """The address of a file; "" if it is no relative path inside of the repository."""
    parts = PurePosixPath(path).parts
    if not source_url or not parts or "://" in path or parts[0] == "/" or ".." in parts:
        return ""
    return safe_link(f"{source_url.rstrip('/')}/{quote('/'.join(parts))}")


def slugs(names: Sequence[str]) -> tuple[str, ...]:
    """A file name for each name: short, plain, and each once, whatever the names hold."""
    taken: set[str] = set()
    made: list[str] = []
    for name in names:
        base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100] or "page"
        slug, number = base, 1
        while slug in taken:
            number += 1
            slug = f"{base}-{number}"
        taken.add(slug)
        made.append(slug)
    return tuple(made)


def safe_link(address: str) -> str:
    """An address as it may stand in a link: http or https with a host, else nothing."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    return address.strip() if parts.scheme.lower() in ("http", "https") and parts.netloc else ""


def prose(text: str) -> tuple[Text, ...]:
    """Text in which web addresses are links."""
    runs: list[Text] = []
    at = 0
    for found in _URL.finditer(text):
        address = found[0].rstrip(".,;:!?)")
        if not safe_link(address):
            continue
        runs += [Text(text[at : found.start()]), Text(address, address)]
        at = found.start() + len(address)
    return (*runs, Text(text[at:]))
