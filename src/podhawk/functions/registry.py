"""Every eval function by name, and those of Splunk's reference that are refused, with the reason."""

from __future__ import annotations

from podhawk.functions import (
    bitwise,
    conditional,
    conversion,
    crypto,
    datetime,
    informational,
    jsonfns,
    maths,
    multivalue,
    text,
    trigonometry,
)
from podhawk.functions.declare import Function
from podhawk.functions.lookups import LOOKUP

FAMILIES: dict[str, tuple[Function, ...]] = {
    "Comparison and conditional": (*conditional.FAMILY, LOOKUP),
    "Informational": informational.FAMILY,
    "Text": text.FAMILY,
    "Conversion": conversion.FAMILY,
    "Mathematical and statistical": maths.FAMILY,
    "Trigonometric and hyperbolic": trigonometry.FAMILY,
    "Date and time": datetime.FAMILY,
    "Multivalue": multivalue.FAMILY,
    "JSON": jsonfns.FAMILY,
    "Cryptographic": crypto.FAMILY,
    "Bitwise": bitwise.FAMILY,
}
"""The families in the order a reference lists them."""

FUNCTIONS: dict[str, Function] = {
    name: function for family in FAMILIES.values() for function in family for name in (function.name, *function.aliases)
}
"""Every name, aliases included, and its declaration."""

FOREIGN: dict[str, str] = {
    **{
        name: f"SPL has {function.name}(): {function.example[0]}."
        for family in FAMILIES.values()
        for function in family
        for name in function.known_as
        if name not in FUNCTIONS
    },
    "concat": "Join texts with a dot: a.b.",
    "concat_ws": 'Join texts with a dot: a.",".b.',
    "strcat": "Join texts with a dot: a.b.",
    "count": "Count rows with | stats count.",
    "extract": 'Use | rex, or replace(field, "^.*(part).*$", "\\1").',
}
"""Names that functions have in other languages, and what to write instead."""

_SPL2 = "it belongs to SPL2, which is a different language"
REFUSED: dict[str, str] = {
    "cluster": "it groups events by similarity with an undocumented model",
    "getfields": "an expression can read only the fields that it names",
    **dict.fromkeys(
        (
            "all",
            "any",
            "filter",
            "map",
            "reduce",
            "array_to_csv",
            "object_to_array",
            "flatten",
            "ip_subnet_match",
            "batch_id",
            "batch_time",
        ),
        _SPL2,
    ),
}
