"""Where events are sent, and in what form: Splunk's HTTP Event Collector, or an audit webhook.

Source: https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/9.4/get-data-with-http-event-collector and
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

from msgspec import Struct

from podhawk.authoring.replay.datasets import Message, ReplayDataset
from podhawk.errors import UsageError

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
    """The receiver at a URL; the form follows from its path where none is named. Raises UsageError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
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
    """A URL as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=f"{parts.username}:…@{parts.netloc.rpartition('@')[2]}"))


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
