"""What the site has committed as normal, and what is outside of it."""

from __future__ import annotations

from typing import Final

from podhawk.detect.noise.declare import NoiseClass, each

BASELINE: Final = NoiseClass(
    name="baseline",
    doc="The finding is a habit in the baseline that a person of the site has reviewed and committed: the same "
    "detection, identity, address, verb, kind of object, namespace, outcome and power. A credential in other "
    "hands is no habit.",
    action="hide",
    members=each(lambda match: False),
)
OUTSIDE: Final = NoiseClass(
    name="outside-baseline",
    doc="There is a baseline, and the finding of a known user is no habit in it.",
    action="tag",
    members=each(lambda match: False),
)
"""Both are told by the baseline, which a class by itself does not know."""
