"""Formatting of detections: the search as a block, one pipe a line; nothing else of the file is touched.

The text of the search may only change where blanks stand between its stages, and both texts must give the same stages.
"""

from __future__ import annotations

import re
from pathlib import Path

from podhawk.commands.parse import parse_search
from podhawk.content.model import Content
from podhawk.content.yamlfile import parse_yaml, read_yaml
from podhawk.errors import ContentError, SearchError
from podhawk.spl.macros import expand
from podhawk.spl.text import skip_quoted


def formatted(path: Path, content: Content) -> str | None:
    """The text of a detection file with its search formatted; None where it stays as it is.

    Raises ContentError for a file that cannot be read.
    """
    text = path.read_text(encoding="utf-8")
    documents = read_yaml(path)
    if (
        len(documents) != 1
        or not isinstance(documents[0].data, dict)
        or not isinstance(documents[0].data.get("search"), str)
    ):
        return None
    search = documents[0].data["search"]
    lines = pipes(search)
    if "\n".join(lines) == search.rstrip("\n") or not _same(search, "\n".join(lines), content):
        return None
    found = _replaced(text, lines)
    if found is None:
        return None
    (again,) = parse_yaml(found, str(path))
    unchanged = {name: value for name, value in documents[0].data.items() if name != "search"}
    if {name: value for name, value in again.data.items() if name != "search"} != unchanged:
        raise ContentError(f"formatting would change the meaning of {path}")
    return found


def pipes(search: str) -> list[str]:
    """The stages of a search, each on a line of its own, as they are written."""
    parts: list[str] = []
    start = at = depth = 0
    while at < len(search):
        char = search[at]
        if char == '"':
            after = skip_quoted(search, at)
            at = after if after > 0 else len(search)
            continue
        if char == "`":
            end = search.find("`", at + 1)
            at = end + 1 if end > 0 else len(search)
            continue
        depth += {"[": 1, "]": -1}.get(char, 0)
        if char == "|" and depth == 0 and at > start:
            parts.append(search[start:at])
            start = at
        at += 1
    parts.append(search[start:])
    tidy = [re.sub(r"\s*\n\s*", " ", part).strip() for part in parts if part.strip()]
    return [re.sub(r"^\|\s*", "| ", part) for part in tidy]


def _same(before: str, after: str, content: Content) -> bool:
    """Whether two texts are the same search."""
    try:
        first, second = (parse_search(expand(text, content.macros, keep_unknown=True)) for text in (before, after))
        stages = [[(stage.name, stage.node) for stage in one.stages] for one in (first, second)]
        return stages[0] == stages[1]
    except (SearchError, ContentError):
        return False
    except RecursionError:  # chains too long to be compared: the text stays as it is
        return False


def _replaced(text: str, lines: list[str]) -> str | None:
    """The file with its top-level search as a block of these lines."""
    rows = text.split("\n")
    first = next((number for number, row in enumerate(rows) if re.match(r"search\s*:", row)), None)
    if first is None:
        return None
    last = first + 1
    while last < len(rows) and (not rows[last].strip() or rows[last][:1] in (" ", "\t")):
        last += 1
    while last > first + 1 and not rows[last - 1].strip():
        last -= 1
    return "\n".join((*rows[:first], "search: |-", *(f"  {line}" for line in lines), *rows[last:]))
