"""Secrets in request URIs: query parameters, and the commands of exec."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote_plus, unquote_plus

from podhawk.events.redaction.mask import Redaction
from podhawk.events.redaction.names import is_secret_parameter
from podhawk.events.redaction.text import mask_command, mask_text, mask_tokens

_KEPT: Final = "()/:,;=@$!*'~{}[]|<>\""
_KUBERNETES: Final = frozenset({"continue", "labelSelector", "fieldSelector", "resourceVersion"})
"""Parameters of the API that hold no secret, whatever their values look like."""


def mask_uri(uri: str, redaction: Redaction) -> str:
    """A request URI with its secrets masked. Parameters in which nothing is masked stay as they are spelt."""
    path, mark, query = uri.partition("?")
    masked = mask_tokens(path, redaction)
    if "%" in path and masked == path:
        plain = unquote_plus(path)
        if mask_tokens(plain, redaction) != plain:
            masked = quote_plus(mask_tokens(plain, redaction), safe=_KEPT)
    if not mark:
        return masked
    parts = query.split("&")
    names = [unquote_plus(part.partition("=")[0]) for part in parts]
    values = [unquote_plus(part.partition("=")[2]) for part in parts]
    commands = [number for number, name in enumerate(names) if name in ("command", "cmd")]
    changed = dict(zip(commands, mask_command([values[number] for number in commands], redaction), strict=True))
    for number, name in enumerate(names):
        if number not in changed and name not in _KUBERNETES:
            changed[number] = _parameter(name, values[number], redaction)
    for number, value in changed.items():
        if value != values[number]:
            name, equals, _ = parts[number].partition("=")
            parts[number] = f"{name}{equals}{quote_plus(value, safe=_KEPT)}"
    return f"{masked}{mark}{'&'.join(parts)}"


def _parameter(name: str, value: str, redaction: Redaction) -> str:
    if is_secret_parameter(name):
        return redaction.mask(value)
    return mask_text(value, redaction) if "=" in value or ":" in value else mask_tokens(value, redaction)
