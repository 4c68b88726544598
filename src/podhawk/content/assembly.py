"""Putting objects together: each file read, each object filed under its key, conflicts settled.

Later paths win over earlier ones where both define a macro, with a warning where the definitions
differ. Of two detections with one id the higher version is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.content import objects
from podhawk.content.deployment import read_deployment
from podhawk.content.detection import read_deprecation, read_detection
from podhawk.content.model import (
    Baseline,
    Carried,
    Content,
    ContentProblem,
    DataSource,
    Deployment,
    Deprecation,
    Detection,
    Investigation,
    LookupDefinition,
    Macro,
    Story,
)
from podhawk.content.reading import Fields
from podhawk.content.sigma import SigmaRule, convert, is_audit, is_sigma
from podhawk.content.walk import Found, Kind, files_of, kind_by_shape
from podhawk.content.yamlfile import read_yaml
from podhawk.errors import ContentError, Place, nearest


class Assembly(Struct):
    """What has been read so far."""

    detections: dict[str, Detection] = field(default_factory=dict)
    macros: dict[tuple[str, int], Macro] = field(default_factory=dict)
    lookups: dict[str, LookupDefinition] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    data_sources: dict[str, DataSource] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    sigma: list[SigmaRule] = field(default_factory=list)
    baselines: dict[str, Baseline] = field(default_factory=dict)
    investigations: dict[str, Investigation] = field(default_factory=dict)
    carried: list[Carried] = field(default_factory=list)
    lookup_files: dict[str, str] = field(default_factory=dict)
    deprecations: dict[str, Deprecation] = field(default_factory=dict)
    problems: list[ContentProblem] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)
    taken: int = 0

    def load(self, path: Path) -> None:
        """Read everything that `path` stands for. Raises ContentError where it holds no content."""
        try:
            files = [(number, found, found.path.resolve()) for number, found in enumerate(files_of(path))]
        except OSError as error:
            raise ContentError(f"cannot be read: {error.strerror}", place=Place(str(error.filename or path))) from error
        fresh = [entry for entry in files if entry[2] not in self.seen]
        before, faults, single = self.taken, self._errors(), path.is_file()
        for number, found, real in fresh:
            self.seen.add(real)
            if found.path.suffix.lower() == ".csv":
                self.lookup_files[found.path.name] = str(found.path)
                self.taken += 1
            else:
                extra = single and number > 0
                self._file(found, only_supporting=extra, quiet=extra and found.loose)
        read_before = files and not fresh
        if not read_before and self.taken == before and self._errors() == faults:
            raise ContentError(
                "contains no detection content",
                place=Place(str(path)),
                remedy="Name a folder of detections (.yml), or a detection file.",
            )

    def _errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    def override(self, path: Path) -> None:
        """Read a folder or file of site macros and lookups, which replace what is there."""
        inner = Assembly()
        try:
            inner.load(path)
        except ContentError as error:
            if inner.seen:
                raise ContentError("contains no macro or lookup", place=Place(str(path))) from error
            raise
        self.problems += inner.problems
        for detection in inner.detections.values():
            self.problems.append(
                ContentProblem(
                    Place(detection.file, 1, 1),
                    f"an override folder may contain only macros and lookups; detection {detection.name!r} is not "
                    "loaded",
                    "Load it with --content.",
                    "warning",
                )
            )
        self.macros.update(inner.macros)
        self.lookups.update(inner.lookups)
        self.lookup_files.update(inner.lookup_files)

    def override_macros(self, definitions: Mapping[str, str]) -> None:
        """Replace definitions by name, as `podhawk.toml` gives them."""
        for spelled, definition in definitions.items():
            call = re.fullmatch(r"\s*([^()\s]+)\s*(?:\(([^()]*)\))?\s*", spelled)
            if call is None:
                raise ContentError(f"{spelled!r} is not a macro name", remedy="Use name or name(argument, argument).")
            name = call[1]
            arguments = tuple(part.strip() for part in (call[2] or "").split(",") if part.strip())
            known = [macro for macro in self.macros.values() if macro.name == name]
            if call[2] is None and known and not any(not macro.arguments for macro in known):
                arguments = known[0].arguments
            old = self.macros.get((name, len(arguments)))
            if old is None and not known:
                self.problems.append(
                    ContentProblem(
                        Place("podhawk.toml"),
                        f"macro {name!r} overrides no loaded macro",
                        nearest(name, [macro.name for macro in self.macros.values()]),
                        "warning",
                    )
                )
            new = (
                replace(old, definition=definition, arguments=arguments or old.arguments, generated=False)
                if old
                else Macro(name, arguments, definition)
            )
            self.macros[new.key] = replace(new, file="podhawk.toml")

    def generate_filter_macros(self) -> None:
        """The tuning slot of each detection: `search *` where no file defines it."""
        for detection in self.detections.values():
            for name in {detection.filter_macro, f"{detection.stem}_filter"}:
                if (name, 0) not in self.macros:
                    self.macros[name, 0] = Macro(
                        name, (), "search *", f"Filter macro of {detection.name}.", generated=True
                    )

    def content(self) -> Content:
        lookups = {name: self._with_file(lookup) for name, lookup in self.lookups.items()}
        detections = tuple(self._deprecated(detection) for detection in self.detections.values())
        return Content(
            detections,
            self.macros,
            lookups,
            self.stories,
            self.data_sources,
            self.deployments,
            tuple(self.baselines.values()),
            tuple(self.investigations.values()),
            tuple(self.carried),
            self.lookup_files,
            tuple(self.problems),
        )

    def _with_file(self, lookup: LookupDefinition) -> LookupDefinition:
        path = self.lookup_files.get(lookup.filename) if lookup.kind == "csv" else None
        if path:
            return replace(lookup, path=path)
        if lookup.kind == "csv" and not lookup.path:
            self.problems.append(
                ContentProblem(
                    Place(lookup.file, 1, 1),
                    f"lookup {lookup.name!r}: file {lookup.filename!r} not found",
                    "Put the CSV file next to the definition of the lookup.",
                    "warning",
                )
            )
        return lookup

    def _deprecated(self, detection: Detection) -> Detection:
        info = self.deprecations.get(detection.name)
        if info is None or detection.deprecation is not None:
            return detection
        status = detection.status if detection.status == "removed" else "deprecated"
        return replace(detection, deprecation=info, status=status)

    def _file(self, found: Found, *, only_supporting: bool, quiet: bool) -> None:
        try:
            documents = read_yaml(found.path)
        except ContentError as error:
            if not quiet:
                self._fault(error, str(found.path))
            return
        if not documents and not quiet:
            self.problems.append(ContentProblem(Place(str(found.path), 1, 1), "is empty", "Remove the file."))
        for document in documents:
            if not quiet:
                self.problems += document.warnings
            items = document.data if isinstance(document.data, list) else [document.data]
            listed = isinstance(document.data, list)
            for number, item in enumerate(items):
                path = (number,) if listed else ()
                if not isinstance(item, dict):
                    if not quiet:
                        self._not_an_object(found, document.place(*path), item)
                    if listed:
                        break
                    continue
                top = Fields(document, item, path)
                try:
                    self._object(top, found, only_supporting, quiet)
                except ContentError as error:
                    if not quiet:
                        self._fault(error, str(found.path))

    def _not_an_object(self, found: Found, place: Place, item: object) -> None:
        shape = "a list" if isinstance(item, list) else "text"
        message = f"contains {shape} where a mapping is expected"
        severity: Literal["warning", "error"] = "warning" if found.hint is None else "error"
        self.problems.append(
            ContentProblem(place, message, "A content file has keys such as name: … and search: …", severity)
        )

    def _fault(self, error: ContentError, file: str) -> None:
        self.problems.append(ContentProblem(error.place or Place(file), error.message, error.remedy))

    def _object(self, top: Fields, found: Found, only_supporting: bool, quiet: bool) -> None:
        if is_sigma(top.data) and not only_supporting:
            self._sigma(SigmaRule(top))
            return
        shape = kind_by_shape(dict(top.data))
        kind = shape if found.hint is None or (shape in _SEARCHES and found.hint in _SEARCHES) else found.hint
        if only_supporting and kind not in ("macro", "lookup", "story", "data_source", "deployment"):
            return
        if kind is None:
            if not quiet:
                self.problems.append(ContentProblem(top.place(), _stranger(top), severity="warning"))
            return
        self._add(kind, top)
        self.taken += 1
        for note in () if quiet else dict.fromkeys(top.notes):
            self.problems.append(ContentProblem(top.place(), note, severity="warning"))

    def _sigma(self, rule: SigmaRule) -> None:
        self.taken += 1
        if is_audit(rule):
            self.sigma.append(rule)
        else:
            self.problems.append(
                ContentProblem(
                    rule.top.place(),
                    f"Sigma rule {rule.title!r} is not for the Kubernetes audit log, and is not loaded",
                    "podhawk loads rules with product: kubernetes and service: audit.",
                    "warning",
                )
            )

    def convert_sigma(self) -> None:
        """Make detections of the Sigma rules: all together, as correlation rules name others."""
        for made in convert(self.sigma) if self.sigma else ():
            if isinstance(made, Detection):
                self.detections.setdefault(made.id.lower() or f"{made.file}#{made.name}", made)
            else:
                self.problems.append(made)

    def _add(self, kind: Kind, top: Fields) -> None:
        if kind == "detection":
            self._add_detection(read_detection(top), top)
        elif kind == "macro":
            macro = objects.read_macro(top)
            self._later_wins(self.macros.get(macro.key), macro.definition, f"macro {macro.name!r}", top)
            self.macros[macro.key] = macro
        elif kind == "lookup":
            lookup = objects.read_lookup(top)
            self.lookups[lookup.name] = lookup
        elif kind == "story":
            story = objects.read_story(top)
            self.stories[story.name] = story
        elif kind == "data_source":
            source = objects.read_data_source(top)
            self.data_sources[source.name] = source
        elif kind == "deployment":
            deployment = read_deployment(top)
            self.deployments[deployment.name] = deployment
        elif kind == "baseline":
            baseline = objects.read_baseline(top)
            self.baselines[baseline.name] = baseline
        elif kind == "investigation":
            investigation = objects.read_investigation(top)
            self.investigations[investigation.name] = investigation
        elif kind == "deprecations":
            for item in top.inners("detections"):
                self.deprecations[item.text("content", "name")] = read_deprecation(item)
        else:
            self.carried.append(
                Carried(kind, top.text("name", "label") or Path(top.document.file).stem, top.document.file)
            )

    def _add_detection(self, detection: Detection, top: Fields) -> None:
        key = detection.id.lower() or f"{detection.file}#{detection.name}"
        old = self.detections.get(key)
        if old is None:
            self.detections[key] = detection
            return
        newer = detection.version >= old.version
        self.problems.append(
            ContentProblem(
                top.place("id"),
                f"detection id {detection.id} is also used by {old.name!r} in {old.file}; version "
                f"{max(old.version, detection.version)} is loaded",
                "Give each detection its own id.",
                "warning",
            )
        )
        if newer:
            self.detections[key] = detection

    def _later_wins(self, old: Macro | None, definition: str, what: str, top: Fields) -> None:
        if old is not None and old.definition.split() != definition.split():
            self.problems.append(
                ContentProblem(
                    top.place("definition"),
                    f"{what} has another definition in {old.file}; this one is used",
                    "Remove one of them, or move the definition of your site into an override folder.",
                    "warning",
                )
            )


_SEARCHES: tuple[Kind, ...] = ("detection", "baseline", "investigation")


def _stranger(top: Fields) -> str:
    return "is not a detection, macro, lookup, story, data source, deployment or baseline, and is not loaded"
