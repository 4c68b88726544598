"""YAML with places: a file becomes plain data, and every value still knows its line and column.

The nodes of PyYAML's composer carry marks; the plain data is built from them here, not by PyYAML's
constructor, for three reasons: dates stay the text they are, a key written twice is noticed, and an
alias that would unfold into gigabytes is refused. The C parser is used where PyYAML has it.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct, field
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from podhawk.content.model import ContentProblem
from podhawk.errors import ContentError, Place

_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"
MAX_VALUES: Final = 500_000
MAX_DEPTH: Final = 200
MAX_BYTES: Final = 20_000_000

Key = str | int


class Document(Struct, frozen=True):
    """One YAML document: its data, and where each part of it stands."""

    file: str
    data: Any
    node: Node | None
    lines: tuple[str, ...] = ()
    warnings: tuple[ContentProblem, ...] = ()

    def place(self, *path: Key) -> Place:
        """Where the value at `path` begins; the nearest enclosing value where there is none."""
        node = self.node
        for key in path:
            inner = _child(node, key)
            if inner is None:
                break
            node = inner
        if node is None:
            return Place(self.file, 1, 1)
        return self._at(node.start_mark.line, node.start_mark.column)

    def text_line(self, *path: Key) -> int:
        """The line on which the text of the scalar at `path` begins (below `|` and `>`); 0 if absent."""
        node = self.node
        for key in path:
            node = _child(node, key)
            if node is None:
                return 0
        block = isinstance(node, ScalarNode) and node.style in ("|", ">")
        assert node is not None
        return int(node.start_mark.line) + (2 if block else 1)

    def _at(self, line: int, column: int) -> Place:
        text = self.lines[line] if line < len(self.lines) else ""
        return Place(self.file, line + 1, column + 1, text)


def _child(node: Node | None, key: Key) -> Node | None:
    if isinstance(node, MappingNode):
        pairs = reversed(node.value)
        return next((value for name, value in pairs if _is_key(name, key)), None)
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        inner: Node = node.value[key]
        return inner
    return None


def _is_key(node: Node, key: Key) -> bool:
    return isinstance(node, ScalarNode) and node.value == key


def read_yaml(path: Path) -> list[Document]:
    """Every document of a YAML file that is not empty.

    Raises ContentError with file, line and column for text that is not UTF-8 (or UTF-16 with a byte
    order mark) and for anything that is not YAML.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ContentError(f"is larger than {MAX_BYTES:,} bytes and is not loaded", place=Place(str(path)))
        raw = path.read_bytes()
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", place=Place(str(path))) from error
    return parse_yaml(_decode(raw, str(path)), str(path))


def parse_yaml(text: str, file: str) -> list[Document]:
    """Every document of `text` that is not empty. Raises ContentError with the place of the fault."""
    lines = tuple(text.splitlines())
    loader: Any = None
    documents = []
    try:
        _check_depth(text, file)
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            builder = _Builder(file, lines)
            data = builder.build(node)
            if data is not None:
                documents.append(Document(file, data, node, lines, tuple(builder.warnings)))
    except yaml.MarkedYAMLError as error:
        raise _as_content_error(error, file, lines) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) if isinstance(error.position, int) else 0
        raise ContentError(
            f"contains a character that YAML does not allow ({_codepoint(error.character)})",
            place=Place(file, line + 1, 1, lines[line] if line < len(lines) else ""),
            remedy="Remove the control character.",
        ) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise ContentError(f"is not valid YAML: {error}", place=Place(file, 1, 1)) from error
    finally:
        if loader is not None:
            loader.dispose()
    return documents


def _codepoint(character: object) -> str:
    if isinstance(character, str) and character:
        return f"U+{ord(character[0]):04X}"
    return f"U+{character:04X}" if isinstance(character, int) else str(character)


def _check_depth(text: str, file: str) -> None:
    """Refuse nesting that would exhaust the parser's stack: thousands of brackets or indents."""
    brackets = text.count("[") + text.count("{")
    if brackets < MAX_DEPTH and text.count("- - ") < MAX_DEPTH and len(text) < 1_000_000:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                assert mark is not None
                raise ContentError(
                    f"is nested more than {MAX_DEPTH} levels deep", place=Place(file, mark.line + 1, mark.column + 1)
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _decode(raw: bytes, file: str) -> str:
    encoding = "utf-8-sig"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise ContentError(
            f"is not {'UTF-16' if encoding == 'utf-16' else 'UTF-8'} text (byte 0x{raw[error.start]:02x})",
            place=Place(file, line, column),
            remedy="Save the file as UTF-8.",
        ) from error


def _as_content_error(error: yaml.MarkedYAMLError, file: str, lines: tuple[str, ...]) -> ContentError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    text = lines[line] if line < len(lines) else ""
    what = str(error.problem or error.context or "is not valid YAML")
    remedy = ""
    if "\t" in text[: column + 1]:
        remedy = "Indent with spaces. YAML does not allow tabs here."
    elif "mapping values are not allowed" in what:
        remedy = "Quote the value: it contains a colon followed by a space."
    elif "cannot start any token" in what:
        remedy = "Quote the value: its first character has a special meaning in YAML."
    context = f" {error.context}" if error.context and error.problem else ""
    return ContentError(
        f"is not valid YAML: {what}{context}", place=Place(file, line + 1, column + 1, text), remedy=remedy
    )


class _Builder(Struct):
    """Plain data from nodes. Aliased nodes are built once and shared; their size still counts each time."""

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
