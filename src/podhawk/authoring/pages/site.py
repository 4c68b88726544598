"""The site: which pages there are, what each is called, and how they get to the disk.

All text of content is untrusted. Templates escape everything; a link stands only where its address is http or https.
The site asks nothing of a network: style, script and the index of the search are files of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from msgspec import Struct

from podhawk.authoring.pages.facts import Facts, InForce, gather, prose, safe_link, slugs
from podhawk.authoring.testing.results import CaseResult
from podhawk.content.annotations import Tactic, Technique, tactics
from podhawk.content.model import Content, Detection, Story
from podhawk.errors import Place, UsageError
from podhawk.visible import visible
from podhawk.writing import writing_to

MANIFEST = ".podhawk-docs"
_ASSETS = ("style.css", "site.js")


class Site(Struct, frozen=True):
    """What was written: the number of pages of each kind, and the folder."""

    folder: Path
    detections: int
    stories: int
    files: tuple[str, ...]


def build_site(
    content: Content,
    folder: str | Path,
    *,
    detections: Sequence[Detection] | None = None,
    results: Sequence[CaseResult] = (),
    exceptions: Mapping[str, Sequence[InForce]] | None = None,
    title: str = "Detections",
    source_url: str = "",
) -> Site:
    """Write the site of this content into a folder, taking away the pages of an earlier one.

    `detections` are those that get a page (default: all), `exceptions` those in force by detection name. `source_url`
    is where the files of the content root can be read; pages link to their sources and datasets there.
    Raises UsageError for a folder that holds something else, or that cannot be written.
    """
    chosen = content.detections if detections is None else detections
    inforce = exceptions or {}
    facts = tuple(
        gather(one, content, slug, results, inforce.get(one.name, ()), source_url)
        for one, slug in zip(chosen, slugs([one.stem or one.name for one in chosen]), strict=True)
    )
    files = dict(render(content, facts, title))
    target = Path(folder)
    with writing_to(target):
        _write(target, files)
    stories = sum(name.startswith("stories/") for name in files)
    return Site(target, len(facts), stories, tuple(files))


def render(content: Content, facts: Sequence[Facts], title: str) -> Iterator[tuple[str, str]]:
    """Every file of the site, as (path inside it, text)."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    engine = Environment(
        loader=PackageLoader("podhawk.authoring.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters.update(prose=prose, safe_link=safe_link)
    stories = _stories(content, facts)
    story_pages = {name: f"stories/{slug}.html" for name, slug in zip(stories, slugs(list(stories)), strict=True)}
    matrix = attack_index(facts)
    shared: dict[str, Any] = {"site": title, "story_pages": story_pages, "known": content.stories}

    def page(template: str, path: str, **values: Any) -> tuple[str, str]:
        base = "../" * path.count("/")
        text = engine.get_template(template).render(base=base, path=path, **shared, **values)
        return path, visible(text)

    yield page("index.html", "index.html", facts=facts, stories=stories, matrix=matrix)
    yield page("attack.html", "attack.html", matrix=matrix)
    for one in facts:
        yield page("detection.html", f"detections/{one.slug}.html", one=one, d=one.detection)
    for name, (story, members) in stories.items():
        yield page("story.html", story_pages[name], name=name, story=story, members=members)
    for name in _ASSETS:
        yield f"assets/{name}", resources.files("podhawk.authoring.pages").joinpath(f"assets/{name}").read_text("utf-8")
    yield "assets/index.js", _search_index(facts, stories, story_pages)


def _stories(content: Content, facts: Sequence[Facts]) -> dict[str, tuple[Story | None, tuple[Facts, ...]]]:
    """The stories that these detections belong to, by name; None where content does not define one."""
    names = sorted({name for one in facts for name in one.detection.analytic_story})
    return {
        name: (content.stories.get(name), tuple(one for one in facts if name in one.detection.analytic_story))
        for name in names
    }


def attack_index(
    facts: Sequence[Facts],
) -> tuple[tuple[Tactic | None, tuple[tuple[Technique, tuple[Facts, ...]], ...]], ...]:
    """Tactics in matrix order with the techniques that detections name; None gathers techniques without a tactic."""
    found: dict[str, tuple[Technique, list[Facts]]] = {}
    for one in facts:
        for technique in one.techniques:
            found.setdefault(technique.id, (technique, []))[1].append(one)
    ordered = [found[key] for key in sorted(found)]
    groups: list[tuple[Tactic | None, Any]] = [
        (tactic, tuple((technique, tuple(users)) for technique, users in ordered if tactic in technique.tactics))
        for tactic in tactics()
    ]
    groups.append((None, tuple((technique, tuple(users)) for technique, users in ordered if not technique.tactics)))
    return tuple((tactic, rows) for tactic, rows in groups if rows)


def _search_index(facts: Sequence[Facts], stories: Mapping[str, Any], pages: Mapping[str, str]) -> str:
    """The index of the search as a script: a page opened from the disk may not fetch files."""
    rows = [
        {
            "t": one.detection.name,
            "u": f"detections/{one.slug}.html",
            "k": one.detection.type,
            "d": one.detection.description[:240],
            "w": " ".join(
                (
                    one.detection.id,
                    *one.detection.mitre_attack_id,
                    *(x.name for x in one.techniques),
                    *one.detection.analytic_story,
                    *(need.name for need in one.trace.needs),
                    *one.detection.cve,
                    one.detection.author,
                )
            ),
        }
        for one in facts
    ]
    rows += [
        {"t": name, "u": pages[name], "k": "Story", "d": story.description[:240] if story else "", "w": ""}
        for name, (story, _) in stories.items()
    ]
    text = json.dumps(rows, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    return f"window.podhawkIndex={text};\n"


def _write(target: Path, files: Mapping[str, str]) -> None:
    manifest = target / MANIFEST
    if target.exists() and not target.is_dir():
        raise UsageError("the site needs an output folder", place=Place(str(target)))
    if target.is_dir() and any(target.iterdir()) and not manifest.is_file():
        raise UsageError(
            "this folder contains files that podhawk docs did not write",
            place=Place(str(target)),
            remedy="Name an empty folder, or one that podhawk docs has written.",
        )
    earlier = manifest.read_text("utf-8").splitlines() if manifest.is_file() else []
    for name in earlier:
        old = target / name
        # Only what stands inside the folder: the list is a file that anybody may have edited.
        if name not in files and old.is_file() and old.resolve().is_relative_to(target.resolve()):
            old.unlink()
    target.mkdir(parents=True, exist_ok=True)
    manifest.write_text("\n".join(files) + "\n", "utf-8")
    for name, text in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
