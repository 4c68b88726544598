"""Posting to a receiver over HTTP, and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx

from podhawk.errors import UsageError
from podhawk.serve.sinks.declare import DeliveryError, RefusedError
from podhawk.settings.version import __version__

_SECONDS: Final = 10.0
_REFUSED: Final = frozenset({400, 411, 413, 414, 415, 422})
"""Answers that are about the body. All others, wrong credentials too, may be better later."""


class SinkPoster:
    """Posts to one URL. Redirects are not followed: what is sent is for this receiver alone."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, ca: str | None = None) -> None:
        import ssl

        try:
            parts = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            parts = httpx.URL("")
        if parts.scheme not in ("http", "https") or not parts.host:
            raise UsageError("url is not an http or https URL", remedy="For example: https://example.org/hook")
        self.host = parts.host
        try:
            verify = ssl.create_default_context(cafile=ca)
        except OSError as error:
            raise UsageError(f"ca cannot be read: {error}") from None
        agent = {"User-Agent": f"podhawk/{__version__}"}
        self._url = url
        self._client = httpx.Client(verify=verify, timeout=_SECONDS, headers={**agent, **(headers or {})})

    def post(self, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Post a body. Raises DeliveryError and RefusedError."""
        try:
            answer = self._client.post(self._url, content=body, headers=dict(headers))
        except httpx.HTTPError as error:
            raise DeliveryError(f"{type(error).__name__} at {self.host}: {str(error)[:200]}") from None
        if answer.is_success:
            return answer
        told = f"{answer.status_code} from {self.host}: {answer.text[:200]}"
        if answer.status_code in _REFUSED:
            raise RefusedError(told)
        wait = answer.headers.get("retry-after", "")
        raise DeliveryError(told, float(wait) if wait.isdecimal() else 0.0)

    def close(self) -> None:
        self._client.close()
