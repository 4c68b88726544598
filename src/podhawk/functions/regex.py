"""Regular expressions are PCRE, and no event can hang one.

The binding takes no limit as a parameter, so each pattern starts with a verb that sets PCRE2's match
limit. A subject on which the limit is hit counts as not matching, and says so through `LimitHit`.

Source: https://www.pcre.org/current/doc/html/pcre2pattern.html ("Setting match resource limits")
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pcre2

from podhawk.errors import SearchError

MATCH_LIMIT = 1_000_000
_PREFIX = f"(*LIMIT_MATCH={MATCH_LIMIT})(*UTF)"


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Any:
    """A compiled pattern with `search`, `finditer`, `sub` and `groupindex`.

    Raises SearchError (without a place: the caller knows it) for a pattern that PCRE refuses.
    """
    try:
        return pcre2.compile(_PREFIX + pattern)
    except pcre2.PatternError as error:
        position = max(getattr(error, "pos", 0) - len(_PREFIX), 0)
        reason = str(error.args[0] if error.args else error).split(";", 1)[-1].strip()
        raise SearchError(
            f"invalid regular expression: {reason} at character {position + 1}: "
            f"{pattern[max(0, position - 20) : position + 20]!r}"
        ) from None
    except UnicodeEncodeError:
        raise SearchError("this regular expression contains a character that is not text (a lone surrogate)") from None


class LimitHit(Exception):
    """The match limit was reached before an answer was."""


def search(pattern: str, subject: str) -> Any:
    """The first match or None. Raises LimitHit when the limit was reached."""
    try:
        return compile_pattern(pattern).search(subject)
    except pcre2.LibraryError as error:
        raise LimitHit(str(error)) from None
    except UnicodeEncodeError:
        return compile_pattern(pattern).search(subject.encode("utf-8", "replace").decode())


def finditer(pattern: str, subject: str) -> list[Any]:
    """All matches, in order. Raises LimitHit when the limit was reached."""
    try:
        return list(compile_pattern(pattern).finditer(subject))
    except pcre2.LibraryError as error:
        raise LimitHit(str(error)) from None
    except UnicodeEncodeError:
        return list(compile_pattern(pattern).finditer(subject.encode("utf-8", "replace").decode()))
