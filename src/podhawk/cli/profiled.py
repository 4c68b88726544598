"""--profile: what a run measured, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podhawk.settings.resolve import Settings


@contextmanager
def profiled(settings: Settings) -> Iterator[None]:
    """Measure what happens within the block where --profile asks for it, and print it at the end."""
    if not settings["profile"]:
        yield
        return
    from podhawk.cli.tables import note
    from podhawk.engine.profile import profiling

    values: Any = settings.values
    values["jobs"] = 1  # what other processes measure stays with them
    with profiling() as profile:
        yield
        sys.stdout.flush()
        for line in profile.lines():
            note(line)
