"""What a check is, what it sees, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct, field

from podhawk.commands.declare import Stage
from podhawk.content.model import Content, Detection
from podhawk.content.yamlfile import YamlDocument, read_yaml
from podhawk.engine.plan.pipelines import every_pipeline
from podhawk.engine.plan.planner import wanted_fields
from podhawk.engine.plan.runnable import Runnability, Runnable, content_context, runnability
from podhawk.engine.plan.stages import columns_after
from podhawk.errors import ContentError, Place, SearchError
from podhawk.spl.macros import calls

Level = Literal["error", "warning", "note"]
CONVERTED: Final = ("sigma", "falco")
"""The forms of rules that were converted to searches."""


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
        """Where a member stands; for a rule in a list of rules, where its search does."""
        if self.document is not None and isinstance(self.document.data, list):
            return Place(self.detection.file, max(self.detection.search_line, 1), 1)
        return self.document.place(*path) if self.document is not None else Place(self.detection.file)

    def tag_place(self, name: str) -> Place:
        """Where a member stands that older generations keep under `tags`."""
        tags = self.data.get("tags")
        return self.place("tags", name) if isinstance(tags, dict) and name in tags else self.place(name)

    def search_place(self, text: str = "") -> Place:
        """Where a piece of the search stands; the search itself where it cannot be found."""
        if self.document is None:
            return Place(self.detection.file)
        if self.detection.form in CONVERTED:
            return self.place("detection")
        start = self.document.place("search")
        for number in range(max(start.line - 1, 0), len(self.document.lines)):
            column = self.document.lines[number].find(text) if text else -1
            if column >= 0:
                return Place(start.file, number + 1, column + 1, self.document.lines[number], len(text))
        return start

    def line_place(self, pattern: str) -> Place:
        """Where a line of the file stands that a regular expression matches, from the matched text on; the file where
        there is none."""
        for number, line in enumerate(self.document.lines if self.document is not None else ()):
            found = re.search(pattern, line)
            if found:
                return Place(self.detection.file, number + 1, found.start() + 1, line, len(found[0]))
        return self.place()

    @cached_property
    def runnability(self) -> Runnability:
        """Whether the search can run."""
        return runnability(self.detection, self.content)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the search as it is written; none if it cannot run."""
        return self.runnability.pipeline.stages if isinstance(self.runnability, Runnable) else ()

    @cached_property
    def every_stage(self) -> tuple[Stage, ...]:
        """The stages of the search and of all pipelines inside it; none if it cannot run."""
        if not isinstance(self.runnability, Runnable):
            return ()
        inside = every_pipeline(self.runnability.pipeline, content_context(self.content))
        return tuple(stage for pipeline in inside for stage in pipeline.stages)

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
    def undefined_macros(self) -> tuple[tuple[str, int, str], ...]:
        """The macros that the search calls and nothing defines: name, number of arguments, and the macro whose
        definition holds the call ("" for the search itself)."""
        found: dict[tuple[str, int, str], None] = {}
        seen: set[tuple[str, int]] = set()
        waiting = [("", self.detection.search)]
        while waiting:
            caller, text = waiting.pop()
            for key in _calls(text):
                macro = self.content.macros_for(self.detection).get(key)
                if macro is None:
                    found[(*key, caller)] = None
                elif key not in seen:
                    seen.add(key)
                    waiting.append((macro.name, macro.definition))
        return tuple(found)


def _calls(text: str) -> list[tuple[str, int]]:
    """The macros that a text calls by name; none for a text that cannot be read."""
    try:
        return [key for key in calls(text) if "$" not in key[0]]
    except SearchError:
        return []


class Check(Struct, frozen=True):
    """One check, declared once. `look` yields what it finds. `native` checks are about keys and customs of Splunk's
    detection files, which rules of other formats do not have."""

    id: str
    level: Level
    doc: str
    look: Callable[[Subject], Iterator[Fault]]
    native: bool = False
