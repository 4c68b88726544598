"""Addresses that are the same however they are spelled.

The API server writes addresses in one way: lower case, the longest run of zeros as `::`, IPv4 as such where it is
mapped into IPv6. People, proxies and other programs do not. A search compares text, so it is given the usual spellings,
and the addresses that it finds are compared as addresses. A zone (`fe80::1%eth0`) is a part of the address only where
it is asked for.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address


@lru_cache(maxsize=4096)
def address_of(text: str) -> Address | None:
    """The address that a text spells, IPv4 in place of IPv4 that is mapped into IPv6; None for any other text."""
    inner = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    try:
        found = ip_address(inner)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def is_network(text: str) -> bool:
    """Whether a text is a network, such as 10.0.0.0/24."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def is_same(asked: Address, found: str) -> bool:
    """Whether a text spells the address that is asked for."""
    other = address_of(found)
    if other == asked:
        return True
    if not isinstance(other, IPv6Address) or not other.scope_id or isinstance(asked, IPv4Address) or asked.scope_id:
        return False
    return int(other) == int(asked)


def spellings(name: str) -> tuple[str, ...]:
    """The name as it is, and if it is an address, the usual other spellings of it, without capitals: searches do not
    tell them apart."""
    address = address_of(name)
    if address is None:
        return (name,)
    forms = [name, str(address)]
    if isinstance(address, IPv4Address):
        high, low = divmod(int(address), 1 << 16)
        forms += [f"::ffff:{address}", f"::ffff:{high:x}:{low:x}", f"0:0:0:0:0:ffff:{address}"]
        forms += [f"0:0:0:0:0:ffff:{high:x}:{low:x}", IPv6Address(f"::ffff:{address}").exploded]
    else:
        zone = f"%{address.scope_id}" if address.scope_id else ""
        parts = IPv6Address(int(address)).exploded.split(":")
        forms += [":".join(parts) + zone, ":".join(part.lstrip("0") or "0" for part in parts) + zone]
        if not zone:
            forms.append(f"{address}%*")
    return tuple(dict.fromkeys([*forms, *(f"[{form}]" for form in forms[1:])]))
