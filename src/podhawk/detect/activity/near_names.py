"""Names in a log that may have been meant by a name that it does not have.

They are gathered in the same reading as the digest of the name, which must not become slower by it. A misspelt name
shares its beginning or its end with the right one, so only lines with one of these parts are looked at; and a part
that many lines of a sample have is not asked for: names with such a part stand in the sample itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from podhawk.detect.activity.addresses import address_of
from podhawk.detect.activity.brief import names_of
from podhawk.detect.activity.value_counts import ValueCounts
from podhawk.detect.requests.request import member
from podhawk.engine.run.along import DigestPart
from podhawk.errors import close_to
from podhawk.events.collected import CollectedEvent, CollectedLine, EventDecoder
from podhawk.spl.clause import Clause, Compare, Or

MOST_NEAR: Final = 3
"""Names that are suggested, if several end with the one that was asked for."""
_MOST_NAMES: Final = 5_000
_OFTEN: Final = 0.005
"""So often a part of a name may stand in each kilobyte of a sample before it is not asked for."""
_FEW: Final = 3
"""So often it may be there in any case."""
_LEAST: Final = 3
"""Characters of the shortest part."""
_IN_SAMPLE: Final = re.compile(
    rb'(?:"username":|"objectRef":\{"resource":"(?:pods|nodes)"[^{}]{0,400}?"name":)"([^"\\]{1,200})"'
)
_SEPARATORS: Final = ":/"


class NearNames:
    """The users, and the pods and nodes that are the object of a request, in the events that it takes."""

    def __init__(self, decoder: EventDecoder) -> None:
        self._decoder: EventDecoder | None = decoder
        self.found = ValueCounts(_MOST_NAMES)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_decoder": None}

    def take(self, event: CollectedEvent) -> None:
        """Count the names in an event."""
        assert self._decoder is not None
        names = names_of(event.text) if isinstance(event, CollectedLine) else None
        for name in _names_in(self._decoder.outline(event).view.data) if names is None else names:
            if name:
                self.found.add(name)

    def merge(self, other: NearNames) -> None:
        """Take in the names of another part of the log."""
        self.found.merge(other.found)


class NearSearch:
    """A search for names like this one, in a log of which a sample is known."""

    def __init__(self, name: str, sample: bytes, decoder: EventDecoder) -> None:
        self._name, self._sample = name, sample
        clause = near_clause(name, sample)
        self.parts: list[DigestPart] = [] if clause is None else [(clause, lambda: NearNames(decoder))]

    def meant(self, found: Any) -> list[str]:
        """Names that may have been meant, by the digest of the part, if there was any: those that end with this one, as
        service accounts do, the most frequent first; else the nearest one."""
        if address_of(self._name) is not None:
            return []
        known = dict.fromkeys(value for value, _ in found.found.top()) if found is not None else {}
        known |= dict.fromkeys(one.decode("utf-8", "replace") for one in _IN_SAMPLE.findall(self._sample))
        endings = tuple(f"{separator}{self._name.lower()}" for separator in _SEPARATORS)
        ends = [one for one in known if one.lower().endswith(endings)]
        return ends[:MOST_NEAR] or close_to(self._name, known)


def near_clause(name: str, sample: bytes) -> Clause | None:
    """Selects the events with names like this one; None if they are too many, or the name cannot be like another."""
    if address_of(name) is not None or "*" in name:
        return None
    low = sample.lower()
    often = max(_OFTEN * len(low) / 1000, _FEW)
    patterns = [
        pattern for pattern, part in _parts(name) if low.count(part.lower().encode("utf-8", "surrogatepass")) <= often
    ]
    names = ("user.username", "objectRef.name")
    return Or(tuple(Compare(each, "=", one) for each in names for one in patterns)) if patterns else None


def _parts(name: str) -> Iterator[tuple[str, str]]:
    """The patterns of names like this one, each with the text that a line must have."""
    last = re.split(f"[{_SEPARATORS}]", name)[-1]
    for one in dict.fromkeys((name, last)):
        size = max((len(one) - 1) // 2, _LEAST)
        before = name.removesuffix(one)
        if one:
            yield f"{before}{one[:size]}*", f'"{before}{one[:size]}'
            yield f"*{one[-size:]}", f'{one[-size:]}"'
    yield f"*:{last}", f':{last}"'
    yield f"*/{last}", f'{last}"'  # JSON may escape a slash, so that the prefilter looks for what follows it


def _names_in(data: dict[str, Any]) -> Iterator[str]:
    yield member(data, "user", "username")
    if member(data, "objectRef", "resource") in ("pods", "nodes"):
        yield member(data, "objectRef", "name")
