"""Networks from which only people and machines of the site can come."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

INSIDE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Loopback, private, shared and link-local networks.
Source: https://www.iana.org/assignments/iana-ipv4-special-registry/"""


Address = IPv4Address | IPv6Address


@lru_cache(maxsize=4096)
def inside(address: str) -> bool:
    """Whether an address is of a network of the site. What is no address is not."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed.version == network.version and parsed in network for network in INSIDE)


@lru_cache(maxsize=4096)
def loopback(address: str) -> bool:
    """Whether an address is the API server's own host, by loopback."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


@lru_cache(maxsize=4096)
def is_address(address: str) -> bool:
    """Whether a text is an address."""
    return _parsed(address) is not None


def _parsed(address: str) -> Address | None:
    """The address that a text is, one of IPv4 in IPv6 as that of IPv4."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
