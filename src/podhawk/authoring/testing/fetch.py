"""Downloading single datasets by URL into a cache folder; only where --fetch allows it."""

from __future__ import annotations

import os
import tempfile
import threading
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

SCHEMES: Final = ("file", "http", "https")
MOST_BYTES: Final = 1 << 30
"""The largest dataset that is downloaded."""
PATIENCE: Final = 30.0
"""Seconds to wait for a server that sends nothing."""
MOST_SECONDS: Final = 600.0
"""Seconds that one download may take."""
_CHUNK: Final = 1 << 20


class NotFetched(Exception):
    """Why a dataset could not be downloaded."""


def default_cache() -> Path:
    """Where datasets are kept if --cache names no folder."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "podhawk" / "datasets"


def download(url: str, cache: Path, most: int = MOST_BYTES, seconds: float = MOST_SECONDS) -> Path:
    """The file of a URL, from the cache if it is there. Raises NotFetched, after so many seconds at the latest."""
    if urlsplit(url).scheme not in SCHEMES:
        raise NotFetched(f"only {', '.join(SCHEMES)} URLs can be fetched")
    target = cache / f"url-{sha256(url.encode()).hexdigest()}"
    if target.is_file():
        return target
    transfer = _Transfer(url, cache, target, most)
    # A thread, because no timeout of a socket bounds names that are looked up, redirections and single bytes.
    thread = threading.Thread(target=transfer.run, daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:
        late = thread.is_alive()
        if late:
            transfer.abandon()
    if late:
        raise NotFetched(f"it took longer than {seconds:g} seconds")
    if transfer.failure is not None:
        raise NotFetched(transfer.failure)
    return target


class _Transfer:
    """One download. `failure` says why it failed."""

    def __init__(self, url: str, cache: Path, target: Path, most: int) -> None:
        self.url, self.cache, self.target, self.most = url, cache, target, most
        self.failure: str | None = None
        self._part: Path | None = None
        self._abandoned = False

    def run(self) -> None:
        try:
            self._fetch()
        except NotFetched as error:
            self.failure = str(error)
        except URLError as error:
            self.failure = str(error.reason)
        except (OSError, HTTPException, ValueError) as error:
            self.failure = str(error) or type(error).__name__
        finally:
            self._clear()

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        self._abandoned = True
        self._clear()

    def _clear(self) -> None:
        if self._part is not None:
            self._part.unlink(missing_ok=True)

    def _fetch(self) -> None:
        self.cache.mkdir(parents=True, exist_ok=True)
        with (
            urlopen(self.url, timeout=PATIENCE) as answer,
            tempfile.NamedTemporaryFile(dir=self.cache, delete=False) as file,
        ):
            self._part = Path(file.name)
            size = 0
            while not self._abandoned and (chunk := answer.read1(_CHUNK)):
                size += len(chunk)
                if size > self.most:
                    raise NotFetched(f"it is larger than {self.most:,} bytes")
                file.write(chunk)
            announced = answer.headers.get("Content-Length")
            if announced is not None and announced.isdecimal() and int(announced) != size:
                raise NotFetched(f"the server sent {size:,} of {announced} bytes")
        if not self._abandoned:
            self._part.replace(self.target)
