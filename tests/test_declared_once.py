"""What is known of single commands and functions stands in their declarations, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import podhawk
from podhawk.commands.registry import SUPPORTED
from podhawk.functions.aggregations import AGGREGATIONS
from podhawk.functions.registry import FUNCTIONS

ROOT = Path(podhawk.__file__).parent
OUTSIDE = [
    path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0] not in ("commands", "functions")
]
COMMANDS = {name for command in SUPPORTED for name in (command.name, *command.aliases)}
CALLED = {*FUNCTIONS, *AGGREGATIONS} - {"true", "false", "null"}  # which are words of JSON, too


def lists(tree: ast.Module) -> Iterator[tuple[int, set[str]]]:
    """The texts of each collection that holds nothing but texts, and of each pattern that is a choice of words."""
    for part in ast.walk(tree):
        items = part.keys if isinstance(part, ast.Dict) else getattr(part, "elts", None)
        if items and all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in items):
            yield part.lineno, {one.value for one in items}  # type: ignore[attr-defined,union-attr]
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            for choice in re.findall(r"[a-z]\w*(?:\|[a-z]\w*)+", part.value):
                yield part.lineno, set(choice.split("|"))


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_list_of_commands_or_functions(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        (line, sorted(names))
        for line, names in lists(tree)
        if len(names) > 1 and (names <= COMMANDS or (len(names) > 2 and names <= CALLED))
    ]
    assert found == []


def imports() -> dict[str, set[str]]:
    """What each module imports of podhawk, anywhere in it: also in functions, and for type checking only."""
    modules: dict[str, Path] = {}
    for path in ROOT.rglob("*.py"):
        parts = ("podhawk", *path.relative_to(ROOT).with_suffix("").parts)
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        own = found[name] = set()
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(part, ast.ImportFrom) and part.module and not part.level:
                own |= {
                    inner if (inner := f"{part.module}.{one.name}") in modules else part.module for one in part.names
                }
            elif isinstance(part, ast.Import):
                own |= {one.name for one in part.names}
    return {name: own & modules.keys() for name, own in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("room", ["podhawk.commands", "podhawk.functions"])
def test_no_module_of_the_room_imports_itself_by_way_of_others(room: str) -> None:
    graph = imports()

    def reached(module: str) -> set[str]:
        seen: set[str] = set()
        waiting = [module]
        while waiting:
            more = graph[waiting.pop()] - seen
            seen |= more
            waiting += more
        return seen

    assert [module for module in sorted(graph) if module.startswith(room) and module in reached(module)] == []
