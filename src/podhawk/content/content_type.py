"""What a kind of content file is: everything about it that loading needs to know, declared once.

Which kind an object is of follows from the folder that its file stands in and from its keys. In a folder of content
the folder decides; elsewhere the keys do. Objects with a search (detections, baselines, investigations) lie in one
another's folders in published content: among these the keys decide everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from podhawk.content.model import ContentProblem
from podhawk.content.reading import MappingReader

T = TypeVar("T")

Tells = Callable[[Mapping[str, Any]], bool]
Read = Callable[[MappingReader], Iterable[tuple[Hashable, T]]]
Conflict = Callable[[T, T, MappingReader], tuple[T, ContentProblem | None]]
"""Of an object that is there and a later one of the same key, the one that is used, and what to say about it."""


def later_wins(old: T, new: T, top: MappingReader) -> tuple[T, ContentProblem | None]:
    """The rule of most kinds: the later object is used, and nothing is said."""
    return new, None


class ContentType(Struct, Generic[T], frozen=True):
    """One kind of content file.

    `folder` is its folder in a content root, "" if it has none. `tells` judges an object by its keys. `read` gives the
    objects that a mapping of a file stands for, each with its key; it raises ContentError. `conflict` decides between
    two objects of one key. `has_search` marks the kinds that the folder does not tell apart. `supporting` kinds come
    along when a file or folder inside a content root is loaded. `anywhere` marks the kinds that their keys tell in
    every folder. A site may replace objects of `replaceable` kinds.
    `unused` are keys that files of this kind may have although nothing reads them; of any other key that is not read
    there is a warning. None: keys are not looked at.
    """

    name: str
    folder: str
    tells: Tells
    read: Read[T]
    conflict: Conflict[T] = later_wins
    has_search: bool = False
    supporting: bool = False
    anywhere: bool = False
    replaceable: bool = False
    unused: frozenset[str] | None = None


def has_any(*keys: str) -> Tells:
    """For a kind without a search that any of these keys tells."""
    return lambda data: not isinstance(data.get("search"), str) and any(key in data for key in keys)


def has_search_of(*types: str) -> Tells:
    """For a kind that has a search and states one of these types, in any case."""
    return lambda data: isinstance(data.get("search"), str) and str(data.get("type", "")).lower() in types


def each(read: Callable[[MappingReader], T], key: Callable[[T], Hashable]) -> Read[T]:
    """For a kind of which a mapping is one object."""

    def objects(top: MappingReader) -> Iterable[tuple[Hashable, T]]:
        one = read(top)
        return ((key(one), one),)

    return objects
