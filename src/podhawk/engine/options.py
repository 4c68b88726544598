"""How the engine does its work. No option here changes a result: they trade memory for time, or switch a shortcut
off."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

MIB: Final = 1 << 20


class EngineOptions(Struct, frozen=True):
    """Sizes are in bytes.

    `prefilter`, `fast_path` and `row_filters` switch these shortcuts on; without them every event is made and every
    row.

    A scan uses several processes if the input has `parallel_from` bytes. Each takes splits of at most `largest_split`
    and at least `smallest_split` bytes, so that each gets two or more.

    The prefilter reads the first `sampled_lines` of a file in any case, so that the report tells what the file is.

    A row filter is given up if it had to run its stages for more than half of the events, after `row_filter_trials` of
    them. Whatever is remembered by values (what a clause said of them, how often they came) is dropped or passed on
    when there are `remembered_values` of them.

    `watch` looks at lines that no search may want, to tell which searches could have been blind. Without it the stats
    of searches do not say so.
    """

    prefilter: bool = True
    fast_path: bool = True
    row_filters: bool = True
    parallel_from: int = 24 * MIB
    largest_split: int = 64 * MIB
    smallest_split: int = MIB
    sampled_lines: int = 64
    row_filter_trials: int = 1024
    remembered_values: int = 50_000
    watch: bool = True


DEFAULTS: Final = EngineOptions()
