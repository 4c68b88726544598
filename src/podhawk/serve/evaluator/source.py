"""Lines of the inbox as a source of events, and the sample by which all increments are scanned."""

from __future__ import annotations

import time
from typing import Final

from msgspec import Struct

from podhawk.engine.run.files import FileSource
from podhawk.events.inputfile import Input
from podhawk.events.inputs import Inputs
from podhawk.events.options import ReadOptions

_ENOUGH: Final = 256 << 10
"""Bytes of a sample by which it is seen which literals are rare."""
_RENEWED: Final = 600.0
"""Seconds after which a new sample is taken: what is rare can change."""


class LineSample(Struct):
    """The sample of lines by which the prefilter chooses what it looks for. It is the same for many increments, so that
    the prefilter need not be built for each."""

    text: bytes = b""
    taken: float = 0.0

    def look(self, data: bytes) -> None:
        """Take the lines of an increment as the sample, if there is no good one."""
        now = time.monotonic()
        small = len(self.text) < _ENOUGH and len(data) > 2 * len(self.text)
        if small or (now - self.taken > _RENEWED and len(data) >= _ENOUGH):
            self.text, self.taken = data[:_ENOUGH], now


class InboxSource(FileSource):
    """Lines of one cluster. What is found in them refers to them by `name`."""

    def __init__(self, name: str, data: bytes, options: ReadOptions, sample: LineSample) -> None:
        super().__init__(Inputs.of([Input.of_bytes(name, data)]), options)
        sample.look(data)
        self._sample = sample.text

    def __exit__(self, *ended: object) -> None:
        self.inputs.close()

    def sample(self) -> bytes:
        return self._sample
