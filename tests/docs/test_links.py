"""Every relative link in the documentation leads to a file, and its anchor to a heading there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from support import ROOT

FOLDERS = (ROOT, ROOT / "docs", ROOT / "bench", ROOT / ".github")
PAGES = sorted(page for folder in FOLDERS for page in folder.glob("*.md"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)


@cache
def prose(page: Path) -> str:
    """A page without its code: fenced blocks, indented blocks and spans."""
    text = re.sub(r"^(```|~~~).*?^\1\s*?$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"(?<=\n\n)(?:(?: {4}|\t).*\n)+", "", text)
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The names that GitHub gives to headings: lower case, no punctuation, hyphens for blanks, numbers for repeats."""
    found: list[str] = []
    text = re.sub(r"^(```|~~~).*?^\1\s*?$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        repeats = sum(re.fullmatch(rf"{re.escape(name)}(-\d+)?", one) is not None for one in found)
        found.append(f"{name}-{repeats}" if repeats else name)
    return frozenset(found)


def broken(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    found = []
    for target in (first or second for first, second in LINK.findall(prose(page))):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A `name()`, twice\n\n## A name, twice\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[1](other.md#a-name-twice) [2](other.md#a-name-twice-1) [3](https://example.org/x#y) `[4](code.md)`\n\n"
        "    [5](code.md)\n\n[6](missing.md) [7](other.md#missing) [8](#missing)\n"
    )
    assert broken(page) == ["missing.md", "other.md#missing", "#missing"]


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    linked = {first for first, _ in LINK.findall(prose(ROOT / "README.md"))}
    assert [page.name for page in PAGES if page.parent.name == "docs" and f"docs/{page.name}" not in linked] == []
