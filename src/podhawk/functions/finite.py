"""Numbers that can be counted with: no NaN, no infinity, nothing that a float cannot hold."""

from __future__ import annotations

import math

from podhawk.functions.declare import EvalValue
from podhawk.functions.numbers import number


def finite(value: EvalValue) -> int | float | None:
    """The finite number a value counts as, or None."""
    found = number(value)
    try:
        return found if found is not None and math.isfinite(found) else None
    except OverflowError:
        return None


def whole(value: EvalValue) -> int | None:
    """The finite number a value counts as, without its decimals, or None."""
    found = finite(value)
    return None if found is None else int(found)
