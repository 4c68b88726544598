"""Fields out of an XML text that a field holds, and paths that lead into it.

An element's text has the path of its names, `order.item`; an attribute has that path with its name in braces,
`order.item{@id}`. `{2}` after a name is the second element of that name, counted from 1; without it, every one is
meant.
A text that declares a document type is not read: entities could make it grow without bound.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/spath
"""

from __future__ import annotations

from functools import lru_cache
from xml.parsers import expat

from msgspec import Struct

from podhawk.lazy import lazy_pattern

_PART = lazy_pattern(r"([^{}]+)((?:\{\d*\})?)((?:\{@[^{}]+\})?)\Z")
_DEEPEST = 200


class XmlStep(Struct, frozen=True):
    """One name of a path. `number` 0 means every element of that name."""

    name: str
    number: int = 0


class XmlPath(Struct, frozen=True):
    steps: tuple[XmlStep, ...]
    attribute: str = ""


class XmlValue(Struct, frozen=True):
    """A text or an attribute: the names down to its element, with their numbers among elements of the same name."""

    steps: tuple[tuple[str, int], ...]
    attribute: str
    text: str

    @property
    def name(self) -> str:
        path = ".".join(name for name, _ in self.steps)
        return f"{path}{{@{self.attribute}}}" if self.attribute else path


def is_xml(text: str) -> bool:
    return text.lstrip()[:1] == "<"


@lru_cache(maxsize=1024)
def xml_path(path: str) -> XmlPath | None:
    """A path such as `a.b{2}.c{@id}`, or None if it is no path."""
    steps: list[XmlStep] = []
    attribute = ""
    for part in path.split("."):
        found = _PART.match(part)
        if not found or attribute:
            return None
        attribute = found[3][2:-1]
        steps.append(XmlStep(found[1], int(found[2][1:-1] or 0) if found[2] else 0))
    return XmlPath(tuple(steps), attribute)


class _Reader:
    """Collects values while expat reads, without recursion."""

    def __init__(self) -> None:
        self.values: list[XmlValue] = []
        self.path: list[tuple[str, int]] = []
        self.seen: list[dict[str, int]] = [{}]
        self.texts: list[list[str]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.path) >= _DEEPEST:
            raise ValueError("nested too deeply")
        number = self.seen[-1][name] = self.seen[-1].get(name, 0) + 1
        self.path.append((name, number))
        self.seen.append({})
        self.texts.append([])
        self.values += [XmlValue(tuple(self.path), key, value) for key, value in attributes.items()]

    def data(self, text: str) -> None:
        if self.texts:
            self.texts[-1].append(text)

    def end(self, name: str) -> None:
        text = "".join(self.texts.pop()).strip()
        if text:
            self.values.append(XmlValue(tuple(self.path), "", text))
        self.path.pop()
        self.seen.pop()


def _refuse(*declared: object) -> None:
    raise ValueError("a document type")


def xml_values(text: str) -> list[XmlValue] | None:
    """Every text and attribute, in the order in which they end; None for what is not XML."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(text.strip(), True)
    except (expat.ExpatError, ValueError):
        return None
    return reader.values


def select_xml(values: list[XmlValue], path: XmlPath) -> list[str]:
    """The values at a path."""
    return [
        value.text
        for value in values
        if value.attribute == path.attribute
        and len(value.steps) == len(path.steps)
        and all(
            step.name == name and step.number in (0, number)
            for step, (name, number) in zip(path.steps, value.steps, strict=True)
        )
    ]


def flatten_xml(values: list[XmlValue]) -> dict[str, list[str]]:
    """Field name to values."""
    found: dict[str, list[str]] = {}
    for value in values:
        found.setdefault(value.name, []).append(value.text)
    return found
