"""Sessions for tests of the engine: small blocks and splits, and shortcuts switched off."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from podhawk import api
from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.events.source import SIZES, ReadSizes

SLOW_PATH: Final = EngineOptions(fast_path=False)
EVERY_LINE: Final = EngineOptions(prefilter=False, fast_path=False)
SMALL_SPLITS: Final = EngineOptions(parallel_from=1000, largest_split=20_000, smallest_split=4_000)


def session_with(
    engine: EngineOptions = DEFAULTS, sizes: ReadSizes = SIZES, line_templates: int | None = None, **options: Any
) -> api.Session:
    """A session on one core, unless `jobs` says otherwise."""
    made = api.session_of({"jobs": 1, **options})
    reading = replace(made.reading, sizes=sizes)
    if line_templates is not None:
        reading = replace(reading, line_templates=line_templates)
    return replace(made, engine=engine, reading=reading)
