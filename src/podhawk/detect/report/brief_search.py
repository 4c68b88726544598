"""Searches for people to read: long lists of values are named by their first ones.

A condition that leaves out the components of a cluster lists dozens of accounts. Nobody reads them on a terminal;
`podhawk search` and the content file have them all.
"""

from __future__ import annotations

import re
from typing import Final

MOST_VALUES: Final = 3
"""Values of a list that are shown, if it has more than one more."""
LONGEST_STEP: Final = 160
"""Characters of a step that is only named."""
_LIST: Final = re.compile(r'\bIN \(((?:"(?:[^"\\]|\\.)*"|[^()"])*)\)')
_VALUE: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+')


def brief(text: str) -> str:
    """A search or a part of one, with few values of each list."""
    return _LIST.sub(_few, text)


def _few(found: re.Match[str]) -> str:
    values = [one.strip() for one in _VALUE.findall(found[1])]
    if len(values) <= MOST_VALUES + 1:
        return found[0]
    return f"IN ({', '.join(values[:MOST_VALUES])} … {len(values) - MOST_VALUES} more)"


def named(step: str) -> str:
    """A step of a search, long enough to be recognised."""
    text = brief(step)
    return text if len(text) <= LONGEST_STEP else f"{text[: LONGEST_STEP - 1]}…"
