"""Where events are sent, and in what form: Splunk's HTTP Event Collector, or an audit webhook.

Source: https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/9.4/get-data-with-http-event-collector and
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import unquote, unquote_plus, urlencode, urlsplit

from msgspec import Struct

from podhawk.authoring.replay.datasets import Message, ReplayDataset
from podhawk.errors import UsageError
from podhawk.events.redaction.names import is_secret_parameter

_TOKEN: Final = re.compile(r"[!-~]*")
_URL: Final = re.compile(r"[^\s\x00-\x1f\x7f]+")
_PASSWORD: Final = re.compile(r"(\A(?:[^/?#]*//)?[^/?#@:]*:)([^/?#]+)(?=@)")
"""The password before the host of a URL, also of one without a scheme."""

ReceiverForm = Literal["event", "raw", "webhook"]


class HttpRequest(Struct, frozen=True):
    """One HTTP request: where, with which headers, and its body."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Receiver(Struct, frozen=True):
    """A receiver."""

    url: str
    form: ReceiverForm
    token: str = ""

    def request(self, batch: Sequence[Message], run: str, first: int) -> HttpRequest:
        """The request for a batch, whose first message has that number within the run."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"{'Bearer' if self.form == 'webhook' else 'Splunk'} {self.token}"
        if self.form == "webhook":
            items = ",".join(one.text for one in batch)
            return HttpRequest(
                self.url,
                headers,
                f'{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{items}]}}'.encode(),
            )
        headers["X-Splunk-HttpRequest-Channel"] = run
        if self.form == "raw":
            asked = urlencode(_metadata(batch[0].dataset))
            return HttpRequest(
                self.url + ("?" + asked if asked else ""),
                {**headers, "Content-Type": "text/plain"},
                "".join(f"{one.text}\n" for one in batch).encode(),
            )
        return HttpRequest(
            self.url,
            headers,
            "".join(_envelope(one, run, number) + "\n" for number, one in enumerate(batch, first)).encode(),
        )


def target_of(url: str, form: str | None, token: str) -> Receiver:
    """The receiver at a URL; the form follows from its path where none is named. Raises UsageError for a URL or token
    that HTTP cannot carry; the message does not show it."""
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            "the token holds a line feed, a blank or another character that an HTTP header cannot carry",
            remedy="Give the token alone, on one line.",
        )
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and _URL.fullmatch(url) is not None
        sound = sound and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound:
        raise UsageError(
            f"{without_password(url)} is not an http or https URL",
            remedy="For example: --to https://splunk:8088/services/collector/event",
        )
    if form is not None:
        return Receiver(url, form, token)  # type: ignore[arg-type]
    if "/services/collector" in parts.path:
        return Receiver(url, "raw" if parts.path.rstrip("/").endswith("/raw") else "event", token)
    return Receiver(url, "webhook", token)


def without_password(url: str) -> str:
    """A URL as it may be shown: without the password and the secrets among its parameters."""
    url = _PASSWORD.sub(r"\1…", url)
    before, mark, query = url.partition("?")
    return before + mark + "&".join(map(_parameter, query.split("&")))


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    return f"{name}={'…' if value else ''}" if equals and is_secret_parameter(unquote(name)) else part


def without_secrets(text: str, url: str, headers: Mapping[str, str]) -> str:
    """A message or an answer as it may be shown: proxies and debugging receivers send back what they got."""
    query = urlsplit(url).query.split("&")
    values = [value for name, _, value in (part.partition("=") for part in query) if is_secret_parameter(unquote(name))]
    found = _PASSWORD.search(url)
    if found is not None:
        user = found[1].rpartition("//")[2] + found[2]
        values += [found[2], b64encode(unquote(user).encode()).decode()]
    token = headers.get("Authorization", "").partition(" ")[2]
    if token:
        text = text.replace(token, "(token)")
    for value in sorted((one for one in values if one), key=len, reverse=True):
        text = text.replace(value, "(secret)").replace(unquote_plus(value), "(secret)")
    return text


def _metadata(dataset: ReplayDataset) -> dict[str, str]:
    found = {"source": dataset.source, "sourcetype": dataset.sourcetype, "index": dataset.index, "host": dataset.host}
    return {name: value for name, value in found.items() if value}


def _envelope(message: Message, run: str, number: int) -> str:
    """An event in its envelope. `fields` tells receivers which event it is, should one arrive twice."""
    head: dict[str, Any] = {
        "time": round(message.time, 6),
        **_metadata(message.dataset),
        "fields": {"podhawk_replay": f"{run}:{number}"},
    }
    return json.dumps(head, ensure_ascii=False)[:-1] + f', "event": {message.text}}}'
