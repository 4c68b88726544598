"""Telling a piece of a broken record from text that merely stands beside one."""

from __future__ import annotations

import re
from typing import Final

_PAIR: Final = re.compile(r'[\w.:/@-]+\s*=\s*(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s"{\[]*)')
_GROUP: Final = re.compile(r'\[[^\[\]{}]*\]|\([^()]*\)|\{[^{}":]*\}')
_PIECE: Final = re.compile(r'"\s*:\s*[\["{\dtfn-]|\\"\s*:|"\s*[}\]]|\}\s*[,}\]]')


def is_remnant(text: str) -> bool:
    """Whether text beside an event is a piece of a record that is broken."""
    if '"' not in text and "}" not in text:
        return False
    if '"auditID"' in text:
        return True
    return _PIECE.search(_GROUP.sub("", _PAIR.sub("", text))) is not None
