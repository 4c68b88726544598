"""Round values on an axis, and how they are written."""

from __future__ import annotations

import math


def scale(least: float, most: float, count: int) -> tuple[float, float, list[float]]:
    """The lower and upper end of an axis, and about so many round values on it. Zero is on it, unless all values are
    far from zero beside their range."""
    if least >= 0 and least <= (most - least) * 4:
        least = 0.0
    elif most <= 0 and -most <= (most - least) * 4:
        most = 0.0
    if most == least:
        most, least = (most, 0.0) if most > 0 else (0.0, least) if least < 0 else (1.0, 0.0)
    rough = (most - least) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    low, high = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    return low * step, high * step, [number * step for number in range(low, high + 1)]


def number_text(value: float) -> str:
    """A value of the axis: digits in groups of three, or a power of ten where it would be long."""
    if value and not 1e-4 <= abs(value) < 1e12:
        return f"{value:.3g}"
    return f"{value:,.4f}".rstrip("0").rstrip(".")
