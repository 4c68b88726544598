"""A fault in a content file."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from podhawk.errors import Place


class ContentProblem(Struct, frozen=True):
    """A fault in a content file. `severity` is "error" where the object could not be loaded."""

    place: Place
    message: str
    remedy: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if str(self.place) else self.message
