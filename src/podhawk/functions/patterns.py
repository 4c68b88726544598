"""How values match: case folding, wildcards, networks, tokens.

Case-blind means ASCII folding plus one-to-one folding among non-ASCII characters: no non-ASCII
character ever equals an ASCII one (the Kelvin sign is not a k), and folding never changes a length.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[str], bool]


def fold(text: str) -> str:
    """Text with case taken away."""
    if text.isascii():
        return text.lower()
    return "".join(_fold_character(char) for char in text)


@lru_cache(maxsize=4096)
def _fold_character(char: str) -> str:
    if char.isascii():
        return char.lower()
    for folded in (char.casefold(), char.lower()):
        if len(folded) == 1 and not folded.isascii():
            return folded
    return char


def wildcard(pattern: str) -> Matcher:
    """A matcher for a whole value where `*` stands for any run of characters.

    Takes text as it comes: folding is the caller's. Linear in the text, whatever the pattern.
    """
    parts = pattern.split("*")
    if len(parts) == 1:
        return lambda text: text == pattern
    first, *middle, last = parts
    inner = [part for part in middle if part]
    least = len(first) + len(last)
    if not inner and not first and not last:
        return lambda text: True
    if not inner and not last:
        return lambda text: text.startswith(first)
    if not inner and not first:
        return lambda text: text.endswith(last)
    if len(inner) == 1 and not first and not last:
        only = inner[0]
        return lambda text: only in text

    def matches(text: str) -> bool:
        if len(text) < least or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in inner:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return matches


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> Network | None:
    """The network a text spells in CIDR form, or None."""
    if "/" not in text:
        return None
    address, _, prefix = text.partition("/")
    if not prefix.isdigit() or not prefix.isascii():
        return None
    try:
        return ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address a text spells, or None."""
    if not text or (not text[0].isdigit() and ":" not in text):
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def in_network(text: str, net: Network) -> bool:
    """Whether an address lies in a network; an IPv4 address inside IPv6 counts as what it is."""
    found = address(text)
    if found is None:
        return False
    if found.version == 6 and net.version == 4:
        mapped = getattr(found, "ipv4_mapped", None)
        return mapped is not None and mapped in net
    return found in net


MAJOR_BREAKERS = "[]<>(){}|!;,'\"*\n\r \t&?+"
MINOR_BREAKERS = "/:=@.-$#%\\_"


def token(text: str, *, exact: bool = False, major_only: bool = False) -> Matcher:
    """A matcher for a term in `_raw`, which must stand between breakers or text ends.

    `exact` keeps case (CASE); `major_only` wants major breakers on both sides (TERM). A `*` inside the
    term stands for a run of characters that are no major breaker; at an end it drops that boundary.

    Source: https://docs.splunk.com/Documentation/Splunk/latest/Admin/Segmentersconf
    """
    term = text if exact else fold(text)
    if term.strip("*") == "":
        return lambda raw: True
    left = "" if term.startswith("*") else _boundary("<", major_only)
    right = "" if term.endswith("*") else _boundary(">", major_only)
    run = f"[^{re.escape(MAJOR_BREAKERS.replace('*', ''))}]*"
    body = run.join(re.escape(part) for part in re.split(r"\*+", term.strip("*")))
    pattern = re.compile(left + body + right)
    longest = max(re.split(r"\*+", term), key=len)

    def matches(raw: str) -> bool:
        return longest in raw and pattern.search(raw) is not None

    return matches if exact else lambda raw: matches(fold(raw))


def _boundary(side: str, major_only: bool) -> str:
    breakers = re.escape(MAJOR_BREAKERS if major_only else MAJOR_BREAKERS + MINOR_BREAKERS)
    return f"(?<![^{breakers}])" if side == "<" else f"(?![^{breakers}])"


def phrase(text: str, *, bounded: bool = False) -> Matcher:
    """A matcher for a quoted phrase in `_raw`: these characters in this order, case-blind."""
    if bounded or "*" in text:
        return token(text)
    wanted = fold(text)
    return lambda raw: wanted in fold(raw)
