"""Regular expressions: PCRE, without the limits and the memory of the engine's own wrapper."""

from __future__ import annotations

from typing import Any

import pcre2


class NoAnswer(Exception):
    """The pattern is none, or takes too long."""


def search(pattern: str, subject: str) -> Any:
    try:
        return pcre2.compile("(*UTF)" + pattern).search(subject)
    except (pcre2.PatternError, pcre2.LibraryError) as error:
        raise NoAnswer(pattern) from error


def finditer(pattern: str, subject: str) -> list[Any]:
    try:
        return list(pcre2.compile("(*UTF)" + pattern).finditer(subject))
    except (pcre2.PatternError, pcre2.LibraryError) as error:
        raise NoAnswer(pattern) from error
