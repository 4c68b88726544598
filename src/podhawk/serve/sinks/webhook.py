"""Signed webhook: JSON that is posted to a URL, signed as Standard Webhooks describe it.

The signature covers the key of the message, the time of sending and the body. A receiver refuses old times, and drops
keys that it has seen.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import binascii
import hmac
import time
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

from msgspec import Struct, to_builtins

from podhawk.errors import UsageError
from podhawk.serve.sinks.declare import Deliverer, SinkKind
from podhawk.serve.sinks.inert import inert_json
from podhawk.serve.sinks.message import SinkMessage
from podhawk.serve.sinks.posting import SinkPoster
from podhawk.serve.sinks.texts import MessageTexts, texts_for

_PREFIX = "whsec_"


class WebhookOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to post, and the secret that signs: `whsec_` and base64, or a text. `title` and `text` are templates."""

    url: str
    secret: str
    ca: str | None = None
    title: str | None = None
    text: str | None = None


def signature(secret: bytes, key: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{key}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.new(secret, signed, sha256).digest()).decode()


def body_of(message: SinkMessage, texts: MessageTexts) -> dict[str, Any]:
    """The body. `title` and `text` are for people, everything else is exact."""
    return {
        "type": "podhawk.digest" if message.digest else "podhawk.finding",
        "key": message.key,
        "urgency": message.urgency,
        "title": texts.title_of(message),
        "text": texts.text_of(message),
        "total": message.total,
        "imported": message.imported,
        "severity": message.severity,
        "severities": dict(message.severities),
        "priority": message.priority,
        "items": [{**to_builtins(one), "key": one.key} for one in message.items],
    }


class _Webhook:
    def __init__(self, options: WebhookOptions) -> None:
        self._secret = _secret(options.secret)
        self._texts = texts_for(options.title, options.text)
        self._poster = SinkPoster(options.url, {"Content-Type": "application/json"}, options.ca)

    def deliver(self, message: SinkMessage) -> None:
        body, now = inert_json(body_of(message, self._texts)), int(time.time())
        headers = {
            "webhook-id": message.key,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(self._secret, message.key, now, body),
        }
        self._poster.post(body, headers)

    def preview(self, message: SinkMessage) -> str:
        return f"POST to {self._poster.host}: {self._texts.title_of(message)}"

    def close(self) -> None:
        self._poster.close()


def _secret(text: str) -> bytes:
    try:
        found = b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else text.encode()
    except (ValueError, binascii.Error):
        raise UsageError("secret is not base64 after whsec_") from None
    if len(found) < 16:
        raise UsageError("secret is too short", remedy="Use at least 16 bytes: openssl rand -hex 24")
    return found


def _open(options: WebhookOptions) -> Deliverer:
    return _Webhook(options)


WEBHOOK = SinkKind(
    "webhook",
    "JSON to a URL, with an HMAC signature over key, time and body.",
    WebhookOptions,
    _open,
    rate="120/h",
)
