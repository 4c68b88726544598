"""What a check is, what it sees, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.commands.declare import Stage
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, Detection
from podhawk.content.yamlfile import YamlDocument, read_yaml
from podhawk.engine.plan.planner import make_plan, read_search, wanted_fields
from podhawk.engine.plan.stages import columns_after
from podhawk.errors import ContentError, Place, SearchError
from podhawk.spl.macros import expand

Level = Literal["error", "warning", "note"]


class Fault(Struct, frozen=True):
    """What a check found. `fix` is the text of the file with the fault put right, where that is certain."""

    message: str
    place: Place
    remedy: str = ""
    fix: str | None = None


class Problem(Struct, frozen=True):
    """A fault, with the check that found it and the detection that has it."""

    check: str
    level: Level
    message: str
    place: Place
    remedy: str
    detection: str
    fix: str | None = None

    def fingerprint(self) -> str:
        """The same as long as the fault is the same, wherever its line moves."""
        text = "\n".join((self.check, self.detection, self.message))
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


class Subject(Struct, dict=True):
    """A detection under the eyes of the checks, with what they all need worked out once."""

    detection: Detection
    content: Content
    others: Mapping[str, tuple[Detection, ...]] = field(default_factory=dict)
    """The detections of the content by normalised search."""

    @cached_property
    def document(self) -> YamlDocument | None:
        """The file, where it can be read."""
        try:
            return next(iter(read_yaml(Path(self.detection.file))), None)
        except ContentError:
            return None

    @property
    def data(self) -> Mapping[str, Any]:
        """The file's members."""
        found = self.document.data if self.document is not None else {}
        return found if isinstance(found, dict) else {}

    def place(self, *path: str | int) -> Place:
        """Where a member stands."""
        return self.document.place(*path) if self.document is not None else Place(self.detection.file)

    def tag_place(self, name: str) -> Place:
        """Where a member stands that older generations keep under `tags`."""
        tags = self.data.get("tags")
        return self.place("tags", name) if isinstance(tags, dict) and name in tags else self.place(name)

    def search_place(self, text: str = "") -> Place:
        """Where a piece of the search stands; the search itself where it cannot be found."""
        if self.document is None:
            return Place(self.detection.file)
        start = self.document.place("search")
        for number in range(max(start.line - 1, 0), len(self.document.lines)):
            column = self.document.lines[number].find(text) if text else -1
            if column >= 0:
                return Place(start.file, number + 1, column + 1, self.document.lines[number], len(text))
        return start

    @cached_property
    def planned(self) -> tuple[tuple[Stage, ...], SearchError | None]:
        """The stages of the search as it is written, or why there are none."""
        context = Context(lookups=LookupStore(self.content, None, False), macros=self.content.macros)
        name = f"{self.detection.file}: search"
        try:
            pipeline = read_search(self.detection.search, self.content.macros, name, context.env)
            make_plan(pipeline, context)
        except SearchError as error:
            return (), error
        except ContentError as error:
            return (), SearchError(error.message, place=error.place, remedy=error.remedy)
        return pipeline.stages, None

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.planned[0]

    @cached_property
    def wanted(self) -> frozenset[str] | None:
        """The event fields that the search reads; None where it may read any."""
        return wanted_fields(self.stages) if self.stages else None

    @cached_property
    def columns(self) -> frozenset[str] | None:
        """The fields of its last rows; None where they are open."""
        if not self.stages:
            return None
        found = columns_after(self.stages, None)
        return None if found is None else frozenset(found)

    @cached_property
    def expanded(self) -> str:
        """The search with its macros put in."""
        try:
            return expand(self.detection.search, self.content.macros, keep_unknown=True).text
        except (SearchError, ContentError):
            return self.detection.search


class Check(Struct, frozen=True):
    """One check, declared once. `look` yields what it finds."""

    id: str
    level: Level
    doc: str
    look: Callable[[Subject], Iterator[Fault]]
