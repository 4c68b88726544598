"""What machines ask all day: health, version, leases."""

from __future__ import annotations

import re
from typing import Final

from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each

_PROBE: Final = re.compile(r"/(?:healthz|livez|readyz)(?:/[\w-]+(?:\.[\w-]+)*)*/?(?:\?.*)?\Z")


def _test(match: Match) -> bool:
    request = match.request
    return (match.finding.target.resource == "leases"
            or (request is not None and _PROBE.match(request.key.uri) is not None))


PROBES: Final = NoiseClass(
    name="probes",
    doc="Health checks of the API server (`/healthz`, `/livez`, `/readyz`), which load balancers ask without a name, "
        "and the leases by which components elect a leader.",
    action="hide",
    members=each(_test))
