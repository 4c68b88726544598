"""Parsed searches, kept with the content from one run to the next (see `podhawk.content.cache`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import Struct, field

from podhawk.commands.declare import Pipeline
from podhawk.content.packed import pack
from podhawk.log import logger
from podhawk.runtime import no_collection

SUFFIX: Final = ".plans"
MOST_FILES: Final = 16
"""Files in the cache folder. The least recently used are deleted first."""


class SearchKey(NamedTuple):
    """What a parsed search depends on besides the macros: its name in errors, its text, and a switch."""

    name: str
    text: str
    keeps_quotes: bool


class Parsed(Struct, eq=False):
    """Parsed searches under one set of macros, and the cache file that they are written to, if any."""

    macros: Mapping[Any, Any] | None = None
    searches: dict[SearchKey, Pipeline] = field(default_factory=dict)
    path: Path | None = None
    name: Callable[[], Path | None] | None = None
    """Computes what the path of the file would be if the content were read now."""
    fresh: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parsed)  # content is equal no matter which of its searches have been parsed

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return "Parsed()"

    def __reduce__(self) -> tuple[type[Parsed], tuple[()]]:
        return Parsed, ()  # parsed searches hold code: whoever unpickles content parses them again

    def find(self, macros: Mapping[Any, Any], key: SearchKey) -> Pipeline | None:
        """The parsed search, if it was parsed under these very macros."""
        return self.searches.get(key) if macros is self.macros else None

    def keep(self, macros: Mapping[Any, Any], key: SearchKey, pipeline: Pipeline) -> None:
        """Keep a parsed search."""
        if macros is self.macros:
            self.searches[key] = pipeline
            self.fresh = True

    def save(self, content: Sequence[Any]) -> None:
        """Write the content (the values of its fields) and the searches to the cache file, if it lacks any of them.

        Does nothing if the folder cannot be written to, or if the content has changed since it was read.
        """
        if self.path is None or not self.fresh or (self.name is not None and self.name() != self.path):
            return
        try:
            with no_collection():
                data = pack([content, [(*key, pipeline) for key, pipeline in self.searches.items()]])
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            # Numbers or nesting beyond what can be kept: it is read and parsed each time.
            logger(__name__).info("content cannot be kept: %r", error)
            return
        import tempfile

        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=self.path.parent)  # which only its owner may read and write
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                os.replace(part, self.path)
            except BaseException:
                os.unlink(part)
                raise
            _drop_old(self.path.parent)
        except OSError as error:
            logger(__name__).info("content cannot be kept in %s: %s", self.path.parent, error)
        self.fresh = False


def _drop_old(folder: Path) -> None:
    files = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime)
    for path in files[:-MOST_FILES]:
        path.unlink(missing_ok=True)
