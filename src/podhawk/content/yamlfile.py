"""YAML with places: a file becomes plain data, and every value still knows its line and column.

The nodes of PyYAML's composer carry marks; `yaml_values` builds the plain data from them. The C parser is used where
PyYAML has it.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from podhawk.content.model import ContentProblem
from podhawk.content.yaml_values import YamlValues
from podhawk.errors import ContentError, Place

_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_DEPTH: Final = 200
MAX_BYTES: Final = 20_000_000

YamlKey = str | int


class YamlDocument(Struct, frozen=True):
    """One YAML document: its data, and where each part of it stands. `home` is the folder that files named in it must
    lie in; "" stands for the folder of the file."""

    file: str
    data: Any
    node: Node | None
    lines: tuple[str, ...] = ()
    warnings: tuple[ContentProblem, ...] = ()
    home: str = ""

    def place(self, *path: YamlKey) -> Place:
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

    def text_line(self, *path: YamlKey) -> int:
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


def _child(node: Node | None, key: YamlKey) -> Node | None:
    if isinstance(node, MappingNode):
        pairs = reversed(node.value)
        return next((value for name, value in pairs if _is_key(name, key)), None)
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        inner: Node = node.value[key]
        return inner
    return None


def _is_key(node: Node, key: YamlKey) -> bool:
    return isinstance(node, ScalarNode) and node.value == key


def read_yaml(path: Path, home: str = "") -> list[YamlDocument]:
    """Every document of a YAML file that is not empty. Files that it names must lie in the folder `home`.

    Raises ContentError with file, line and column for text that is not UTF-8 (or UTF-16 with a byte
    order mark) and for anything that is not YAML.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ContentError(f"is larger than {MAX_BYTES:,} bytes and is not loaded", place=Place(str(path)))
        raw = path.read_bytes()
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", place=Place(str(path))) from error
    return parse_yaml(_decode(raw, str(path)), str(path), home)


def parse_yaml(text: str, file: str, home: str = "") -> list[YamlDocument]:
    """Every document of `text` that is not empty. Raises ContentError with the place of the fault."""
    lines = tuple(text.splitlines())
    loader: Any = None
    documents = []
    try:
        _check_depth(text, file)
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            builder = YamlValues(file, lines)
            data = builder.build(node)
            if data is not None:
                documents.append(YamlDocument(file, data, node, lines, tuple(builder.warnings), home))
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
