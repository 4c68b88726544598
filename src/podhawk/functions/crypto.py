"""Hashes of a text's UTF-8 bytes, as lower-case hexadecimal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from podhawk.functions import numbers
from podhawk.functions.declare import EvalValue, Function

SOURCE = (
    "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/cryptographic-functions"
)


def _hashed(algorithm: str) -> Callable[[EvalValue], EvalValue]:
    def run(value: EvalValue) -> EvalValue:
        if isinstance(value, tuple):
            return None
        data = numbers.text(value).encode("utf-8", "replace")
        return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()

    return run


def _declare(name: str, bits: int, expected: str) -> Function:
    return Function(
        name,
        1,
        1,
        f"The {name.upper()} hash of the text: {bits} bits in lower-case hexadecimal.",
        (f'{name}("")', expected),
        run=_hashed(name),
        returns="string",
        source=SOURCE,
    )


FAMILY: tuple[Function, ...] = (
    _declare("md5", 128, "d41d8cd98f00b204e9800998ecf8427e"),
    _declare("sha1", 160, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    _declare("sha256", 256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    _declare(
        "sha512",
        512,
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ),
)
