"""Lists of field names with wildcards, shared by table, fields, rename, fillnull and their kin."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from podhawk.lazy import lazy_pattern
from podhawk.spl.text import quote

_PLAIN = lazy_pattern(r"[^\x00-)+-@\[-^`{-\x7f][\w.{}:*@#$/-]*\Z")  # begins with a letter, _, * or beyond ASCII
_WORDS = frozenset({"as", "by", "over", "where", "output", "outputnew", "in", "with"})


def shown(name: str) -> str:
    """A field name as SPL writes it."""
    return name if _PLAIN.match(name) and name.lower() not in _WORDS else quote(name)


def listed(names: Iterable[str]) -> str:
    """Names as SPL writes them in a list."""
    return " ".join(shown(name) for name in names)


@lru_cache(maxsize=1024)
def pattern(name: str) -> re.Pattern[str]:
    """A name with `*` as a pattern whose groups are what each `*` stands for."""
    return re.compile("(.*)".join(re.escape(part) for part in name.split("*")) + r"\Z", re.DOTALL)


def select(names: Iterable[str], have: Iterable[str]) -> list[str]:
    """The fields that a list means: plain names as they are, wildcards by what there is.

    Wildcards never mean internal fields (`_time`, `_raw`) unless they begin with an underscore.
    """
    available = list(have)
    found: dict[str, None] = {}
    for name in names:
        if "*" not in name:
            found[name] = None
            continue
        matcher = pattern(name)
        for field in available:
            if matcher.match(field) and (name.startswith("_") or not field.startswith("_")):
                found[field] = None
    return list(found)


def matches(names: Iterable[str], field: str) -> bool:
    """Whether a field is meant by any of the names."""
    return any(
        name == field
        if "*" not in name
        else bool(pattern(name).match(field)) and (name.startswith("_") or not field.startswith("_"))
        for name in names
    )


def has_wildcard(names: Iterable[str]) -> bool:
    return any("*" in name for name in names)
