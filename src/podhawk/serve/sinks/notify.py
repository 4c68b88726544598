"""Chats, pagers and mail by way of apprise, which knows more than a hundred of them by URL.

Texts are sent as plain text, in which nothing mentions, links or formats (see `inert`).

Source: https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from podhawk.errors import UsageError
from podhawk.serve.sinks.declare import Deliverer, DeliveryError, SinkKind
from podhawk.serve.sinks.message import SinkMessage
from podhawk.serve.sinks.texts import texts_for

if TYPE_CHECKING:
    from apprise import Apprise

_TYPES: Final = {"urgent": "failure", "normal": "warning", "low": "info"}


class AppriseOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The URLs to notify; `title` and `text` are templates. With `urgent_only`, only urgent messages are sent: a pager
    beside a chat."""

    urls: tuple[str, ...]
    title: str | None = None
    text: str | None = None
    urgent_only: bool = False


class _Apprise:
    def __init__(self, options: AppriseOptions) -> None:
        self._options = options
        self._texts = texts_for(options.title, options.text)
        self._notifiers = [_notifier(number, url) for number, url in enumerate(options.urls, 1)]
        if not self._notifiers:
            raise UsageError("urls is empty")
        self._done: tuple[str, set[int]] = ("", set())

    def deliver(self, message: SinkMessage) -> None:
        if self._options.urgent_only and message.urgency != "urgent":
            return
        key, done = self._done
        done = done if key == message.key else set()
        self._done = message.key, done
        title = self._texts.title_of(message)
        text = f"{self._texts.text_of(message)}key {message.key}\n"
        failed = []
        for number, one in enumerate(self._notifiers):
            if number in done:
                continue  # it was told when the message was tried before
            if one.notify(body=text, title=title, notify_type=_TYPES[message.urgency], body_format="text"):
                done.add(number)
            else:
                failed.append(number + 1)
        if failed:
            raise DeliveryError(f"URL {', '.join(map(str, failed))} did not take the message")

    def preview(self, message: SinkMessage) -> str:
        return f"{len(self._notifiers)} by apprise: {self._texts.title_of(message)}"

    def close(self) -> None:
        pass


def _notifier(number: int, url: str) -> Apprise:
    try:
        import apprise
    except ImportError:
        raise UsageError(
            "a sink of the kind apprise needs the package apprise", remedy="pip install 'podhawk[serve]'"
        ) from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs URLs, which hold passwords
    asset = apprise.AppriseAsset(
        app_id="podhawk",
        app_desc="podhawk",
        app_url="",
        async_mode=False,
        interpret_emojis=False,
        interpret_escapes=False,
    )
    found = apprise.Apprise(asset=asset)
    made = apprise.Apprise.instantiate(url.strip(), asset=asset, suppress_exceptions=True)
    if not isinstance(made, apprise.NotifyBase):
        raise UsageError(f"apprise cannot use URL {number} of urls", remedy="See the wiki of apprise for its form.")
    if "overflow=" not in url.lower():
        # A digest is longer than many services take. What they refuse for its length would be tried again for days, and
        # everything would wait behind it.
        made.overflow_mode = apprise.OverflowMode.SPLIT
    found.add(made)
    return found


def _open(options: AppriseOptions) -> Deliverer:
    return _Apprise(options)


APPRISE = SinkKind(
    "apprise", "Chats, pagers and mail: every URL that apprise knows.", AppriseOptions, _open, rate="20/h"
)
