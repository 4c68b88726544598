"""Plain data from YAML nodes.

It is built here and not by PyYAML's constructor for three reasons: dates stay the text they are, a key written twice is
noticed, and an alias that would unfold into gigabytes is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct, field
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from podhawk.content.model import ContentProblem
from podhawk.errors import ContentError, Place

_TAG: Final = "tag:yaml.org,2002:"
MAX_VALUES: Final = 500_000
MOST_DIGITS: Final = 308


class YamlValues(Struct):
    """Builds the values of one document. Aliased nodes are built once and shared; their size counts each time."""

    file: str
    lines: tuple[str, ...]
    warnings: list[ContentProblem] = field(default_factory=list)
    built: dict[int, Any] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)

    def build(self, node: Node) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        key = id(node)
        if key in self.built:
            return self.built[key]
        if key in self.open:
            raise ContentError("an alias contains itself", place=self._place(node))
        self.open.add(key)
        result: Any
        if isinstance(node, SequenceNode):
            result = [self.build(inner) for inner in node.value]
            size = 1 + sum(self._size(inner) for inner in node.value)
        else:
            assert isinstance(node, MappingNode)
            result = self._mapping(node)
            size = 1 + sum(self._size(v) for _, v in node.value)
        if size > MAX_VALUES:
            raise ContentError("aliases expand to too much data", place=self._place(node))
        self.open.discard(key)
        self.built[key], self.sizes[key] = result, size
        return result

    def _size(self, node: Node) -> int:
        return self.sizes.get(id(node), 1)

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                for source in self._merge_sources(value_node):
                    for name, value in source.items():
                        merged.setdefault(name, value)
                continue
            if not isinstance(key_node, ScalarNode):
                raise ContentError("a key must be a plain string", place=self._place(key_node))
            name = key_node.value
            if name in own:
                self.warnings.append(
                    ContentProblem(
                        self._place(key_node, len(name)),
                        f"duplicate key {name!r}; the last value is used",
                        "Remove one of the two.",
                        "warning",
                    )
                )
            own[name] = self.build(value_node)
        return {**merged, **own} if merged else own

    def _merge_sources(self, node: Node) -> Iterator[dict[str, Any]]:
        built = self.build(node)
        for source in built if isinstance(built, list) else [built]:
            if not isinstance(source, dict):
                raise ContentError("'<<' can merge only mappings", place=self._place(node))
            yield source

    def _scalar(self, node: ScalarNode) -> Any:
        text, tag = node.value, node.tag
        if node.style in ("'", '"', "|", ">") or not tag.startswith(_TAG):
            return text
        kind = tag[len(_TAG) :]
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("yes", "true", "on")
        if kind == "int" and text.lstrip("+-").isdigit() and not text.lstrip("+-").startswith("0"):
            if len(text) > MOST_DIGITS:
                raise ContentError(
                    f"is a number of more than {MOST_DIGITS} digits", place=self._place(node), remedy="Quote the value."
                )
            return int(text)
        if kind == "int" and text.lstrip("+-") == "0":
            return 0
        if kind == "float" and ":" not in text:
            try:
                return float(text.replace("_", ""))
            except ValueError:
                return text
        return text

    def _place(self, node: Node, length: int = 1) -> Place:
        line, column = node.start_mark.line, node.start_mark.column
        text = self.lines[line] if line < len(self.lines) else ""
        return Place(self.file, line + 1, column + 1, text, length)
