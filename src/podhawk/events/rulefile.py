"""YAML files: detection rules whose tests carry events.

YAML is read node by node into JSON values with numbers in their spelling, times as text, and a bound on what
aliases may expand to.
"""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events.decode import MAX_DEPTH, JsonNumber
from podhawk.events.documents import Document
from podhawk.events.formats.ruletests import is_rule
from podhawk.events.reasons import is_audit_event

_KEY_LINE: Final = re.compile(rb"(?:---[ \t\r]*(?:#.*)?|[A-Za-z_][\w.-]*[ \t]*:(?:[ \t\r].*|))\Z")
_SENTENCE: Final = re.compile(rb"[^:]*:[ \t]+[^\s\"'{\[|>&!*#%@`][^#]*:(?:[ \t]|\Z)")
"""A colon in the text after the first one, which YAML does not allow there."""
_MOST_NODES: Final = 500_000
MOST_BYTES: Final = 64 << 20


class BadYAML(Exception):
    """Not to be read as YAML; `is_text` where it is no YAML file at all. Internal to this package."""

    is_text = False


class NoYAML(BadYAML):
    """Lines of text that YAML would take for keys and values, such as the messages of a failed command."""

    is_text = True


def looks_like_yaml(head: bytes) -> bool:
    """Whether the first lines of a file are those of a YAML mapping (and of nothing else)."""
    keys = 0
    inner = False
    for line in head.split(b"\n")[:40]:
        text = line.rstrip(b"\r")
        if not text.strip() or text.lstrip().startswith(b"#"):
            continue
        if _KEY_LINE.match(text):
            if _SENTENCE.match(text):
                return False
            keys += 1
        elif not keys or text.startswith(b"{"):
            return False
        elif not text.startswith((b" ", b"- ", b"\t", b"}", b"]")):
            return keys > 2
        else:
            inner = True
    return keys > 1 or inner


def documents_in(data: bytes) -> list[Document]:
    """The logs of a rule's tests, each with the line it starts on; other YAML documents as they are.

    Raises `BadYAML`.
    """
    import yaml

    text = data.decode("utf-8", "replace").replace("\0", "")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[Document] = []
    try:
        for node in yaml.compose_all(text, Loader=loader):
            found.extend(_documents(node))
    except (yaml.YAMLError, RecursionError, ValueError):
        if not found:
            raise BadYAML from None
    return found


def _documents(node: Any) -> list[Document]:
    import yaml

    budget = [_MOST_NODES]
    value = _value(node, 0, budget)
    line = node.start_mark.line + 1
    if not is_rule(value):
        if type(value) is dict and not is_audit_event(value) and not any(map(_is_inner, value.values())):
            raise NoYAML
        return [] if value is None else [Document(line, b"", value, is_json=True)]
    found: list[Document] = []
    tests = next((inner for key, inner in node.value if key.value == "Tests"), None)
    for test in tests.value if isinstance(tests, yaml.SequenceNode) else []:
        for key, inner in test.value if isinstance(test, yaml.MappingNode) else []:
            if key.value == "Log":
                log = _value(inner, 0, budget)
                start = (inner if isinstance(inner, yaml.ScalarNode) else key).start_mark.line + 1
                found.append(Document(start, b"", log, is_json=True))
    return found or [Document(line, b"", {"AnalysisType": value.get("AnalysisType")}, is_json=True)]


def _is_inner(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _value(node: Any, depth: int, budget: list[int]) -> Any:
    import yaml

    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise BadYAML
    if isinstance(node, yaml.MappingNode):
        return {
            str(key.value) if isinstance(key, yaml.ScalarNode) else "": _value(inner, depth + 1, budget)
            for key, inner in node.value
        }
    if isinstance(node, yaml.SequenceNode):
        return [_value(inner, depth + 1, budget) for inner in node.value]
    tag = node.tag.rsplit(":", 1)[-1]
    if tag == "null":
        return None
    if tag == "bool":
        return node.value.lower() in ("true", "yes", "on")
    return JsonNumber(node.value) if tag in ("int", "float") and _is_json_number(node.value) else str(node.value)


def _is_json_number(text: str) -> bool:
    return re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", text, re.ASCII) is not None
