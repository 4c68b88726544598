"""Many lines at once: in which of them there is certainly nothing to mask.

`clean_line` tells it of one. A service takes batches of hundreds of events, and asking of each by itself costs more
than decoding it. So one scan of the whole batch finds the lines with any sign of something to mask, and one call
decodes all the others. Where that does not work out, because of one odd line, each is asked by itself.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from podhawk.events.reasons import METHODS
from podhawk.events.redaction.clean import SLOW, URI_OF_LINE, CleanLine, clean_line
from podhawk.events.redaction.forms import FEW, SECRET_AS_TEXT, TOGETHER, look_for_each
from podhawk.events.redaction.text import HINTS

_SECRETS: Final = ("/secrets", '"secrets"')
"""Signs of an event about Secrets, as a URI and a reference name them."""
_OTHER_ESCAPE: Final = rb"\\u(?:[^0]|0[^0]|00[^23]|002[^6]|003[^ce])"
"""An escape other than those that the API server writes."""
_DECODER: Final = msgspec.json.Decoder(CleanLine)
_URIS: Final = re.compile(rf"{URI_OF_LINE}(?:\n{URI_OF_LINE})*")
Suspects = Callable[[bytes, Sequence[int]], set[int]]
"""From lines as one text, and where each ends, to the numbers of those with a sign."""


class _Ours(threading.local):
    """How many lines a thread has asked about, and its database, which can be used by one at a time."""

    asked = 0
    suspects: Suspects | None = None


_ours = _Ours()


def clean_lines(texts: Sequence[bytes]) -> list[CleanLine | None]:
    """For each text, which is JSON on one line, what `clean_line` says of it if it holds no hint of a secret that is
    told by its form; None for all others."""
    _ours.asked += len(texts)
    if _ours.suspects is None and _ours.asked > FEW:
        _ours.suspects = _finder()
    found = _at_once(texts, _ours.suspects) if _ours.suspects is not None and len(texts) > 1 else None
    if found is None:
        return [None if look_for_each(text.decode("utf-8", "replace")) else clean_line(text) for text in texts]
    return found


def _at_once(texts: Sequence[bytes], suspects: Suspects) -> list[CleanLine | None] | None:
    """The same for all lines together; None if each must be asked by itself."""
    joined = b"\n".join(texts)
    if joined.count(b"\n") != len(texts) - 1:
        return None
    ends = list(accumulate(len(text) + 1 for text in texts))
    some = suspects(joined, ends)
    plain = [text for number, text in enumerate(texts) if number not in some] if some else texts
    try:
        events = _DECODER.decode_lines(b"\n".join(plain) if some else joined)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    uris = "\n".join([event.requestURI for event in events])
    if len(events) != len(plain) or uris.count("\n") != max(len(events) - 1, 0) or not _URIS.fullmatch(uris):
        return None
    for event in events:
        reference = event.objectRef
        if event.verb in METHODS or "/secrets" in event.requestURI:
            return None
        if reference is not None and reference.resource == "secrets":
            return None
    if not some:
        return list(events)
    rest = iter(events)
    return [None if number in some else next(rest) for number in range(len(texts))]


def _finder() -> Suspects | None:
    """Finds lines with a sign by Hyperscan; None where it does not run."""
    try:
        import hyperscan
    except ImportError:
        return None
    signs = [re.escape(one).encode() for one in (*HINTS, SECRET_AS_TEXT, *_SECRETS)]
    signs += [re.escape(one) for one in SLOW if one != b"\n"]
    signs.append(_OTHER_ESCAPE)
    alone = len(signs)
    signs += [re.escape(one).encode() for one in TOGETHER]
    database = hyperscan.Database()
    try:
        database.compile(
            expressions=signs,
            ids=list(range(len(signs))),
            elements=len(signs),
            flags=[hyperscan.HS_FLAG_DOTALL] * len(signs),
        )
    except hyperscan.HyperscanError:
        return None

    def suspects(joined: bytes, ends: Sequence[int]) -> set[int]:
        met: list[tuple[int, int]] = []

        def seen(identity: int, begin: int, end: int, flags: int, context: object) -> None:
            met.append((identity, end))

        database.scan(joined, match_event_handler=seen)
        some: set[int] = set()
        parts: list[set[int]] = [set() for _ in TOGETHER]
        for identity, end in met:
            (some if identity < alone else parts[identity - alone]).add(bisect_left(ends, end))
        return some | set.intersection(*parts)

    return suspects
