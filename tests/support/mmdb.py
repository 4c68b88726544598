"""Writes a small database in the MaxMind DB format (version 2), so that tests read a real one.

Source: https://maxmind.github.io/MaxMind-DB/
"""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"


class Small(int):
    """A number that the format wants in 16 bits."""


class Large(int):
    """A number that the format wants in 64 bits."""


def encode(value: Any) -> bytes:
    """One value of the data section."""
    if isinstance(value, str):
        raw = value.encode()
        return _head(2, len(raw)) + raw
    if isinstance(value, bool):
        return _head(14, int(value))
    if isinstance(value, float):
        return _head(3, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _head(5 if isinstance(value, Small) else 9 if isinstance(value, Large) else 6, len(raw)) + raw
    if isinstance(value, dict):
        return _head(7, len(value)) + b"".join(encode(key) + encode(inner) for key, inner in value.items())
    if isinstance(value, list):
        return _head(11, len(value)) + b"".join(map(encode, value))
    raise TypeError(type(value))


def _head(kind: int, size: int) -> bytes:
    extended = bytes([kind - 7]) if kind > 7 else b""
    first = (kind if kind <= 7 else 0) << 5
    if size < 29:
        return bytes([first | size]) + extended
    if size < 285:
        return bytes([first | 29]) + extended + bytes([size - 29])
    return bytes([first | 30]) + extended + (size - 285).to_bytes(2, "big")


def write(path: Path, places: dict[str, dict[str, Any]], kind: str = "GeoLite2-City") -> Path:
    """A database of networks (IPv4 ones lie under ::/96, as the format has it) and what is known of them."""
    nodes: list[list[Any]] = [[None, None]]
    data = bytearray()
    for text, place in places.items():
        network = ipaddress.ip_network(text)
        bits = int(network.network_address)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        at = 0
        for depth in range(length):
            bit = bits >> (127 - depth) & 1
            if depth == length - 1:
                nodes[at][bit] = ("data", len(data))
                break
            if nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = len(nodes) - 1
            at = nodes[at][bit]
        data += encode(place)
    count = len(nodes)
    tree = bytearray()
    for node in nodes:
        for record in node:
            if record is None:
                value = count
            elif isinstance(record, tuple):
                value = count + 16 + record[1]
            else:
                value = record
            tree += value.to_bytes(4, "big")
    metadata = {
        "binary_format_major_version": Small(2),
        "binary_format_minor_version": Small(0),
        "build_epoch": Large(1700000000),
        "database_type": kind,
        "description": {"en": "test"},
        "ip_version": Small(6),
        "languages": ["en"],
        "node_count": count,
        "record_size": Small(32),
    }
    path.write_bytes(bytes(tree) + b"\0" * 16 + bytes(data) + _MARKER + encode(metadata))
    return path
