"""Typed reading of one mapping of a content file.

Content in circulation spells the same thing in several ways: a list or a single value, a number or
its text, `'false'` or `false`. Each accessor accepts them all and notes what it could not take, so
that one odd member does not cost the whole object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from podhawk.content.model import ContentProblem
from podhawk.errors import ContentError, Place

if TYPE_CHECKING:
    from podhawk.content.yamlfile import YamlDocument, YamlKey

_TRUE = frozenset({"true", "t", "1", "yes", "y", "on"})
_FALSE = frozenset({"false", "f", "0", "no", "n", "off", ""})


MOST: Final = 1_000_000_000_000
"""The largest number that a content file may give."""


class UnreadKey(Struct, frozen=True):
    """A key that nothing reads: its path, its place, and the keys that have a meaning beside it."""

    path: tuple[YamlKey, ...]
    place: Place
    others: frozenset[str]

    @property
    def name(self) -> str:
        """The path without the positions in lists: `tags.message`."""
        return ".".join([*(part for part in self.path[:-1] if isinstance(part, str)), str(self.path[-1])])


class MappingReader(Struct):
    """One mapping in a document, at `path`; `notes` gathers what was odd, `faults` what is wrong."""

    document: YamlDocument
    data: Mapping[str, Any]
    path: tuple[YamlKey, ...] = ()
    notes: list[str] = field(default_factory=list)
    faults: list[ContentProblem] = field(default_factory=list)
    asked: dict[tuple[YamlKey, ...], tuple[Mapping[str, Any], set[str]]] = field(default_factory=dict)
    """Each mapping of which something was asked for, with the keys that were asked for, by its path. Shared with the
    readers of mappings inside."""

    def __contains__(self, key: str) -> bool:
        return self.data.get(key) is not None

    def raw(self, key: str) -> Any:
        """The value of `key` as it stands in the file; None where there is none."""
        self._ask(key)
        return self.data.get(key)

    def unread(self) -> Iterator[UnreadKey]:
        """The keys that nothing asked for, in mappings of which something was asked for."""
        for path, (mapping, asked) in self.asked.items():
            for key in mapping:
                if key not in asked:
                    yield UnreadKey((*path, key), self.document.place(*path, key), frozenset(asked))

    def _ask(self, *keys: str) -> None:
        self.asked.setdefault(self.path, (self.data, set()))[1].update(keys)

    def place(self, key: str = "") -> Place:
        """Where the value of `key` stands, or the mapping itself."""
        return self.document.place(*self.path, *((key,) if key else ()))

    def need(self, key: str) -> str:
        """Text that the object cannot do without. Raises ContentError naming the file and line."""
        value = self.raw(key)
        if value is None or value == "":
            raise ContentError(f"has no {key!r}", place=self.place(), remedy=f"Add the key '{key}: …'.")
        if isinstance(value, (dict, list)):
            raise ContentError(f"{key!r} must be a string", place=self.place(key))
        return self.text(key)

    def text(self, *keys: str) -> str:
        """The first of `keys` that holds text, as text; empty where none does."""
        self._ask(*keys)
        for key in keys:
            value = self.data.get(key)
            if value is None:
                continue
            if isinstance(value, (dict, list)):
                self.notes.append(f"{self._name(key)} should be a string and is ignored")
                continue
            return as_text(value)
        return ""

    def integer(self, key: str) -> int | None:
        """A whole number, also where it is written `49.0` or `'49'`; None where absent or not a number.

        Raises ContentError for a number beyond `MOST`.
        """
        value = self.raw(key)
        if value is None or value == "":
            return None
        try:
            number = round(float(value)) if not isinstance(value, bool) else None
            if number is not None and abs(number) > MOST:
                raise ContentError(
                    f"{self._name(key)} is {as_text(value)[:20]}, larger than {MOST:,}",
                    place=self.place(key),
                    remedy="Write a smaller number.",
                )
            return number
        except (TypeError, ValueError, OverflowError):
            self.notes.append(f"{self._name(key)} should be a number, not {value!r}")
            return None

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false in any of the spellings that Splunk's configuration takes."""
        value = self.raw(key)
        if value is None:
            return default
        text = as_text(value).strip().lower()
        if text in _TRUE:
            return True
        if text not in _FALSE:
            self.notes.append(f"{self._name(key)} should be true or false, not {value!r}")
            return default
        return False

    def texts(self, *keys: str) -> tuple[str, ...]:
        """The first of `keys` that is set, as a list of texts; a single value counts as a list of one."""
        self._ask(*keys)
        for key in keys:
            value = self.data.get(key)
            if value is None or value == "":
                continue
            items = value if isinstance(value, list) else [value]
            plain = [item for item in items if item is not None and not isinstance(item, (dict, list))]
            kept = [as_text(item) for item in plain]
            if len(kept) < len(items):
                self.notes.append(f"{self._name(key)} should be a list of strings")
            return tuple(kept)
        return ()

    def inner(self, key: str) -> MappingReader:
        """The mapping under `key`; an empty one where there is none."""
        value = self.raw(key)
        if value is not None and not isinstance(value, dict):
            self.notes.append(f"{self._name(key)} should be a mapping")
        return self._within(value if isinstance(value, dict) else {}, key)

    def inners(self, key: str) -> list[MappingReader]:
        """The mappings in the list under `key`; a single mapping counts as a list of one."""
        value = self.raw(key)
        if isinstance(value, dict):
            return [self.inner(key)]
        if value is not None and not isinstance(value, list):
            self.notes.append(f"{self._name(key)} should be a list")
        found = []
        for number, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, dict):
                found.append(self._within(item, key, number))
            elif item is not None:
                self.notes.append(f"{self._name(key)}[{number}] should be a mapping")
        return found

    def _within(self, data: Mapping[str, Any], *path: YamlKey) -> MappingReader:
        return MappingReader(self.document, data, (*self.path, *path), self.notes, self.faults, self.asked)

    def _name(self, key: str) -> str:
        return ".".join(str(part) for part in (*self.path, key))


def as_text(value: object) -> str:
    """A scalar of a content file as text: `true` and `false` in lower case, whole floats as written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
