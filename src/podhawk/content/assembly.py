"""Putting objects together: each file read, each object filed under its kind and key, conflicts settled.

What a kind of file is, how it is read and what becomes of two objects with one key is declared in `registry`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.content import falco, sigma
from podhawk.content.content_type import ContentType
from podhawk.content.detection import key_of
from podhawk.content.mixed_up import refuse_log
from podhawk.content.model import Content, ContentProblem, Detection, LookupDefinition, Macro
from podhawk.content.reading import MappingReader, UnreadKey
from podhawk.content.registry import (
    BASELINE,
    DASHBOARD,
    DATA_SOURCE,
    DEPLOYMENT,
    DEPRECATIONS,
    DETECTION,
    FALCO,
    FOLDERS,
    INVESTIGATION,
    LOOKUP,
    MACRO,
    PLAYBOOK,
    SIGMA,
    STORY,
    type_by_keys,
)
from podhawk.content.scopes import pack_macros
from podhawk.content.walk import ContentFile, files_of
from podhawk.errors import ContentError, Place, nearest
from podhawk.visible import hidden_character
from podhawk.wording import counted

if TYPE_CHECKING:
    from podhawk.content.yamlfile import YamlDocument

T = TypeVar("T")

OUTSIDE_REMEDY = "Copy the file into the content, or name its folder with --content or --overrides."


class Assembly(Struct):
    """What has been read so far: objects by the name of their kind and by key, and the paths of CSV files by name.

    `seen` are the files that were read, `taken` counts the objects and tables in them. `unread` are the keys that do
    nothing, by kind of file and name: the first of each, and how many there are. `pack` is the root of the
    shipped pack.
    """

    objects: dict[str, dict[Any, Any]] = field(default_factory=dict)
    lookup_files: dict[str, str] = field(default_factory=dict)
    problems: list[ContentProblem] = field(default_factory=list)
    macros_by_home: dict[str, dict[tuple[str, int], Macro]] = field(default_factory=dict)
    seen: set[Path] = field(default_factory=set)
    taken: int = 0
    unread: dict[tuple[str, str], tuple[UnreadKey, int]] = field(default_factory=dict)
    pack: str = ""

    def of(self, kind: ContentType[T]) -> dict[Any, T]:
        """The objects of a kind, by key."""
        return self.objects.setdefault(kind.name, {})

    def load(self, path: Path) -> None:
        """Read everything that `path` stands for. Raises ContentError where it holds no content."""
        try:
            files = [(number, found, Path(os.path.realpath(found.path))) for number, found in enumerate(files_of(path))]
        except OSError as error:
            raise ContentError(f"cannot be read: {error.strerror}", place=Place(str(error.filename or path))) from error
        fresh = [entry for entry in files if entry[2] not in self.seen]
        before, faults, single = self.taken, self._errors(), path.is_file()
        for number, found, real in fresh:
            self.seen.add(real)
            refused = found.refused
            if refused:
                if not (single and found.loose):
                    self.problems.append(ContentProblem(Place(str(found.path)), refused, OUTSIDE_REMEDY))
                continue
            if found.path.suffix.lower() == ".csv":
                self.lookup_files[found.path.name] = str(real)
                self.taken += 1
            else:
                extra = single and number > 0
                self._file(found, only_supporting=extra, quiet=extra and found.loose)
            if single and number == 0 and self.taken == before:
                refuse_log(path)
        read_before = files and not fresh
        if self.taken == before and not read_before:
            refuse_log(path)
        if not read_before and self.taken == before and self._errors() == faults:
            raise ContentError(
                "contains no detection content",
                place=Place(str(path)),
                remedy="Name a folder of detections (.yml), or a detection file.",
            )

    def _errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    def convert_rules(self) -> None:
        """Make detections of the Sigma and Falco rules: all together, as rules name others and what they share."""
        for made in (*sigma.convert(list(self.of(SIGMA).values())), *falco.convert(list(self.of(FALCO).values()))):
            if isinstance(made, Detection):
                self.of(DETECTION).setdefault(key_of(made), made)
            else:
                self.problems.append(made)

    def content(self) -> Content:
        """Everything that was read, as one value."""
        macros = dict(self.of(MACRO))
        pack = pack_macros(macros, self.macros_by_home, self.pack, self.of(DETECTION).values())
        lookups = {name: self._with_file(lookup) for name, lookup in self.of(LOOKUP).items()}
        return Content(
            tuple(self._deprecated(detection) for detection in self.of(DETECTION).values()),
            macros,
            lookups,
            self.of(STORY),
            self.of(DATA_SOURCE),
            self.of(DEPLOYMENT),
            tuple(self.of(BASELINE).values()),
            tuple(self.of(INVESTIGATION).values()),
            (*self.of(DASHBOARD).values(), *self.of(PLAYBOOK).values()),
            self.lookup_files,
            (*self.problems, *self._unread_keys()),
            macros_of={} if pack is None else {self.pack: pack},
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
        info = self.of(DEPRECATIONS).get(detection.name)
        if info is None or detection.deprecation is not None:
            return detection
        status = detection.status if detection.status == "removed" else "deprecated"
        return replace(detection, deprecation=info, status=status)

    def _file(self, found: ContentFile, *, only_supporting: bool, quiet: bool) -> None:
        """Read one file. A `quiet` one lies beside the file that was named: what is wrong in it is not told."""
        from podhawk.content.yamlfile import read_yaml  # content from the cache needs no YAML

        problems = [] if quiet else self.problems
        try:
            documents = read_yaml(found.path, str(found.home))
        except ContentError as error:
            problems.append(_fault(error, str(found.path)))
            return
        if not documents:
            problems.append(ContentProblem(Place(str(found.path), 1, 1), "is empty", "Remove the file."))
        for document in documents:
            problems += document.warnings
            self._document(document, found, only_supporting, problems)

    def _document(
        self, document: YamlDocument, found: ContentFile, only_supporting: bool, problems: list[ContentProblem]
    ) -> None:
        listed = isinstance(document.data, list)
        for number, item in enumerate(document.data if listed else [document.data]):
            path = (number,) if listed else ()
            if not isinstance(item, dict):
                problems.append(_not_an_object(found, document.place(*path), item))
                return
            try:
                self._object(MappingReader(document, item, path), found, only_supporting, problems)
            except ContentError as error:
                problems.append(_fault(error, document.file))
            except (ArithmeticError, RecursionError, ValueError) as error:  # costs this object and no other
                problems.append(ContentProblem(document.place(*path), f"cannot be read: {error}"))

    def _object(
        self, top: MappingReader, found: ContentFile, only_supporting: bool, problems: list[ContentProblem]
    ) -> None:
        kind = kind_of(top, found)
        if only_supporting and not (kind is not None and kind.supporting):
            return
        if kind is None:
            problems.append(ContentProblem(top.place(), _stranger(), severity="warning"))
            return
        for key, new in kind.read(top):
            _check_names(new, top)
            self._add(kind, key, new, top)
            if isinstance(new, Macro):
                self.macros_by_home.setdefault(str(found.home), {})[new.key] = new
        self.taken += 1
        if problems is self.problems:
            self._note_unread(kind, top)
        problems += top.faults
        problems += [ContentProblem(top.place(), note, severity="warning") for note in dict.fromkeys(top.notes)]

    def _note_unread(self, kind: ContentType[Any], top: MappingReader) -> None:
        if kind.unused is None:
            return
        for key in top.unread():
            if key.name.rpartition(".")[2] not in kind.unused:
                first, count = self.unread.get((kind.name, key.name), (key, 0))
                self.unread[kind.name, key.name] = first, count + 1

    def _unread_keys(self) -> Iterator[ContentProblem]:
        """A warning for each name of a key that does nothing, however many files have it."""
        for (kind, name), (key, count) in self.unread.items():
            more = f", nor in {counted(count - 1, 'other')} of them" if count > 1 else ""
            yield ContentProblem(
                key.place,
                f"the key {name!r} of this {kind} does nothing{more}",
                nearest(name.rpartition(".")[2], key.others),
                "warning",
            )

    def _add(self, kind: ContentType[T], key: object, new: T, top: MappingReader) -> None:
        known = self.of(kind)
        if key in known:
            known[key], problem = kind.conflict(known[key], new, top)
            if problem is not None:
                self.problems.append(problem)
        else:
            known[key] = new


def kind_of(top: MappingReader, found: ContentFile) -> ContentType[Any] | None:
    """The kind of an object: that of its folder, unless its keys tell a Sigma rule or one of two kinds of search."""
    told = type_by_keys(top.data)
    if (
        found.hint is None
        or (told is not None and told.anywhere)
        or (told is not None and told.has_search and found.hint.has_search)
    ):
        return told
    return found.hint


def _check_names(new: object, top: MappingReader) -> None:
    """Refuse names with control characters or invisible ones: names become lines of other files, and of terminals."""
    for key in ("name", "title", "filename", "arguments", "analytic_story"):
        stated = getattr(new, key, "")
        if key == "title" and isinstance(new, Detection):
            continue  # a message, which is shown and not written as a name
        for text in (stated,) if isinstance(stated, str) else stated:
            found = hidden_character(str(text))
            if found:
                raise ContentError(
                    f"{key} contains the character {found}", place=top.place(key), remedy="Remove the character."
                )


def _fault(error: ContentError, file: str) -> ContentProblem:
    return ContentProblem(error.place or Place(file), error.message, error.remedy)


def _not_an_object(found: ContentFile, place: Place, item: object) -> ContentProblem:
    shape = "a list" if isinstance(item, list) else "text"
    message = f"contains {shape} where a mapping is expected"
    severity: Literal["warning", "error"] = "warning" if found.hint is None else "error"
    return ContentProblem(place, message, "A content file has keys such as name: … and search: …", severity)


def _stranger() -> str:
    names = [one.name for one in FOLDERS.values()]
    return f"is not a {', '.join(names[:-1])} or {names[-1]}, and is not loaded"
