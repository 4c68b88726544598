"""The title of a finding: the detection's message about its rows, and what became of the request.

A message says that something happened. Where it did not happen, the title says so first. Parts of the message that
name an object or a namespace are left out where there is none. A request about no resource is named by its path.
"""

from __future__ import annotations

import re
from typing import Final

from podhawk.content.model import Detection
from podhawk.detect.evaluate.message_tokens import MessageFields, TokenValues, fill, shown
from podhawk.detect.finding import Outcome
from podhawk.lazy import lazy_pattern

_OPTIONAL: Final = lazy_pattern(r"\s+(?:(?:in|of|for) namespace )?\$(?:result\.)?(object|namespace)\$")
_RESOURCE: Final = lazy_pattern(r"\$(?:result\.)?resource\$")
_BY_OUTCOME: Final = {
    "denied": "Attempt, denied: ",
    "failed": "Attempt, failed: ",
    "dry_run": "Dry run: ",
}
_SAYS: Final = lazy_pattern(r"\b(?:denied|refused|not allowed|failed|tried|attempt\w*|unauthori[sz]ed|dry run)\b", re.I)
"""Words by which a message tells the outcome itself."""


def title_of(detection: Detection, fields: MessageFields) -> str:
    """The detection's message about these rows, its name where it has none."""
    message = _OPTIONAL.sub(lambda part: part[0] if _has(fields, part[1]) else "", detection.title or detection.message)
    path = _path(fields) if _RESOURCE.search(message) and not fields.find("resource").values else ""
    if not path:
        return fill(message, fields).strip() or detection.name
    return path.join(fill(part, fields) for part in _RESOURCE.split(message)).strip()


def _path(fields: MessageFields) -> str:
    """What requests about no resource asked for: their paths, without what follows a question mark."""
    paths = dict.fromkeys(uri.partition("?")[0] for uri in fields.find("requestURI").values)
    return shown(TokenValues(tuple(one for one in paths if one))) if any(paths) else ""


def _has(fields: MessageFields, name: str) -> bool:
    found = fields.find(name)
    return bool(found.values) or found.filled


def with_outcome(title: str, outcome: Outcome) -> str:
    """A title that says so if the request had no effect."""
    return title if _SAYS.search(title) else _BY_OUTCOME.get(outcome, "") + title
