"""The label in front of a document that goes on over many lines, on its first line or on each of them.

`aws logs tail --format json` writes a time and a stream before the first line of an event, `kubectl logs --prefix`
a name before each line of it. Times and counts in a label may differ from line to line.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

_OPENS: Final = re.compile(rb'\{[ \t]*(?:"|\r?\Z)|\[[ \t]*\r?\Z')
_GOES_ON: Final = b"{[,:"
_LONGEST: Final = 1024
_DIGITS: Final = re.compile(rb"\d+")


class LineLabel(Struct, frozen=True):
    """Text before a document: how long it is on the first line, and how it looks on the others."""

    size: int
    again: re.Pattern[bytes]

    @classmethod
    def before(cls, text: bytes) -> LineLabel | None:
        """The label of a line after which an object begins and does not end; None where that is not so."""
        if text[-1:] not in _GOES_ON:
            return None
        begin = _OPENS.search(text, 0, len(text))
        if begin is None or begin.start() > _LONGEST:
            return None
        label = text[: begin.start()]
        shape = rb"\d+".join(re.escape(part) for part in _DIGITS.split(label))
        return cls(begin.start(), re.compile(shape))

    def without(self, line: bytes) -> bytes:
        """A line without the label, if it has one."""
        found = self.again.match(line)
        return line[found.end() :] if found is not None and self.size else line
