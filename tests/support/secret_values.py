"""The secret values of real logs, and whether a text holds one."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHORTEST = 6
"""Shorter values are parts of ordinary words."""
NAMES = frozenset({"token-id", "auth-extra-groups", "username", "namespace"})
"""Keys of Secrets whose values are names, which stand in names of objects and elsewhere too."""
PUBLIC = "-----BEGIN CERTIFICATE-----"
"""A certificate is public: that of the cluster stands in a config map of each namespace."""
WORD = re.compile(r"[A-Za-z0-9+/=_.-]+")
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+")


def secrets_of(log: Path) -> set[str]:
    """Every value of a Secret, in base64 and plain, and every token."""
    found: set[str] = set()
    with gzip.open(log, "rt", encoding="utf-8") as lines:
        for line in lines:
            found.update(_JWT.findall(line))
            if "Secret" in line:
                event = json.loads(line)
                for body in (event.get("requestObject"), event.get("responseObject")):
                    for values in _values(body):
                        found.update(values)
    return {one for one in found if len(one) >= SHORTEST and not one.startswith(PUBLIC)}


def _values(node: Any, secret: bool = False) -> Iterator[list[str]]:
    if isinstance(node, list):
        for item in node:
            yield from _values(item, secret)
    if not isinstance(node, dict):
        return
    secret = secret or node.get("kind") in ("Secret", "SecretList")
    for name, value in node.items():
        if secret and name in ("data", "stringData") and isinstance(value, dict):
            for key, one in value.items():
                if key not in NAMES:
                    yield [one, _decoded(one)] if name == "data" else [one]
        elif name == "kubectl.kubernetes.io/last-applied-configuration" and isinstance(value, str):
            yield from _values(json.loads(value))
        elif isinstance(value, (dict, list)):
            yield from _values(value, secret and name == "items")


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except ValueError:
        return ""


def held_in(text: str, secrets: set[str]) -> list[str]:
    """The secrets that stand in a text, however often it is quoted. Those of one word are looked up among its words."""
    plain = text.replace("\\", "")
    words = set(WORD.findall(plain))
    several = [one for one in secrets if WORD.fullmatch(one) is None]
    return [
        *sorted(one for one in secrets if one in words),
        *sorted(one for one in several if one.replace("\\", "") in plain or json.dumps(one)[1:-1] in text),
    ]
