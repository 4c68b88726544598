"""Downloading single datasets by URL into a cache folder; only where --fetch allows it."""

from __future__ import annotations

import os
import tempfile
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
_CHUNK: Final = 1 << 20


class NotFetched(Exception):
    """Why a dataset could not be downloaded."""


def default_cache() -> Path:
    """Where datasets are kept if --cache names no folder."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "podhawk" / "datasets"


def download(url: str, cache: Path, most: int = MOST_BYTES) -> Path:
    """The file of a URL, from the cache if it is there. Raises NotFetched."""
    if urlsplit(url).scheme not in SCHEMES:
        raise NotFetched(f"only {', '.join(SCHEMES)} URLs can be fetched")
    target = cache / f"url-{sha256(url.encode()).hexdigest()}"
    if target.is_file():
        return target
    part = None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with urlopen(url, timeout=PATIENCE) as answer, tempfile.NamedTemporaryFile(dir=cache, delete=False) as file:
            part = Path(file.name)
            size = 0
            while chunk := answer.read(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise NotFetched(f"it is larger than {most:,} bytes")
                file.write(chunk)
            announced = answer.headers.get("Content-Length")
            if announced is not None and announced.isdecimal() and int(announced) != size:
                raise NotFetched(f"the server sent {size:,} of {announced} bytes")
        part.replace(target)
    except URLError as error:
        raise NotFetched(str(error.reason)) from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotFetched(str(error) or type(error).__name__) from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return target
