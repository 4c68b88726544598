"""Trigonometric and hyperbolic functions, on radians. What has no real result is null."""

from __future__ import annotations

import math
from collections.abc import Callable

from podhawk.functions.declare import Function
from podhawk.functions.maths import numeric

SOURCE = (
    "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/"
    "trig-and-hyperbolic-functions"
)


def _trig(name: str, doc: str, calculate: Callable[..., float], example: tuple[str, str], count: int = 1) -> Function:
    return Function(name, count, count, doc, example, run=numeric(calculate), returns="number", source=SOURCE)


FAMILY: tuple[Function, ...] = (
    _trig("acos", "The arc cosine in radians, of a number from -1 to 1.", math.acos, ("acos(1)", "0")),
    _trig("acosh", "The inverse hyperbolic cosine, of a number of at least 1.", math.acosh, ("acosh(1)", "0")),
    _trig("asin", "The arc sine in radians, of a number from -1 to 1.", math.asin, ("asin(0)", "0")),
    _trig("asinh", "The inverse hyperbolic sine.", math.asinh, ("asinh(0)", "0")),
    _trig("atan", "The arc tangent in radians.", math.atan, ("round(atan(1), 4)", "0.7854")),
    _trig(
        "atan2",
        "The angle in radians of the point whose y is the first argument and whose x is the second.",
        math.atan2,
        ("round(atan2(1, -1), 4)", "2.3562"),
        2,
    ),
    _trig(
        "atanh",
        "The inverse hyperbolic tangent, of a number between -1 and 1.",
        math.atanh,
        ("atanh(0)", "0"),
    ),
    _trig("cos", "The cosine of an angle in radians.", math.cos, ("cos(0)", "1")),
    _trig("cosh", "The hyperbolic cosine.", math.cosh, ("cosh(0)", "1")),
    _trig(
        "hypot",
        "The length of the hypotenuse of a right triangle, given its two legs.",
        math.hypot,
        ("hypot(3, 4)", "5"),
        2,
    ),
    _trig("sin", "The sine of an angle in radians.", math.sin, ("round(sin(pi()/2), 4)", "1")),
    _trig("sinh", "The hyperbolic sine.", math.sinh, ("sinh(0)", "0")),
    _trig("tan", "The tangent of an angle in radians.", math.tan, ("tan(0)", "0")),
    _trig("tanh", "The hyperbolic tangent.", math.tanh, ("tanh(0)", "0")),
)
