"""Tools that people use by hand."""

from __future__ import annotations

import re
from typing import Final

_BY_HAND: Final = re.compile(
    r"(?:curl|Wget|HTTPie|kubectl|oc|k9s|Lens|python-requests|python-urllib3?|Go-http-client|Postman|PostmanRuntime|"
    r"Mozilla|okhttp|PowerShell|Ruby|axios|nmap|sqlmap|kube-hunter|peirates|kubeletctl)\b",
    re.IGNORECASE,
)


def by_hand(user_agent: str) -> bool:
    """Whether a user agent is that of a tool which people use by hand, or of a library without a product of its own.

    Clients choose their user agent: one that looks like a component's proves nothing.
    """
    return _BY_HAND.match(user_agent) is not None
