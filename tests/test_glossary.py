"""The glossary names what exists, a public class name means one thing, and the documentation uses plain words."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "podhawk"
DOCS = sorted([ROOT / "README.md", ROOT / "bench" / "README.md", *(ROOT / "docs").glob("*.md")])

FORMER_WORDS = (
    "sieve",
    "quick way",
    "long way",
    "out of sight",
    "surroundings",
    "aimless",
    "amid",
    "so called",
    "nobody knows",
)
"""Words that the documentation no longer uses: former names, and phrases that had to be read twice."""


def meanings() -> dict[str, set[str]]:
    """The definitions of each public class and type alias: the module of a class, the text of an alias."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found[node.name].add(module)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_type(node.value):
                found[node.targets[0].id].add(ast.unparse(node.value))
    return {name: each for name, each in found.items() if name[0].isupper() and not name.isupper()}


def _is_type(value: ast.expr) -> bool:
    """Whether an expression is a type: a union, or a generic such as `dict[str, Row]`."""
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, ast.BitOr) and _is_name(value.right)
    return isinstance(value, ast.Subscript) and _is_name(value.value)


def _is_name(value: ast.expr) -> bool:
    return isinstance(value, ast.Name | ast.Attribute | ast.Constant | ast.Subscript)


@pytest.mark.slow
def test_a_public_class_name_means_one_thing() -> None:
    several = {name: sorted(each) for name, each in meanings().items() if len(each) > 1}
    assert several == {}


def entries() -> Iterator[tuple[str, str, str]]:
    """Term, meaning and code of each line of the glossary."""
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in ("term", "---"):
            yield cells[0], cells[1], cells[2]


def test_each_term_has_one_entry_of_one_or_two_sentences() -> None:
    found = list(entries())
    assert len(found) > 40
    assert len({term for term, _, _ in found}) == len(found)
    assert [term for term, meaning, _ in found if not 1 <= len(re.findall(r"\.(?= |$)", meaning)) <= 2] == []


@pytest.mark.parametrize(("term", "code"), [(term, code) for term, _, code in entries() if code])
def test_the_code_of_a_term_exists(term: str, code: str) -> None:
    path, _, name = code.strip("`").partition(": ")
    assert (PACKAGE / path).exists()
    if name:
        tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        defined |= {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and _named(node.target)}
        assert name in defined


def _named(target: ast.expr) -> bool:
    return isinstance(target, ast.Name)


@pytest.mark.parametrize("page", DOCS, ids=lambda path: path.name)
def test_the_documentation_uses_none_of_the_former_words(page: Path) -> None:
    text = page.read_text(encoding="utf-8").lower()
    assert [word for word in FORMER_WORDS if re.search(rf"\b{word}\b", text)] == []
